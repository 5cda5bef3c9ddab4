#include "resume.h"

#include <algorithm>

namespace cumsum {

Status resume(Request r, const Kernels& kernels, Interrupted interrupted, void* context) noexcept {
  int64_t shape[most_dims], strides[most_dims], step = r.state_size;
  std::copy_n(r.shape, r.dims, shape);
  for (int d = r.dims - 1; d >= 0; --d) {
    strides[d] = d == r.axis ? 0 : step;
    if (d != r.axis) step *= shape[d];
  }
  r.shape = shape;
  r.initial.strides = strides;
  const int axis = r.axis;
  int64_t& length = shape[axis];
  for (int64_t left = length; left > 0; left -= length) {
    const int64_t in_group = r.position % group_size, in_tile = r.position % tile_size;
    if (in_group != 0 || left < group_size) {
      length = std::min(group_size - in_group, left);
    } else {
      length = left / group_size * group_size;
      if (in_tile != 0) length = std::min(length, tile_size - in_tile);
    }
    const Status status = run(make_plan(r, kernels), kernels, r, interrupted, context);
    if (status != Status::done) return status;
    r.initial.data = r.after;
    r.x += length * r.x_strides[axis];
    if (r.y) r.y += length * r.y_strides[axis];
    if (r.where.data) r.where.data += length * r.where.strides[axis];
    if (r.decay.data) r.decay.data += length * r.decay.strides[axis];
    r.position += length;
  }
  return Status::done;
}

}  // namespace cumsum
