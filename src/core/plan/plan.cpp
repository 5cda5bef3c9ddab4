#include "plan.h"

#include <algorithm>
#include <cstdlib>

#include "abilities.h"
#include "axes.h"
#include "policy.h"
#include "processor.h"
#include "sizes.h"

namespace cumsum {
namespace {

constexpr KernelSet no_kernels{};

// Whether there are several items that may be scanned together, each from nothing.
bool has_plain_items(const Plan& plan) {
  return plan.outer_dims > 0 && plan.op == Operator::sum && !plan.carried && !plan.has_gaps();
}

// Whether items have a few elements each, and rows of x don't follow each other: side by side, in a
// buffer, they are scanned in whole vectors.
bool columns_lie_apart(const Plan& plan) {
  const Axis &scan = plan.scan, &inner = plan.inner;
  const bool apart = scan.size == 1 || scan.x_stride != inner.size * item_size(plan.x_dtype);
  return has_plain_items(plan) && apart && inner.size < group_size && scan.size < 2 * group_size;
}

// The same of items of a few short rows, of which there is not enough in one for the kernels of
// short rows. float64 (1039, 5, 5) along dim 2, of which every second item is there, one thread of
// a Zen 5: 2.7 times as long as torch, 1.0 packed.
bool rows_lie_apart(const Plan& plan) {
  const Axis &scan = plan.scan, &inner = plan.inner;
  if (!has_plain_items(plan) || scan.size == 1) return false;
  const Axis& outer = plan.outer[plan.outer_dims - 1];
  return scan.size * inner.size <= policy::few_elements &&
         outer.y_stride == inner.size * inner.y_stride &&
         outer.x_stride != inner.size * inner.x_stride;
}

// Which way to walk, and what must be packed to walk that way.
void choose_walk(Plan& plan, const Kernels& kernels) {
  const int64_t x_size = item_size(plan.x_dtype), y_size = item_size(plan.y_dtype);
  const KernelSet& set = set_of(kernels, plan, plan.x_dtype);
  const bool direct = set.scan[0] != nullptr;
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
    plan.pack_x = !direct || inner.x_stride != x_size || columns_lie_apart(plan);
  } else if (backward && set.scan[int(Walk::reversed)]) {
    plan.walk = Walk::reversed;
    plan.pack_x = plan.pack_y = false;
  } else {
    plan.walk = Walk::rows;
    plan.pack_y = scan.y_stride != y_size;
    plan.pack_x = !direct || scan.x_stride != x_size || (!plan.pack_y && rows_lie_apart(plan));
  }
  if (set.any_strides || plan.fills) plan.pack_x = plan.pack_y = false;
  plan.packed = direct && !plan.pack_y ? plan.x_dtype : plan.y_dtype;
}

// Bytes of what `initial` has of a line.
int64_t initial_size(const Plan& plan, const Request& request, const Kernels& kernels) {
  if (!plan.resumed && !plan.total_stride) return item_size(plan.x_dtype);
  if (plan.resumed) return request.state_size;
  return set_of(kernels, plan.y_dtype, plan.y_dtype, plan.precision).total_size;
}

// Two lines side by side, in both arrays, are one line of complex numbers.
void pair_up(Plan& plan, int64_t initial_size) {
  const int size = item_size(plan.x_dtype);
  const bool adjacent = plan.inner.size == 2 && plan.inner.x_stride == size &&
                        plan.inner.y_stride == size && plan.scan.x_stride == plan.scan.y_stride &&
                        std::llabs(plan.scan.x_stride) == 2 * size;
  if (!adjacent || plan.x_dtype != plan.y_dtype || plan.has_gaps()) return;
  if (plan.op != Operator::sum) return;
  if (plan.x_dtype != DType::float32 && plan.x_dtype != DType::float64) return;
  const bool strided = plan.carried || plan.total_stride;
  if (strided && plan.inner.initial_stride != initial_size) return;
  const bool single = plan.x_dtype == DType::float32;
  plan.x_dtype = plan.y_dtype = single ? DType::complex64 : DType::complex128;
  plan.inner = {1, 0, 0, 0, 0, 0};
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
  const int64_t staged = policy::stage_bytes / rows;
  const int64_t bytes = plan.stream ? staged : std::max(sizes().panel, staged);
  const int64_t widest = std::max<int64_t>(1, bytes / y_size);
  const int64_t least = policy::least_panel_row / y_size;
  if (share >= least || plan.scan.size < wanted * tile_size) return std::min(share, widest);
  return std::min(lines_of_panel(plan, std::max<int64_t>(1, plan.inner.size / least)), widest);
}

// Bytes of the elements of x, each of them once.
int64_t read_bytes(const Plan& plan) {
  int64_t bytes = item_size(plan.x_dtype);
  const auto count = [&](const Axis& axis) { bytes *= axis.x_stride == 0 ? 1 : axis.size; };
  count(plan.scan);
  count(plan.inner);
  std::for_each(plan.outer, plan.outer + plan.outer_dims, count);
  return bytes;
}

// Whether results are written past the cache. On some processors that is only worth it where little
// is read meanwhile, and segments never are: float32, segments of 1, 3 and 7 elements, two threads
// of an Emerald Rapids, 1.7, 0.8 and 0.60 ns an element past the cache by way of a buffer, and 1.0,
// 0.60 and 0.38 through it. float32, 64 MiB, one thread of a Zen 4, ns an element: 0.36 through the
// cache, 0.43 past it; where one element is expanded 0.43 and 0.39.
bool is_streamed(const Plan& plan) {
  const int64_t lines = plan.outer_size * plan.inner.size;
  const int64_t bytes = lines * plan.scan.size * item_size(plan.y_dtype);
  if (plan.segmented && plan.walk != Walk::columns) return false;
  if (bytes < sizes().stream || plan.in_place || (plan.pack_y && !plan.nan)) return false;
  return processor().writes_past_cache || read_bytes(plan) < bytes / 16;
}

// The most that a worker claims of so many bytes, so that none has nothing to do at the end.
int64_t largest_claim(const Plan& plan, int64_t bytes) {
  if (plan.workers > 1) bytes /= plan.workers * policy::least_blocks;
  return std::min(sizes().claim, bytes);
}

// Cut the lines into panels; if that leaves workers idle and the lines are long, cut the axis too.
[[gnu::always_inline]] inline void share_out(Plan& plan, int threads) {
  const int64_t x_size = item_size(plan.x_dtype), y_size = item_size(plan.y_dtype);
  const int64_t line_bytes = plan.scan.size * (x_size + y_size);
  const int64_t lines = plan.outer_size * plan.inner.size;
  const int64_t bytes = lines * line_bytes;
  plan.stream = is_streamed(plan);
  if (bytes == 0) {
    plan.split = false;
    plan.panel = plan.panels = plan.blocks = plan.grain = plan.workers = 1;
    plan.block = plan.scan.size;
    plan.units = 0;
    return;
  }
  plan.workers = bytes < policy::parallel_bytes ? 1 : threads;
  if (plan.walk == Walk::columns) {
    plan.panel = choose_panel(plan);
  } else {
    const int64_t fitting = largest_claim(plan, bytes) / line_bytes;
    plan.panel = std::clamp<int64_t>(fitting, 1, plan.inner.size);
    if (plan.pack_x || plan.pack_y || plan.pack_decay) {
      plan.panel = std::min(plan.inner.size, std::max(plan.panel, policy::packed_lines));
    }
  }
  plan.panels = divide_up(plan.inner.size, plan.panel);
  plan.units = plan.outer_size * plan.panels;
  plan.block = plan.scan.size;
  plan.blocks = 1;
  if (plan.units < plan.workers && bytes < policy::parallel_axis_bytes) plan.workers = 1;
  const bool few = plan.units < plan.workers || plan.total_stride != 0;
  plan.split = few && plan.scan.size > tile_size && !plan.alone;
  if (plan.split) {
    const int64_t claim = largest_claim(plan, bytes);
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
  const int64_t claimed = largest_claim(plan, bytes) / unit_bytes;
  plan.grain = plan.split ? 1 : std::max<int64_t>(1, claimed);
  const int64_t claims = divide_up(plan.units, plan.grain);
  plan.workers = static_cast<int>(std::min<int64_t>(plan.workers, claims));
}

Operator operator_of(const Request& request) {
  if (request.overflow != Overflow::wrap) return Operator::checked;
  if (!request.decay.data) return Operator::sum;
  return request.decay_dtype >= DType::complex64 ? Operator::complex_decay : Operator::decay;
}

}  // namespace

Precision precision_for(DType dtype, Precision precision) {
  const bool can_compensate = dtype == DType::float64 || dtype == DType::complex128;
  return can_compensate ? precision : Precision::standard;
}

Plan make_plan(const Request& request, const Kernels& kernels) {
  Plan plan;
  static_cast<PlannedOptions&>(plan) = {};
  plan.op = operator_of(request);
  plan.exclusive = request.kind == Kind::exclusive;
  plan.precision = precision_for(request.y_dtype, request.precision);
  plan.x_dtype = request.x_dtype;
  plan.y_dtype = request.y_dtype;
  plan.total_stride = request.total_stride;
  plan.resumed = request.state_size != 0;
  plan.carried = request.initial.data != nullptr && plan.total_stride == 0;
  plan.position = request.position;
  plan.masked = request.where.data != nullptr;
  plan.skipna = request.skipna && plan.x_dtype >= DType::float16;
  plan.nan = request.nan && plan.has_gaps();
  plan.segmented = request.offsets != nullptr;
  plan.fills = request.fills;
  set_axes(plan, request);
  pair_up(plan, initial_size(plan, request, kernels));
  choose_walk(plan, kernels);
  if (plan.has_gaps()) mind_gaps(plan, kernels);
  if (plan.resumed) choose_steps(plan);
  if (plan.op != Operator::sum) mind_operator(plan, request, kernels);
  plan.in_place = request.x == request.y;
  share_out(plan, request.threads);
  if (plan.segmented) share_out_segments(plan, request.threads);
  return plan;
}

const KernelSet& set_of(const Kernels& kernels, DType x, DType y, Precision precision) {
  if (precision == Precision::standard) return kernels.pairs[int(x)][int(y)];
  return x == y ? kernels.compensated[y == DType::complex128] : no_kernels;
}

const KernelSet& set_of(const Kernels& kernels, const Plan& plan, DType x) {
  switch (plan.op) {
    case Operator::sum:
      return set_of(kernels, x, plan.y_dtype, plan.precision);
    case Operator::checked:
      return *kernels.checked;
    case Operator::decay:
      return x == plan.y_dtype ? kernels.decays[int(x)] : no_kernels;
    case Operator::complex_decay:
      return x == plan.y_dtype ? kernels.complex_decays[int(x)] : no_kernels;
  }
  __builtin_unreachable();
}

const KernelSet& set_of(const Kernels& kernels, const Plan& plan) {
  return set_of(kernels, plan, plan.pack_x ? plan.packed : plan.x_dtype);
}

}  // namespace cumsum
