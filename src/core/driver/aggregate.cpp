#include "aggregate.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "run.h"

namespace cumsum {

int64_t total_size(DType dtype, Precision precision, const Kernels& kernels) {
  return set_of(kernels, dtype, dtype, precision_for(dtype, precision)).chain_size;
}

// From the workspace to each line's place among them.
void Run::put_totals(Workspace& space, Unit unit) {
  const char* total = space.aggregates.data();
  if (unit.pack_x) pack_block(space, unit);
  add_up_tiles(space, unit, space.aggregates.data());
  const int64_t first = unit.begin / tile_size, tiles = unit.length / tile_size;
  for (int64_t tile = first; tile < first + tiles; ++tile) {
    char* const place = records_ + (unit.initial - initial_) + tile * plan_.total_stride;
    for (int64_t line = 0; line < unit.lines; ++line, total += set_.chain_size) {
      std::memcpy(place + line * plan_.inner.initial_stride, total, set_.chain_size);
    }
    total += (plan_.panel - unit.lines) * set_.chain_size;
  }
}

Status add_up(Problem problem, const Kernels& kernels, const char* x, char* totals,
              Interrupted interrupted, void* context) noexcept {
  const int64_t x_size = item_size(problem.x_dtype), y_size = item_size(problem.y_dtype);
  int64_t lines[most_dims], y_strides[most_dims];
  int64_t bytes = total_size(problem.y_dtype, problem.precision, kernels), width = y_size;
  for (int d = problem.dims - 1; d >= 0; --d) {
    lines[d] = d == problem.axis ? 0 : bytes;
    if (d != problem.axis) bytes *= problem.shape[d];
    y_strides[d] = width;
    width *= problem.shape[d];
  }
  // Results that lay as x does would be reached the way that is best for x.
  const auto fits = [&](int64_t stride) { return stride % x_size == 0; };
  if (std::all_of(problem.x_strides, problem.x_strides + problem.dims, fits)) {
    for (int d = 0; d < problem.dims; ++d) y_strides[d] = problem.x_strides[d] / x_size * y_size;
  }
  Extras extras;
  extras.initial_strides = lines;
  extras.total_stride = bytes;
  problem.extras = &extras;
  problem.y_strides = y_strides;
  const Plan plan = make_plan(problem, kernels);
  if (plan.units == 0) return Status::done;
  try {
    char* const nowhere = const_cast<char*>(x);  // counted from, but not written to
    Run scan(plan, kernels, {x, nowhere, totals, nullptr, totals}, interrupted, context);
    return scan();
  } catch (const std::bad_alloc&) {
    return Status::out_of_memory;
  }
}

}  // namespace cumsum
