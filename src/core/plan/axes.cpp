#include "axes.h"

#include <cstdlib>
#include <utility>

#include "policy.h"

namespace cumsum {
namespace {

inline int64_t stride_of(const Operand& operand, int d) {
  return operand.strides ? operand.strides[d] : 0;
}

[[gnu::always_inline]] inline Axis axis_of(const Request& r, int d) {
  return {r.shape[d],
          r.x_strides[d],
          r.y_strides[d],
          stride_of(r.initial, d),
          stride_of(r.where, d),
          stride_of(r.decay, d)};
}

bool continues(const Axis& outer, const Axis& inner) {
  const auto fits = [&](int64_t wide, int64_t narrow) { return wide == inner.size * narrow; };
  return fits(outer.x_stride, inner.x_stride) && fits(outer.y_stride, inner.y_stride) &&
         fits(outer.initial_stride, inner.initial_stride) &&
         fits(outer.mask_stride, inner.mask_stride) && fits(outer.decay_stride, inner.decay_stride);
}

// The line axes, those of the widest strides first, with neighbours that are one axis to all
// arrays made one.
int collect_lines(const Request& request, Axis* lines) {
  int count = 0;
  for (int d = 0; d < request.dims; ++d) {
    if (d != request.axis && request.shape[d] != 1) lines[count++] = axis_of(request, d);
  }
  const auto wider = [](const Axis& a, const Axis& b) {
    return std::pair(std::llabs(a.y_stride), std::llabs(a.x_stride)) >
           std::pair(std::llabs(b.y_stride), std::llabs(b.x_stride));
  };
  for (int i = 1; i < count; ++i) {  // there are few, mostly in order
    for (int k = i; k > 0 && wider(lines[k], lines[k - 1]); --k) std::swap(lines[k], lines[k - 1]);
  }
  int kept = 0;
  for (int i = 0; i < count; ++i) {
    const Axis next = lines[i];
    if (kept && continues(lines[kept - 1], next)) {
      const int64_t size = lines[kept - 1].size * next.size;
      lines[kept - 1] = next;
      lines[kept - 1].size = size;
    } else {
      lines[kept++] = next;
    }
  }
  return kept;
}

// A scan from the end is a scan of the arrays seen from their last elements.
void set_scan_axis(Plan& plan, const Request& request) {
  Axis& scan = plan.scan;
  scan = axis_of(request, request.axis);
  plan.reverse = request.direction == Direction::reverse;
  plan.x_offset = plan.y_offset = 0;
  if (!plan.reverse) return;
  const int64_t last = scan.size - 1;
  plan.x_offset = last * scan.x_stride;
  plan.y_offset = last * scan.y_stride;
  plan.mask_offset = last * scan.mask_stride;
  plan.decay_offset = last * scan.decay_stride;
  for (int64_t Axis::* stride :
       {&Axis::x_stride, &Axis::y_stride, &Axis::mask_stride, &Axis::decay_stride}) {
    scan.*stride = -(scan.*stride);
  }
}

// Of the line axes, the one whose lines are taken side by side: the narrowest in the result, or the
// longest where that one is too short to fill a vector.
void choose_inner(Plan& plan, Axis* lines, int count) {
  plan.inner = {1, 0, 0, 0, 0, 0};
  plan.outer_dims = 0;
  int inner = count - 1;
  for (int i = 0; inner >= 0 && lines[count - 1].size < policy::least_columns && i < count; ++i) {
    if (lines[i].size > lines[inner].size) inner = i;
  }
  plan.outer_first = inner != count - 1;
  plan.outer_size = 1;
  for (int i = 0; i < count; ++i) {
    if (i == inner) {
      plan.inner = lines[i];
    } else {
      plan.outer[plan.outer_dims++] = lines[i];
      plan.outer_size *= lines[i].size;
    }
  }
}

// Small items are taken together along the last of the outer axes, which had better be a long one.
void order_outer(Plan& plan) {
  constexpr int64_t few = 16;
  if (plan.outer_dims < 2 || plan.scan.size * plan.inner.size > policy::few_elements) return;
  Axis& last = plan.outer[plan.outer_dims - 1];
  Axis* longest = &last;
  for (int d = 0; d + 1 < plan.outer_dims; ++d) {
    if (plan.outer[d].size > longest->size) longest = &plan.outer[d];
  }
  if (last.size < few && longest != &last) std::swap(last, *longest);
}

}  // namespace

void set_axes(Plan& plan, const Request& request) {
  Axis lines[most_dims];
  set_scan_axis(plan, request);
  choose_inner(plan, lines, collect_lines(request, lines));
  order_outer(plan);
}

}  // namespace cumsum
