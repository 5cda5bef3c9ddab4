// Whether all elements of an array are small, whatever their order.
#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "adder.h"
#include "exact.h"
#include "policy.h"
#include "pool.h"
#include "target.h"

namespace cumsum {
namespace {

// All elements in any order: along one axis, for each place on the others.
class Runs {
 public:
  Runs(const Elements& e, Range range, Patience& patience)
      : within_(current_target().checked->within[int(e.dtype)]),
        size_(item_size(e.dtype)),
        x_(e.x),
        range_(range),
        patience_(patience) {
    for (int d = 0; d < e.dims; ++d) {
      const int64_t size = e.shape[d], stride = e.strides[d];
      if (size == 1 || stride == 0) continue;  // a repeated element need not be seen again
      if (stride < 0) x_ += (size - 1) * stride;
      axes_[count_++] = {std::abs(stride), size};
    }
    std::sort(axes_, axes_ + count_);
    int kept = 0;
    for (int i = 0; i < count_; ++i) {
      if (kept && axes_[kept - 1].stride * axes_[kept - 1].size == axes_[i].stride) {
        axes_[kept - 1].size *= axes_[i].size;
      } else {
        axes_[kept++] = axes_[i];
      }
    }
    if (kept == 0) axes_[kept++] = {size_, 1};
    count_ = kept;
    pieces_ = (axes_[0].size + policy::looked_at - 1) / policy::looked_at;
    units_ = pieces_;
    for (int i = 1; i < count_; ++i) units_ *= axes_[i].size;
  }

  bool all_within(int threads) {
    const int64_t run = std::min(policy::looked_at, axes_[0].size) * size_;
    grain_ = std::max<int64_t>(1, policy::claim_bytes / run);
    const int64_t claims = (units_ + grain_ - 1) / grain_;
    const bool alone = units_ * run < policy::parallel_bytes;
    const auto workers = alone ? 1 : static_cast<int>(std::min<int64_t>(threads, claims));
    run_parallel(workers, &Runs::work, this, patience_);
    return !outside_;
  }

 private:
  struct Line {
    int64_t stride, size;
    auto operator<=>(const Line&) const = default;
  };

  static void work(void* self, int worker) noexcept {
    Runs& runs = *static_cast<Runs*>(self);
    while (!runs.outside_.load(std::memory_order_relaxed)) {
      const int64_t first = runs.next_.fetch_add(runs.grain_, std::memory_order_relaxed);
      if (first >= runs.units_ || runs.patience_.is_over(worker)) return;
      const int64_t last = std::min(first + runs.grain_, runs.units_);
      for (int64_t index = first; index < last; ++index) {
        if (!runs.is_within(index)) runs.outside_ = true;
      }
    }
  }

  bool is_within(int64_t index) const {
    const int64_t begin = index % pieces_ * policy::looked_at;
    const char* x = x_ + begin * axes_[0].stride;
    index /= pieces_;
    for (int i = 1; i < count_; ++i) {
      x += index % axes_[i].size * axes_[i].stride;
      index /= axes_[i].size;
    }
    return within_(x, axes_[0].stride, std::min(policy::looked_at, axes_[0].size - begin), range_);
  }

  bool (*const within_)(const char*, int64_t, int64_t, Range);
  const int64_t size_;
  const char* x_;
  const Range range_;
  Patience& patience_;
  Line axes_[most_dims];  // those that continue each other as one, narrow strides first
  int count_ = 0;
  int64_t pieces_, units_, grain_ = 1;
  std::atomic<int64_t> next_{0};
  std::atomic<bool> outside_{false};
};

}  // namespace

Status all_within(const Elements& elements, Range range, int threads, bool& within,
                  Interrupted interrupted, void* context) noexcept {
  Patience patience(interrupted, context);
  within = Runs(elements, range, patience).all_within(threads);
  return patience.status(false);
}

}  // namespace cumsum
