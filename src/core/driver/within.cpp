#include "within.h"

#include <algorithm>
#include <cstdlib>

#include "checked.h"
#include "claims.h"
#include "policy.h"

namespace cumsum {
namespace {

struct Line {
  int64_t stride, size;
  auto operator<=>(const Line&) const = default;
};

// The axes of x, narrow strides first, those that continue each other as one; and its first element
// in memory.
int collect(const Request& r, Line* axes, const char*& x) {
  int count = 0, kept = 0;
  x = r.x;
  for (int d = 0; d < r.dims; ++d) {
    const int64_t size = r.shape[d], stride = r.x_strides[d];
    if (size == 1 || stride == 0) continue;  // a repeated element need not be seen again
    if (stride < 0) x += (size - 1) * stride;
    axes[count++] = {std::llabs(stride), size};
  }
  std::sort(axes, axes + count);
  for (int i = 0; i < count; ++i) {
    if (kept && axes[kept - 1].stride * axes[kept - 1].size == axes[i].stride) {
      axes[kept - 1].size *= axes[i].size;
    } else {
      axes[kept++] = axes[i];
    }
  }
  if (kept == 0) axes[kept++] = {item_size(r.x_dtype), 1};
  return kept;
}

}  // namespace

Status look_within(const Request& request, const Kernels& kernels, Interrupted interrupted,
                   void* context) noexcept {
  Line axes[most_dims];
  const char* first;
  const int count = collect(request, axes, first);
  const auto within = kernels.exact->within[int(request.x_dtype)];
  const int64_t pieces = divide_up(axes[0].size, policy::looked_at);
  int64_t units = pieces;
  for (int i = 1; i < count; ++i) units *= axes[i].size;
  const auto look = [&](int, int64_t index, int64_t last) {
    for (; index < last; ++index) {
      const int64_t begin = index % pieces * policy::looked_at;
      const char* x = first + begin * axes[0].stride;
      int64_t rest = index / pieces;
      for (int i = 1; i < count; ++i) {
        x += rest % axes[i].size * axes[i].stride;
        rest /= axes[i].size;
      }
      const int64_t some = std::min(policy::looked_at, axes[0].size - begin);
      if (!within(x, axes[0].stride, some, request.range)) return false;
    }
    return true;
  };
  std::atomic<bool> outside{false};
  const auto body = [&](int worker, int64_t index, int64_t last) {
    if (!look(worker, index, last)) outside = true;
    return !outside.load(std::memory_order_relaxed);
  };
  Patience patience(interrupted, context);
  const int64_t run = std::min(policy::looked_at, axes[0].size) * item_size(request.x_dtype);
  const int64_t grain = std::max<int64_t>(1, policy::claim_bytes / run);
  const bool small = units * run < policy::parallel_bytes;
  claim_all(small ? 1 : request.threads, units, grain, patience, body, [] {});
  const Status status = patience.status(false);
  return status == Status::done && outside ? Status::overflowed : status;
}

}  // namespace cumsum
