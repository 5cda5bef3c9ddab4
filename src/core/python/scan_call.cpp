#include "scan_call.h"

#include <algorithm>

#include "border.h"
#include "exact.h"
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
  return fits_ || options_.overflow == Overflow::saturate || scan_released(request_);
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

// Whether no sum leaves the type, by how many elements there are and how great they are, which are
// looked at if their type alone does not tell.
bool ScanCall::fits_by_bounds() {
  const Wide count = request_.shape[request_.axis];
  if (count == 0) return true;
  const Wide first = operands_.first();
  const Range sums = range_of(request_.y_dtype), own = range_of(request_.x_dtype);
  if (!sums.contains(first)) return false;
  const Range each{-((first - sums.least) / count), (sums.most - first) / count};
  if (each.contains(own.least) && each.contains(own.most)) return true;
  return run_released(element_count(x_) * item_size(x_.dtype),
                      [&](Interrupted stop, void* context) {
                        return look_within(request_, each, current_target(), stop, context);
                      });
}

bool ScanCall::write_border() {
  int64_t shape[most_dims];
  std::copy_n(x_.shape, x_.dims, shape);
  shape[request_.axis] = 1;
  const int64_t size = item_size(request_.y_dtype);
  return run_released(element_count(x_.dims, shape) * size, [&](Interrupted, void*) {
    return cumsum::write_border(operands_.border(), size, x_.dims, shape, border_,
                                request_.y_strides);
  });
}

}  // namespace cumsum
