// How many elements pass by a buffer at a time.
#include <algorithm>
#include <cstdlib>

#include "plan.h"
#include "policy.h"
#include "sizes.h"

namespace cumsum {

PackShape pack_shape(const Plan& plan) {
  const int64_t size = plan.pack_decay ? sizeof(double) : item_size(plan.packed);
  const bool columns = plan.walk == Walk::columns;
  int64_t elements = (columns ? sizes().packed_rows : sizes().packed_lines) / size;
  // Several lines at a time where neighbours in memory belong to different lines, or lines are
  // short.
  const Axis &scan = plan.scan, &inner = plan.inner;
  const auto across = [&](bool packed, int64_t Axis::* stride) {
    return packed && std::llabs(inner.*stride) < std::llabs(scan.*stride);
  };
  const bool together =
      across(plan.pack_x, &Axis::x_stride) || across(plan.pack_y, &Axis::y_stride) ||
      across(plan.pack_decay, &Axis::decay_stride) || scan.size * policy::packed_lines < elements;
  const bool alongside = plan.has_gaps() || (plan.pack_decay && !plan.pack_x);
  if (alongside && !columns && !together) elements = policy::filled_bytes / size;
  const bool is_short = scan.size * item_size(plan.packed) <= policy::short_packed;
  PackShape shape{};
  shape.dense = plan.has_gaps();
  if (columns) {
    const bool along = std::llabs(scan.x_stride) < std::llabs(inner.x_stride);
    const int64_t most = along ? policy::packed_rows_along : policy::packed_rows;
    const int64_t rows = std::clamp<int64_t>(scan.size, 1, most);
    shape.lines = std::min<int64_t>(plan.panel, elements / rows);
  } else if (is_short && !plan.pack_y && !plan.has_gaps() && plan.op == Operator::sum) {
    shape.lines = std::min(plan.panel, elements / std::max<int64_t>(group_size, scan.size));
    shape.length = divide_up(scan.size, group_size) * group_size;
    shape.dense = true;
    return shape;
  } else {
    shape.lines = together ? std::min<int64_t>(plan.panel, policy::packed_lines) : 1;
  }
  const int64_t fitting = elements / shape.lines / group_size * group_size;
  shape.length = std::min(std::max<int64_t>(group_size, fitting), std::max<int64_t>(1, scan.size));
  return shape;
}

}  // namespace cumsum
