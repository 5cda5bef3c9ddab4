#include "scan.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "float_mode.h"
#include "policy.h"
#include "pool.h"
#include "run.h"

namespace cumsum {
namespace {

// Contiguous lines that one worker scans at once need no workspace.
bool is_plain(const Plan& plan) {
  return plan.units == 1 && plan.walk != Walk::columns && !plan.pack_x && !plan.pack_y &&
         !plan.carried && !plan.holes && plan.scan.size * plan.inner.size <= policy::piece_elements;
}

// Nor do those that fit a buffer on the stack once they are packed.
bool is_packed_plain(const Plan& plan) {
  return plan.units == 1 && plan.walk != Walk::columns && plan.pack_x && !plan.pack_y &&
         !plan.carried && !plan.holes &&
         plan.scan.size * plan.inner.size * item_size(plan.packed) <= policy::small_bytes;
}

void run_plain(const Plan& plan, const Kernels& kernels, const char* x, char* y) {
  Piece piece{};
  piece.x = x + plan.x_offset;
  piece.y = y + plan.y_offset;
  piece.x_line = plan.inner.x_stride;
  piece.y_line = plan.inner.y_stride;
  piece.length = plan.scan.size;
  piece.lines = plan.inner.size;
  piece.exclusive = plan.kind == Kind::exclusive;
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
  const DType x_dtype = plan.pack_x ? plan.packed : plan.x_dtype;
  set_of(kernels, x_dtype, plan.y_dtype, plan.precision).scan[int(plan.walk)](piece);
}

}  // namespace

Run::Run(const Plan& plan, const Kernels& kernels, const Operands& operands,
         Interrupted interrupted, void* context)
    : plan_(plan),
      x_(operands.x + plan.x_offset),
      y_(operands.y + plan.y_offset),
      initial_(operands.initial),
      mask_(operands.mask ? operands.mask + plan.mask_offset : nullptr),
      records_(operands.records),
      kernels_(kernels),
      set_(set_of(kernels, plan)),
      scan_(set_.scan[int(plan.walk)]),
      add_up_(set_.add_up[int(plan.walk)]),
      pack_(kernels.copy[int(plan.x_dtype)][int(plan.packed)]),
      unpack_(kernels.copy[int(plan.y_dtype)][int(plan.y_dtype)]),
      exclusive_(plan.kind == Kind::exclusive),
      y_size_(item_size(plan.y_dtype)),
      packed_size_(item_size(plan.packed)),
      channels_(plan.y_dtype >= DType::complex64 ? 2 : 1),
      panel_carry_(plan.panel * set_.carry_size),
      panel_chain_(plan.panel * set_.chain_size),
      pack_shape_(pack_shape(plan)),
      filled_room_(std::max(policy::filled_elements,
                            group_size * (plan.split ? plan.panel : pack_shape_.lines))),
      aligned_(are_aligned()),
      patience_(interrupted, context),
      workspaces_(plan.workers) {
  const int64_t packed_line = pack_shape_.length * packed_size_ + policy::packed_padding;
  for (Workspace& space : workspaces_) {
    space.carry.resize(panel_carry_);
    space.chain.resize(panel_chain_);
    if ((plan.pack_x || plan.pack_y) && !plan.stepped)
      space.packed.resize(pack_shape_.lines * packed_line);
    if (plan.split || plan.total_stride) {
      space.aggregates.resize(plan.block / tile_size * panel_chain_);
      space.others.resize(space.aggregates.size());
    }
    if ((plan.split || plan.total_stride) && plan.pack_x) {
      space.block.resize(plan.block * plan.panel * packed_size_);
    }
    if (plan.holes) make_room_for_holes(space);
  }
  if (plan.split && !plan.total_stride) {
    carries_.resize(plan.units * panel_carry_);
    carry_states_ = std::vector<std::atomic<char>>(plan.units);
    for (int64_t index = 0; plan.carried && index < plan.units; index += plan.blocks) {
      set_carries(place(index), &carries_[index * panel_carry_]);
    }
  }
}

Status Run::operator()() {
  run_parallel(plan_.workers, &Run::work, this, patience_);
  return patience_.status(plan_.in_place);
}

void Run::work(void* self, int worker) noexcept {
  Run& run = *static_cast<Run*>(self);
  const Plan& plan = run.plan_;
  const StandardFloats standard;
  const bool repeats = run.comes_in_repeats();
  run.present_.fetch_add(1, std::memory_order_relaxed);
  for (;;) {
    const int64_t first = run.next_.fetch_add(plan.grain, std::memory_order_relaxed);
    if (first >= plan.units || run.patience_.is_over(worker)) break;
    const int64_t last = std::min(first + plan.grain, plan.units);
    for (int64_t index = first, done = 1; index < last; index += done) {
      const Unit unit = run.place(index);
      if (plan.total_stride) {
        run.put_totals(run.workspaces_[worker], unit);
      } else if (plan.split) {
        run.scan_block(run.workspaces_[worker], unit, index);
      } else if (plan.stepped) {
        run.step_lines(unit);
      } else if (repeats) {
        done = run.scan_repeats(unit, index, last - index);
      } else {
        run.scan_whole(worker, unit);
      }
    }
  }
  if (plan.stream) finish_streams();
}

Unit Run::place(int64_t index) const {
  const int64_t block = index % plan_.blocks;
  int64_t rest = index / plan_.blocks;
  int64_t panel, outer;
  if (plan_.outer_first) {
    outer = rest % plan_.outer_size;
    panel = rest / plan_.outer_size;
  } else {
    panel = rest % plan_.panels;
    outer = rest / plan_.panels;
  }
  const int64_t line = panel * plan_.panel;
  Unit unit;
  unit.lines = std::min(plan_.panel, plan_.inner.size - line);
  unit.begin = block * plan_.block;
  unit.length = std::min(plan_.block, plan_.scan.size - unit.begin);
  int64_t x = line * plan_.inner.x_stride, y = line * plan_.inner.y_stride;
  int64_t initial = line * plan_.inner.initial_stride, mask = line * plan_.inner.mask_stride;
  for (int d = plan_.outer_dims - 1; d >= 0; --d) {
    const Axis& axis = plan_.outer[d];
    const int64_t i = outer % axis.size;
    outer /= axis.size;
    x += i * axis.x_stride;
    y += i * axis.y_stride;
    initial += i * axis.initial_stride;
    mask += i * axis.mask_stride;
  }
  unit.x = x_ + x;
  unit.y = y_ + y;
  unit.initial = initial_ + initial;
  unit.mask = mask_ ? mask_ + mask : nullptr;
  unit.skipna = plan_.skipna;
  unit.x_begin = 0;
  unit.x_scan = plan_.scan.x_stride;
  unit.x_line = plan_.inner.x_stride;
  unit.pack_x = plan_.pack_x;
  return unit;
}

void Run::set_carries(const Unit& unit, char* carry) const {
  if (!plan_.carried) {
    std::memset(carry, 0, panel_carry_);
  } else if (plan_.resumed) {
    get_records(unit, carry, nullptr);
  } else {
    set_.set(carry, unit.initial, plan_.inner.initial_stride, unit.lines);
  }
}

Status run(const Plan& plan, const Kernels& kernels, const Operands& operands,
           Interrupted interrupted, void* context) noexcept {
  if (plan.units == 0) return Status::done;
  if (is_plain(plan) || is_packed_plain(plan)) {
    run_plain(plan, kernels, operands.x, operands.y);
    return Status::done;
  }
  try {
    Run scan(plan, kernels, operands, interrupted, context);
    return scan();
  } catch (const std::bad_alloc&) {
    return Status::out_of_memory;
  }
}

}  // namespace cumsum
