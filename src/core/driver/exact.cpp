#include "exact.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "claims.h"
#include "cut.h"
#include "policy.h"
#include "sizes.h"

namespace cumsum {

Exactly exactly_by(const Request& request, const Range& range, const Kernels& kernels,
                   std::atomic<bool>* exceeded) {
  constexpr int wide = int(DType::int64);
  const int x = int(request.x_dtype);
  return {range,
          request.x_dtype,
          &kernels.pairs[x][wide],
          &kernels.pairs[wide][wide],
          kernels.copy[x][wide],
          kernels.copy[wide][int(request.y_dtype)],
          kernels.exact,
          exceeded};
}

// ---- whether all elements are in a range --------------------------------------------------------

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

Status look_within(const Request& request, const Range& range, const Kernels& kernels,
                   Interrupted interrupted, void* context) noexcept {
  if (!has_elements(request)) return Status::done;
  Line axes[most_dims];
  const char* first;
  const int count = collect(request, axes, first);
  const auto within = kernels.exact->within[int(request.x_dtype)];
  const int64_t pieces = divide_up(axes[0].size, policy::looked_at);
  int64_t units = pieces;
  for (int i = 1; i < count; ++i) units *= axes[i].size;
  std::atomic<bool> outside{false};
  const auto look = [&](int, int64_t index, int64_t last) {
    for (; index < last && !outside.load(std::memory_order_relaxed); ++index) {
      const int64_t begin = index % pieces * policy::looked_at;
      const char* x = first + begin * axes[0].stride;
      int64_t rest = index / pieces;
      for (int i = 1; i < count; ++i) {
        x += rest % axes[i].size * axes[i].stride;
        rest /= axes[i].size;
      }
      const int64_t some = std::min(policy::looked_at, axes[0].size - begin);
      if (!within(x, axes[0].stride, some, range)) outside = true;
    }
    return !outside.load(std::memory_order_relaxed);
  };
  Patience patience(interrupted, context);
  const int64_t run = std::min(policy::looked_at, axes[0].size) * item_size(request.x_dtype);
  const int64_t grain = std::max<int64_t>(1, sizes().claim / run);
  const bool small = units * run < policy::parallel_bytes;
  claim_all(small ? 1 : request.threads, units, grain, patience, look, [] {});
  const Status status = patience.status(false);
  return status == Status::done && outside ? Status::overflowed : status;
}

// ---- which sum is the first that is not ---------------------------------------------------------

namespace {

// One line, looked at by the kernel that finds out whether sums are in the range.
class Search {
 public:
  Search(const Request& request, const Kernels& kernels)
      : request_(request),
        set_(*kernels.checked),
        reverse_(request.direction == Direction::reverse),
        stride_(request.x_strides[request.axis]),
        by_(exactly_by(request, range_of(request.y_dtype), kernels, &exceeded_)) {}

  // The position is -1 if all sums fit that are looked at.
  Excess look(const char* x, const char* initial, Patience& patience) {
    const Cut whole{0, request_.shape[request_.axis]};
    const int64_t segments = request_.offsets ? request_.segments : 1;
    for (int64_t i = 0; i < segments; ++i) {
      const int64_t s = reverse_ ? segments - 1 - i : i;
      const Cut cut = request_.offsets ? cut_at(request_, s) : whole;
      size_ = cut.length();
      Excess excess = look_along(x + cut.begin * stride_, initial, patience);
      if (excess.position < 0) continue;
      excess.position += cut.begin;
      return excess;
    }
    return {0, -1, 0};
  }

 private:
  // A line, or a segment of one.
  Excess look_along(const char* x, const char* initial, Patience& patience) {
    const int64_t step = reverse_ ? -stride_ : stride_;
    if (reverse_) x += (size_ - 1) * stride_;
    Wide sum = 0;
    if (initial) set_.set(reinterpret_cast<char*>(&sum), initial, 0, 1);
    for (int64_t i = 0; i < size_ && !patience.is_over(0, policy::exact_length);) {
      const int64_t count = std::min(policy::exact_length, size_ - i);
      const Wide before = sum;
      if (fits(x + i * step, step, count, sum)) {
        i += count;
      } else {
        return find(x, step, i, before);
      }
    }
    return {0, -1, 0};
  }

  bool fits(const char* x, int64_t step, int64_t count, Wide& sum) {
    Piece piece{};
    piece.x = x;
    piece.x_scan = step;
    piece.length = count;
    piece.lines = 1;
    piece.exclusive = request_.kind == Kind::exclusive;
    piece.carry = reinterpret_cast<char*>(&sum);
    piece.exactly = &by_;
    exceeded_ = false;
    set_.scan[int(Walk::rows)](piece);
    return !exceeded_;
  }

  // Element by element, from one on.
  Excess find(const char* x, int64_t step, int64_t i, Wide sum) {
    for (; i < size_; ++i) {
      const Wide before = sum;
      if (fits(x + i * step, step, 1, sum)) continue;
      const bool exclusive = request_.kind == Kind::exclusive;
      return {0, reverse_ ? size_ - 1 - i : i, exclusive ? before : sum};
    }
    return {0, -1, 0};  // the memory changed meanwhile
  }

  const Request& request_;
  const KernelSet& set_;
  const bool reverse_;
  const int64_t stride_;
  int64_t size_ = 0;  // of what is looked along
  std::atomic<bool> exceeded_{false};
  Exactly by_;
};

// The next line in C order; false after the last.
bool advance(const Request& request, int64_t* index) {
  for (int d = request.dims - 1; d >= 0; --d) {
    if (d != request.axis && ++index[d] < request.shape[d]) return true;
    index[d] = 0;
  }
  return false;
}

}  // namespace

Status find_overflow(const Request& request, const Kernels& kernels, std::optional<Excess>& found,
                     Interrupted interrupted, void* context) noexcept {
  Patience patience(interrupted, context);
  Search search(request, kernels);
  int64_t index[most_dims] = {}, number = 0;
  found = std::nullopt;
  do {
    const char *x = request.x, *initial = request.initial.data;
    for (int d = 0; d < request.dims; ++d) {
      x += index[d] * request.x_strides[d];
      if (initial) initial += index[d] * request.initial.strides[d];
    }
    const Excess excess = search.look(x, initial, patience);
    if (excess.position >= 0) {
      found = {number, excess.position, excess.value};
      break;
    }
    ++number;
  } while (!patience.is_over(0, 0) && advance(request, index));
  return patience.status(false);
}

}  // namespace cumsum
