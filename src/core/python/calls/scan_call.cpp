#include "scan_call.h"

#include <algorithm>

#include "border.h"
#include "states.h"
#include "target.h"

namespace cumsum {
namespace {

Request request_of(const Options& options, const ArrayView& x, int axis, DType result) {
  Request r{x.dtype, result, x.dims, x.shape, x.data, x.strides, nullptr, nullptr, axis};
  if (options.exclusive) r.kind = Kind::exclusive;
  if (options.reverse) r.direction = Direction::reverse;
  if (options.compensated) r.precision = Precision::compensated;
  r.overflow = options.overflow;
  return r;
}

// Whether y is of the shape of x, but one longer along an axis, if that is not -1.
bool has_shape(const ArrayView& y, const ArrayView& x, int longer) {
  if (y.dims != x.dims) return false;
  for (int d = 0; d < x.dims; ++d) {
    if (y.shape[d] != x.shape[d] + (d == longer)) return false;
  }
  return true;
}

}  // namespace

ScanCall::ScanCall(const Options& options, const ArrayView& x, int axis, DType result, Lend lend)
    : options_(options),
      x_(x),
      request_(request_of(options, x, axis, result)),
      operands_(options, x, axis, result, lend) {}

bool ScanCall::take(const ArrayView& y, bool is_new, int threads) {
  if (y.dtype != request_.y_dtype || !has_shape(y, x_, longer())) return false;
  const bool bordered = options_.include_initial;
  if (!is_new && !(is_contiguous(y) && (bordered ? are_apart(x_, y) : is_safe(x_, y)) &&
                   operands_.are_apart_from(y))) {
    return false;
  }
  request_.y = y.data;
  request_.y_strides = y.strides;
  request_.threads = threads;
  if (bordered) {
    std::copy_n(x_.shape, x_.dims, lines_);
    lines_[request_.axis] = 1;
    const int64_t step = y.strides[request_.axis];
    border_ = y.data + (options_.reverse ? x_.shape[request_.axis] * step : 0);
    if (!options_.reverse) request_.y += step;
  }
  return can_scan(request_);
}

bool ScanCall::check() {
  if (!options_.is_exact()) return true;
  fits_ = fits_by_bounds();
  if (PyErr_Occurred()) return false;
  if (fits_ || options_.overflow == Overflow::saturate) return true;
  return (!border_ || range_of(request_.y_dtype).contains(operands_.firsts())) &&
         scan_released(request_);
}

bool ScanCall::run() {
  if (options_.is_exact()) {
    request_.overflow = Overflow::saturate;
    if (fits_ && request_.y_dtype != DType::boolean) {  // whose plain sums are no additions
      request_.overflow = Overflow::wrap;
      request_.initial = operands_.border();
    }
  }
  return scan_released(request_) && (!border_ || write_border());
}

bool ScanCall::resume(const char* states, char* after, int64_t position) {
  request_.initial.data = states;
  request_.after = after;
  request_.position = position;
  request_.state_size = state_size(request_);
  return scan_released(request_);
}

// Whether no sum leaves the type, by how many elements there are and how great they are, which are
// looked at if their type alone does not tell.
bool ScanCall::fits_by_bounds() {
  const Range firsts = operands_.firsts();
  const Range sums = range_of(request_.y_dtype), own = range_of(request_.x_dtype);
  if (!sums.contains(firsts)) return false;
  const Wide count = request_.shape[request_.axis];
  if (count == 0) return true;
  const Range each{-((firsts.least - sums.least) / count), (sums.most - firsts.most) / count};
  return each.contains(own) || all_within(request_, each);
}

bool all_within(const Request& request, const Range& range) {
  const int64_t bytes = element_count(request.dims, request.shape) * item_size(request.x_dtype);
  return run_released(bytes, [&](Interrupted stop, void* context) {
    return look_within(request, range, current_target(), stop, context);
  });
}

// What stands at the border is the sum before an element of no matter what value.
Request ScanCall::of_border(Overflow overflow) const {
  static constexpr char zero[sizeof(int64_t)] = {};
  static constexpr int64_t no_strides[most_dims] = {};
  Request r{request_.x_dtype, request_.y_dtype, request_.dims,      lines_,       zero,
            no_strides,       border_,          request_.y_strides, request_.axis};
  r.kind = Kind::exclusive;
  r.overflow = overflow;
  r.initial = operands_.border();
  return r;
}

bool ScanCall::write_border() {
  if (options_.is_exact() && !fits_) return scan_released(of_border(Overflow::saturate));
  const int64_t size = item_size(request_.y_dtype);
  return run_released(element_count(x_.dims, lines_) * size, [&](Interrupted, void*) {
    return cumsum::write_border(operands_.border(), size, x_.dims, lines_, border_,
                                request_.y_strides);
  });
}

bool ScanCall::look_for_overflow(const Request& request, std::optional<Excess>& excess) {
  const int64_t count = element_count(request.dims, request.shape);
  return count == 0 ||
         run_released(count * item_size(request.x_dtype), [&](Interrupted stop, void* context) {
           return cumsum::find_overflow(request, current_target(), excess, stop, context);
         });
}

bool ScanCall::find_overflow(std::optional<Excess>& excess) {
  std::optional<Excess> scanned;
  if (border_) {
    if (!look_for_overflow(of_border(Overflow::raise), excess)) return false;
    if (excess) excess->position = options_.reverse ? x_.shape[request_.axis] : 0;
  }
  if (!look_for_overflow(request_, scanned)) return false;
  if (scanned && (!excess || scanned->line < excess->line)) {
    excess = scanned;
    excess->position += border_ && !options_.reverse;
  }
  return true;
}

}  // namespace cumsum
