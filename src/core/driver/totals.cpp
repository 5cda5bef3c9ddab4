#include "totals.h"

#include <cstring>

#include "run.h"

namespace cumsum {

int64_t total_size(DType dtype, Precision precision, const Kernels& kernels) {
  return set_of(kernels, dtype, dtype, precision_for(dtype, precision)).total_size;
}

// From the workspace to each line's place among them.
void Run::put_totals(Workspace& space, Item item) const {
  const char* total = space.totals.data();
  if (item.pack_x) pack_block(space, item);
  add_up_tiles(space, item, space.totals.data());
  const int64_t first = item.begin / tile_size, tiles = item.length / tile_size;
  for (int64_t tile = first; tile < first + tiles; ++tile) {
    char* const place =
        request_.after + (item.initial - request_.initial.data) + tile * plan_.total_stride;
    for (int64_t line = 0; line < item.lines; ++line, total += set_.total_size) {
      std::memcpy(place + line * plan_.inner.initial_stride, total, set_.total_size);
    }
    total += (plan_.panel - item.lines) * set_.total_size;
  }
}

Status add_up(Request r, const Kernels& kernels, Interrupted interrupted, void* context) noexcept {
  const int64_t x_size = item_size(r.x_dtype), y_size = item_size(r.y_dtype);
  int64_t lines[most_dims], y_strides[most_dims];
  const int64_t bytes = line_strides(r, total_size(r.y_dtype, r.precision, kernels), lines);
  // Results that lay as x does would be reached the way that is best for x.
  for (int d = 0; d < r.dims; ++d) y_strides[d] = r.x_strides[d] / x_size * y_size;
  if (bytes == 0 || r.shape[r.axis] == 0) return Status::done;
  r.initial = {r.after, lines};
  r.total_stride = bytes;
  r.y = nullptr;
  r.y_strides = y_strides;
  return run(make_plan(r, kernels), kernels, r, interrupted, context);
}

}  // namespace cumsum
