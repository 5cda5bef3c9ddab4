// Requests, each by the driver of its kind.
#include <new>

#include "exact.h"
#include "segments.h"

namespace cumsum {
namespace {

Problem problem_of(const Request& r, const Extras* extras) {
  return {r.x_dtype, r.y_dtype,   r.dims,      r.shape,    r.x_strides, r.y_strides, r.axis,
          r.kind,    r.direction, r.precision, r.x == r.y, r.threads,   extras};
}

Extras extras_of(const Request& r) {
  Extras extras;
  if (r.initial.data) extras.initial_strides = r.initial.strides;
  if (r.where.data) extras.mask_strides = r.where.strides;
  extras.skipna = r.skipna;
  extras.nan = r.nan;
  return extras;
}

bool has_elements(const Request& r) {
  for (int d = 0; d < r.dims; ++d) {
    if (r.shape[d] == 0) return false;
  }
  return true;
}

Status scan_exact(const Problem& problem, const Request& r, Interrupted interrupted,
                  void* context) noexcept {
  if (r.overflow == Overflow::saturate) {
    return saturate(problem, r.x, r.y, r.initial.data, interrupted, context);
  }
  Patience patience(interrupted, context);
  try {
    if (!all_fit(problem, r.x, r.initial.data, patience)) return Status::overflowed;
  } catch (const std::bad_alloc&) {
    return Status::out_of_memory;
  }
  return patience.status(false);
}

}  // namespace

bool can_scan(const Request& r, const Kernels& kernels) {
  const bool masked = r.where.data || r.skipna;
  if (r.decay.data) return false;
  const bool exact = r.overflow != Overflow::wrap;
  if (exact) {
    const bool integers = int(r.x_dtype) < integer_count && int(r.y_dtype) < integer_count;
    return integers && !masked && !r.offsets && r.overflow == Overflow::saturate;
  }
  if (!r.offsets || !has_elements(r)) return true;
  const Extras extras = extras_of(r);
  return !masked && can_take(problem_of(r, &extras), {r.offsets, r.segments}, kernels);
}

Status scan(const Request& r, const Kernels& kernels, Interrupted interrupted,
            void* context) noexcept {
  if (!has_elements(r)) return Status::done;
  const Extras extras = extras_of(r);
  const bool masked = r.where.data || r.skipna;
  const Problem problem = problem_of(r, r.initial.data || masked ? &extras : nullptr);
  if (r.overflow != Overflow::wrap) return scan_exact(problem, r, interrupted, context);
  const Operands operands{r.x, r.y, r.initial.data, r.where.data};
  if (r.offsets) {
    return run_segments(problem, {r.offsets, r.segments}, kernels, operands, interrupted, context);
  }
  const Plan plan = masked ? make_plan_with_holes(problem, kernels) : make_plan(problem, kernels);
  return run(plan, kernels, operands, interrupted, context);
}

}  // namespace cumsum
