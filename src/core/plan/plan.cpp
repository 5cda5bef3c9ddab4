#include "plan.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "policy.h"

namespace cumsum {
namespace {

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The line axes, those of the widest strides first, with neighbours that are one axis to all
// arrays made one.
int collect_lines(const Problem& problem, Axis* lines) {
  int count = 0;
  for (int d = 0; d < problem.dims; ++d) {
    if (d == problem.axis || problem.shape[d] == 1) continue;
    Axis& line = lines[count++];
    line = {problem.shape[d], problem.x_strides[d], problem.y_strides[d], 0, 0};
    const Extras* const extras = problem.extras;
    if (extras && extras->initial_strides) line.initial_stride = extras->initial_strides[d];
    if (extras && extras->mask_strides) line.mask_stride = extras->mask_strides[d];
  }
  auto wider = [](const Axis& a, const Axis& b) {
    return std::pair(std::llabs(a.y_stride), std::llabs(a.x_stride)) >
           std::pair(std::llabs(b.y_stride), std::llabs(b.x_stride));
  };
  std::stable_sort(lines, lines + count, wider);
  int kept = 0;
  for (int i = 0; i < count; ++i) {
    const Axis next = lines[i];
    Axis* last = kept ? &lines[kept - 1] : nullptr;
    if (last && last->x_stride == next.size * next.x_stride &&
        last->y_stride == next.size * next.y_stride &&
        last->initial_stride == next.size * next.initial_stride &&
        last->mask_stride == next.size * next.mask_stride) {
      *last = {last->size * next.size, next.x_stride, next.y_stride, next.initial_stride,
               next.mask_stride};
    } else {
      lines[kept++] = next;
    }
  }
  return kept;
}

// A scan from the end is a scan of both arrays seen from their last elements.
void set_scan_axis(Plan& plan, const Problem& problem) {
  int d = problem.axis;
  plan.scan = {problem.shape[d], problem.x_strides[d], problem.y_strides[d], 0, 0};
  plan.x_offset = plan.y_offset = 0;
  if (problem.direction == Direction::reverse) {
    plan.x_offset = (plan.scan.size - 1) * plan.scan.x_stride;
    plan.y_offset = (plan.scan.size - 1) * plan.scan.y_stride;
    plan.scan.x_stride = -plan.scan.x_stride;
    plan.scan.y_stride = -plan.scan.y_stride;
  }
}

// Of the line axes, the one whose lines are taken side by side: the narrowest in the result, or the
// longest where that one is too short to fill a vector.
void choose_inner(Plan& plan, Axis* lines, int count) {
  plan.inner = {1, 0, 0, 0, 0};
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

// Which way to walk, and what must be packed to walk that way.
void choose_walk(Plan& plan, const Kernels& kernels) {
  const int64_t x_size = item_size(plan.x_dtype), y_size = item_size(plan.y_dtype);
  const KernelSet& set = set_of(kernels, plan.x_dtype, plan.y_dtype, plan.precision);
  const bool direct = set.add != nullptr;
  const Axis &scan = plan.scan, &inner = plan.inner;
  const bool forward = scan.y_stride == y_size && scan.x_stride == x_size;
  const bool backward = scan.y_stride == -y_size && scan.x_stride == -x_size;
  // Lines that overlap are written one by one, as a loop over them would.
  const bool apart = scan.size == 1 || std::llabs(scan.y_stride) >= inner.size * y_size;
  const bool beside = inner.y_stride == y_size && inner.size >= policy::least_columns && apart;
  const bool along = scan.size > 1 && (forward || backward);
  if (!along && beside) {
    plan.walk = Walk::columns;
    plan.pack_y = false;
    plan.pack_x = !direct || inner.x_stride != x_size;
  } else if (backward && set.scan[int(Walk::reversed)]) {
    plan.walk = Walk::reversed;
    plan.pack_x = plan.pack_y = false;
  } else {
    plan.walk = Walk::rows;
    plan.pack_y = scan.y_stride != y_size;
    plan.pack_x = !direct || scan.x_stride != x_size;
  }
  plan.packed = direct && !plan.pack_y ? plan.x_dtype : plan.y_dtype;
}

// Fewer elements than a group go by way of a buffer, one by one.
[[gnu::noinline]] void choose_steps(Plan& plan) {
  plan.stepped = plan.scan.size % group_size != 0;
  if (!plan.stepped) return;
  plan.pack_x = plan.pack_y = true;
  plan.packed = plan.y_dtype;
}

// Bytes of what is kept of a line: where it begins, or what it adds up to.
[[gnu::noinline]] int64_t kept_size(const Plan& plan, const Extras& extras,
                                    const Kernels& kernels) {
  if (plan.resumed) return extras.record_size;
  return set_of(kernels, plan.y_dtype, plan.y_dtype, plan.precision).chain_size;
}

int64_t initial_size(const Plan& plan, const Problem& problem, const Kernels& kernels) {
  if (!plan.resumed && !plan.total_stride) return item_size(plan.x_dtype);
  return kept_size(plan, *problem.extras, kernels);
}

// Two lines side by side, in both arrays, are one line of complex numbers.
void pair_up(Plan& plan, int64_t initial_size) {
  const int size = item_size(plan.x_dtype);
  const bool adjacent = plan.inner.size == 2 && plan.inner.x_stride == size &&
                        plan.inner.y_stride == size && plan.scan.x_stride == 2 * size &&
                        plan.scan.y_stride == 2 * size;
  if (!adjacent || plan.x_dtype != plan.y_dtype || plan.holes) return;
  if (plan.x_dtype != DType::float32 && plan.x_dtype != DType::float64) return;
  const bool strided = plan.carried || plan.total_stride;
  if (strided && plan.inner.initial_stride != initial_size) return;
  const bool single = plan.x_dtype == DType::float32;
  plan.x_dtype = plan.y_dtype = single ? DType::complex64 : DType::complex128;
  plan.inner = {1, 0, 0, 0, 0};
  if (plan.outer_dims > 0) {
    plan.inner = plan.outer[--plan.outer_dims];
    plan.outer_size /= plan.inner.size;
  }
}

// Lines in a panel if there are so many panels, of whole cache lines of results.
int64_t lines_of_panel(const Plan& plan, int64_t panels) {
  const int64_t narrowest = std::max<int64_t>(1, 64 / item_size(plan.y_dtype));
  const int64_t share = divide_up(divide_up(plan.inner.size, panels), narrowest) * narrowest;
  return std::min(plan.inner.size, share);
}

// Panels of columns, one for each worker where there are many lines. Rows are not cut into short
// pieces where lines are long enough to be cut instead.
int64_t choose_panel(const Plan& plan) {
  const int64_t y_size = item_size(plan.y_dtype);
  const int64_t wanted = divide_up(plan.workers, plan.outer_size);
  const int64_t share = lines_of_panel(plan, wanted);
  const int64_t rows = std::min<int64_t>(plan.scan.size, group_size);
  const int64_t bytes = std::max(policy::panel_bytes, policy::stage_bytes / rows);
  const int64_t widest = std::max<int64_t>(1, bytes / y_size);
  const int64_t least = policy::least_panel_row / y_size;
  if (share >= least || plan.scan.size < wanted * tile_size) return std::min(share, widest);
  return std::min(lines_of_panel(plan, std::max<int64_t>(1, plan.inner.size / least)), widest);
}

// Cut the lines into panels; if that leaves workers idle and the lines are long, cut the axis too.
[[gnu::always_inline]] inline void share_out(Plan& plan, int threads) {
  const int64_t x_size = item_size(plan.x_dtype), y_size = item_size(plan.y_dtype);
  const int64_t line_bytes = plan.scan.size * (x_size + y_size);
  const int64_t lines = plan.outer_size * plan.inner.size;
  const int64_t bytes = lines * line_bytes;
  if (bytes == 0) {
    plan.split = plan.stream = false;
    plan.panel = plan.panels = plan.blocks = plan.grain = plan.workers = 1;
    plan.block = plan.scan.size;
    plan.units = 0;
    return;
  }
  plan.workers = bytes < policy::parallel_bytes ? 1 : threads;
  if (plan.walk == Walk::columns) {
    plan.panel = choose_panel(plan);
  } else {
    plan.panel = std::clamp<int64_t>(policy::claim_bytes / line_bytes, 1, plan.inner.size);
    if (plan.pack_x || plan.pack_y) {
      plan.panel = std::min(plan.inner.size, std::max(plan.panel, policy::packed_lines));
    }
  }
  plan.panels = divide_up(plan.inner.size, plan.panel);
  plan.units = plan.outer_size * plan.panels;
  plan.block = plan.scan.size;
  plan.blocks = 1;
  const bool few = plan.units < plan.workers || plan.total_stride != 0;
  plan.split = few && plan.scan.size > tile_size;
  if (plan.split) {
    const int64_t share = bytes / (plan.workers * policy::least_blocks);
    const int64_t claim = std::min(policy::claim_bytes, share);
    if (plan.walk != Walk::columns) {
      const int64_t fitting = claim / (tile_size * (x_size + y_size));
      plan.panel = std::min(plan.inner.size, std::max(64 / y_size, fitting));
      plan.panels = divide_up(plan.inner.size, plan.panel);
    }
    const int64_t tile_bytes = plan.panel * tile_size * (x_size + y_size);
    plan.block = tile_size * std::max<int64_t>(1, claim / tile_bytes);
    plan.blocks = divide_up(plan.scan.size, plan.block);
    plan.units = plan.outer_size * plan.panels * plan.blocks;
  }
  const int64_t unit_bytes = std::max<int64_t>(1, bytes / plan.units);
  plan.grain = plan.split ? 1 : std::max<int64_t>(1, policy::claim_bytes / unit_bytes);
  const int64_t claims = divide_up(plan.units, plan.grain);
  plan.workers = static_cast<int>(std::min<int64_t>(plan.workers, claims));
  const int64_t y_bytes = lines * plan.scan.size * y_size;
  plan.stream = y_bytes >= policy::stream_bytes && (!plan.pack_y || plan.nan);
}

// What that changes where elements add nothing: unless the kernels read past them, as they can
// where neighbours in the walk are neighbours in both x and the mask, x is packed.
void mind_holes(Plan& plan, const Problem& problem, const Kernels& kernels) {
  const Extras& extras = *problem.extras;
  plan.masked = extras.mask_strides != nullptr;
  plan.skipna = extras.skipna && plan.x_dtype >= DType::float16;
  plan.holes = plan.masked || plan.skipna;
  if (!plan.holes) return;
  plan.nan = extras.nan;
  if (plan.masked) plan.scan.mask_stride = extras.mask_strides[problem.axis];
  if (problem.direction == Direction::reverse) {
    plan.mask_offset = (plan.scan.size - 1) * plan.scan.mask_stride;
    plan.scan.mask_stride = -plan.scan.mask_stride;
  }
  const int64_t x_size = item_size(plan.x_dtype), y_size = item_size(plan.y_dtype);
  const bool columns = plan.walk == Walk::columns;
  const Axis& along = columns ? plan.inner : plan.scan;
  const bool backward = along.x_stride == -x_size && along.y_stride == -y_size;
  const KernelSet& own = set_of(kernels, plan.y_dtype, plan.y_dtype, plan.precision);
  if (!columns) {
    plan.walk = backward && own.scan[int(Walk::reversed)] ? Walk::reversed : Walk::rows;
  }
  const int step = plan.walk == Walk::reversed ? -1 : 1;
  const bool beside =
      along.x_stride == step * x_size && (!plan.masked || along.mask_stride == step);
  const int64_t least = x_size == 2 ? policy::least_unwidened : policy::least_filled;
  const bool long_enough = columns || plan.scan.size >= least;
  const KernelSet& direct = set_of(kernels, plan.x_dtype, plan.y_dtype, plan.precision);
  // NaN is put where x has none to be seen, or another mask has a say, by way of the buffer.
  const bool seen = !plan.nan || !plan.skipna || (!plan.masked && plan.x_dtype == plan.y_dtype);
  plan.filled = beside && long_enough && direct.filters && seen;
  plan.pack_x = !plan.filled;
  plan.pack_y = plan.nan || along.y_stride != step * y_size;
  plan.packed = direct.add && !plan.pack_y ? plan.x_dtype : plan.y_dtype;
  share_out(plan, problem.threads);
  plan.stream = plan.stream && !plan.in_place;
}

}  // namespace

Precision precision_for(DType dtype, Precision precision) {
  const bool can_compensate = dtype == DType::float64 || dtype == DType::complex128;
  return can_compensate ? precision : Precision::standard;
}

Plan make_plan(const Problem& problem, const Kernels& kernels) {
  Plan plan;
  plan.kind = problem.kind;
  plan.precision = precision_for(problem.y_dtype, problem.precision);
  plan.x_dtype = problem.x_dtype;
  plan.y_dtype = problem.y_dtype;
  static_cast<PlannedExtras&>(plan) = {};
  if (const Extras* const extras = problem.extras) {
    plan.total_stride = extras->total_stride;
    plan.carried = extras->initial_strides != nullptr && plan.total_stride == 0;
    plan.position = extras->position;
    plan.resumed = extras->record_size != 0;
    plan.holes = extras->mask_strides || extras->skipna;
  }
  Axis lines[most_dims];
  set_scan_axis(plan, problem);
  choose_inner(plan, lines, collect_lines(problem, lines));
  pair_up(plan, initial_size(plan, problem, kernels));
  choose_walk(plan, kernels);
  if (plan.resumed) choose_steps(plan);
  plan.in_place = problem.in_place;
  share_out(plan, problem.threads);
  plan.stream = plan.stream && !plan.in_place;
  return plan;
}

Plan make_plan_with_holes(const Problem& problem, const Kernels& kernels) {
  Plan plan = make_plan(problem, kernels);
  mind_holes(plan, problem, kernels);
  return plan;
}

const KernelSet& set_of(const Kernels& kernels, DType x, DType y, Precision precision) {
  static constexpr KernelSet none{};
  if (precision == Precision::standard) return kernels.pairs[int(x)][int(y)];
  return x == y ? kernels.compensated[y == DType::complex128] : none;
}

const KernelSet& set_of(const Kernels& kernels, const Plan& plan) {
  const DType x = plan.pack_x ? plan.packed : plan.x_dtype;
  return set_of(kernels, x, plan.y_dtype, plan.precision);
}

PackShape pack_shape(const Plan& plan) {
  const int64_t size = item_size(plan.packed);
  const bool columns = plan.walk == Walk::columns;
  int64_t elements = (columns ? policy::packed_rows_bytes : policy::packed_lines_bytes) / size;
  // Several lines at a time where neighbours in memory belong to different lines, or lines are
  // short.
  const Axis &scan = plan.scan, &inner = plan.inner;
  const bool x_across = plan.pack_x && std::llabs(inner.x_stride) < std::llabs(scan.x_stride);
  const bool y_across = plan.pack_y && std::llabs(inner.y_stride) < std::llabs(scan.y_stride);
  const bool together = x_across || y_across || scan.size * policy::packed_lines < elements;
  if (plan.holes && !columns && !together) elements = policy::filled_bytes / size;
  PackShape shape;
  if (columns) {
    const bool along = std::llabs(scan.x_stride) < std::llabs(inner.x_stride);
    const int64_t rows = along ? policy::packed_rows_along : policy::packed_rows;
    shape.lines = std::min<int64_t>(plan.panel, elements / rows);
  } else {
    shape.lines = together ? std::min<int64_t>(plan.panel, policy::packed_lines) : 1;
  }
  shape.length = std::max<int64_t>(group_size, elements / shape.lines / group_size * group_size);
  return shape;
}

}  // namespace cumsum
