#include "scan.h"

#include <algorithm>
#include <new>

#include "exact.h"
#include "float_mode.h"
#include "policy.h"
#include "run.h"
#include "segments.h"
#include "states.h"

namespace cumsum {
namespace {

bool needs_workspace(const Plan& plan) {
  return plan.units != 1 || plan.walk == Walk::columns || plan.pack_y || plan.carried ||
         plan.has_gaps() || plan.op != Operator::sum || plan.total_stride || plan.segmented ||
         plan.fills;
}

// Contiguous lines that one worker scans at once need no workspace; nor do those that fit a buffer
// on the stack once they are packed.
bool is_plain(const Plan& plan) {
  const int64_t elements = plan.scan.size * plan.inner.size;
  if (needs_workspace(plan)) return false;
  return plan.pack_x ? elements * item_size(plan.packed) <= policy::small_bytes
                     : elements <= policy::piece_elements;
}

void run_plain(const Plan& plan, const Kernels& kernels, const char* x, char* y) {
  Piece piece{};
  piece.x = x + plan.x_offset;
  piece.y = y + plan.y_offset;
  piece.x_line = plan.inner.x_stride;
  piece.y_line = plan.inner.y_stride;
  piece.length = plan.scan.size;
  piece.lines = plan.inner.size;
  piece.exclusive = plan.exclusive;
  alignas(64) char packed[policy::small_bytes];
  const StandardFloats standard;
  if (plan.pack_x) {
    Piece copy = piece;
    copy.x_scan = plan.scan.x_stride;
    copy.y = packed;
    copy.y_scan = item_size(plan.packed);
    copy.y_line = plan.scan.size * copy.y_scan;
    kernels.copy[int(plan.x_dtype)][int(plan.packed)](copy);
    piece.x = packed;
    piece.x_line = copy.y_line;
  }
  set_of(kernels, plan).scan[int(plan.walk)](piece);
}

}  // namespace

Status run(const Plan& plan, const Kernels& kernels, const Request& request,
           Interrupted interrupted, void* context) noexcept {
  if (plan.units == 0) return Status::done;
  if (is_plain(plan)) {
    run_plain(plan, kernels, request.x, request.y);
    return Status::done;
  }
  try {
    if (plan.segmented) return run_segments(plan, kernels, request, interrupted, context);
    Run scan(plan, kernels, request, interrupted, context);
    return scan();
  } catch (const std::bad_alloc&) {
    return Status::out_of_memory;
  }
}

namespace {

// Real decays of complex numbers: the two parts of each are lines of their own.
Status scan_parts(Request r, const Kernels& kernels, Interrupted interrupted, void* context) {
  int64_t shape[most_dims], strides[5][most_dims];
  const bool single = r.y_dtype == DType::complex64;
  const int64_t part = single ? sizeof(float) : sizeof(double);
  const auto split = [&](const int64_t*& given, int which, int64_t last) {
    if (!given) return;
    std::copy_n(given, r.dims, strides[which]);
    strides[which][r.dims] = last;
    given = strides[which];
  };
  split(r.x_strides, 0, part);
  split(r.y_strides, 1, part);
  split(r.initial.strides, 2, part);
  split(r.where.strides, 3, 0);
  split(r.decay.strides, 4, 0);
  std::copy_n(r.shape, r.dims, shape);
  shape[r.dims++] = 2;
  r.shape = shape;
  r.x_dtype = r.y_dtype = single ? DType::float32 : DType::float64;
  r.state_size /= 2;
  return scan(r, kernels, interrupted, context);
}

// What is not a plain sum.
[[gnu::noinline]] Status scan_otherwise(const Request& request, const Kernels& kernels,
                                        Interrupted interrupted, void* context) {
  const bool is_complex = request.y_dtype >= DType::complex64;
  if (request.decay.data && is_complex && request.decay_dtype < DType::complex64) {
    return scan_parts(request, kernels, interrupted, context);
  }
  Request r = request;
  if (r.overflow != Overflow::wrap) r.range = range_of(r.y_dtype);
  if (r.overflow == Overflow::raise) {  // nothing is stored
    r.y_dtype = r.x_dtype;
    r.y_strides = r.x_strides;
    r.y = nullptr;
  }
  if (r.state_size) return resume(r, kernels, interrupted, context);
  return run(make_plan(r, kernels), kernels, r, interrupted, context);
}

// Sums before the first of one element are sums of nothing, whatever it is.
bool sums_nothing(const Request& r) {
  return r.kind == Kind::exclusive && r.shape[r.axis] == 1 && !r.initial.data && !r.offsets &&
         !r.nan;
}

Status fill(Request r, const Kernels& kernels, Interrupted interrupted, void* context) {
  const int64_t strides[most_dims] = {};
  r.x = nullptr;
  r.fills = true;
  r.x_dtype = r.y_dtype;
  r.x_strides = strides;
  r.kind = Kind::inclusive;
  r.where = {};
  r.skipna = false;
  return run(make_plan(r, kernels), kernels, r, interrupted, context);
}

bool is_integer(DType dtype) { return int(dtype) < integer_count; }

}  // namespace

bool can_scan(const Request& r) {
  const bool complex_result = r.y_dtype == DType::complex64 || r.y_dtype == DType::complex128;
  if (r.overflow != Overflow::wrap) {
    return is_integer(r.x_dtype) && is_integer(r.y_dtype) && !r.decay.data;
  }
  if (!r.decay.data) return true;
  if (r.decay_dtype == DType::complex128) return complex_result;
  if (complex_result) return r.x_dtype == r.y_dtype && !r.skipna && !r.nan && r.dims < most_dims;
  return r.y_dtype >= DType::float16 && r.y_dtype <= DType::float64 &&
         (r.decay_dtype == DType::float64 || r.decay_dtype == r.y_dtype);
}

Status scan(const Request& request, const Kernels& kernels, Interrupted interrupted,
            void* context) noexcept {
  if (!has_elements(request)) return Status::done;
  const bool sums = request.overflow == Overflow::wrap && !request.decay.data;
  if (!sums || request.state_size) return scan_otherwise(request, kernels, interrupted, context);
  if (sums_nothing(request)) return fill(request, kernels, interrupted, context);
  return run(make_plan(request, kernels), kernels, request, interrupted, context);
}

}  // namespace cumsum
