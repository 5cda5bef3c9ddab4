#include "run.h"

#include <cstring>

#include "claims.h"
#include "exact.h"
#include "float_mode.h"
#include "policy.h"
#include "sizes.h"

namespace cumsum {
namespace {

ScanShort short_kernel(const Plan& plan, const Kernels& kernels) {
  const bool plain = plan.segmented && plan.op == Operator::sum && !plan.has_gaps() &&
                     !plan.pack_x && !plan.pack_y && !plan.carried && plan.walk != Walk::columns &&
                     plan.precision == Precision::standard;
  if (!plain || (plan.walk == Walk::reversed) != plan.reverse) return nullptr;
  return kernels.segments[int(plan.x_dtype)][int(plan.y_dtype)][plan.reverse];
}

// An element of any type.
alignas(32) constexpr char nothing[32] = {};

// Two columns that are one row of complex numbers once x lies in a buffer; null where they are not.
ScanPiece pair_kernel(const Plan& plan, const Kernels& kernels) {
  const int64_t size = item_size(plan.y_dtype);
  const bool adjacent = plan.walk == Walk::columns && plan.inner.size == 2 && plan.pack_x &&
                        plan.scan.y_stride == 2 * size;
  const bool plain = plan.op == Operator::sum && plan.precision == Precision::standard &&
                     plan.packed == plan.y_dtype && !plan.pack_y && !plan.split;
  if (!adjacent || !plain) return nullptr;
  if (plan.y_dtype != DType::float32 && plan.y_dtype != DType::float64) return nullptr;
  const DType pair = plan.y_dtype == DType::float32 ? DType::complex64 : DType::complex128;
  return set_of(kernels, pair, pair, plan.precision).scan[int(Walk::rows)];
}

}  // namespace

Run::Run(const Plan& plan, const Kernels& kernels, const Request& request, Interrupted interrupted,
         void* context)
    : plan_(plan),
      request_(request),
      x_(plan.fills ? nothing : request.x + plan.x_offset),
      y_(request.y ? request.y + plan.y_offset : nullptr),
      kernels_(kernels),
      set_(set_of(kernels, plan)),
      scan_(plan.fills ? kernels.copy[int(plan.y_dtype)][int(plan.y_dtype)]
                       : set_.scan[int(plan.walk)]),
      scan_pair_(pair_kernel(plan, kernels)),
      add_up_(set_.add_up[int(plan.walk)]),
      pack_(kernels.copy[int(plan.x_dtype)][int(plan.packed)]),
      unpack_(kernels.copy[int(plan.y_dtype)][int(plan.y_dtype)]),
      y_size_(item_size(plan.y_dtype)),
      packed_size_(item_size(plan.packed)),
      panel_carry_(plan.panel * set_.carry_size),
      panel_chain_(plan.panel * set_.chain_size),
      panel_total_(plan.panel * set_.total_size),
      chain_step_(set_.chain_size / set_.planes),
      pack_shape_(pack_shape(plan)),
      filled_room_(std::max(policy::filled_elements,
                            group_size * (plan.split ? plan.panel : pack_shape_.lines))),
      aligned_(are_aligned()),
      exactly_(exactly_by(request, request.range, kernels, &exceeded_)),
      patience_(interrupted, context),
      workspaces_(plan.workers),
      scan_short_(short_kernel(plan, kernels)),
      longest_(std::max<int64_t>(
          1, policy::least_segment / std::max<int64_t>(1, plan.outer_size * plan.inner.size))) {
  for (Workspace& space : workspaces_) make_room(space);
  if (!plan.split || plan.total_stride) return;
  carries_.resize(plan.units * (panel_carry_ + panel_chain_));
  carry_states_ = std::vector<std::atomic<char>>(plan.units);
  for (int64_t index = 0; index < plan.units; index += plan.blocks) {
    char* const carry = carries_.data() + index * (panel_carry_ + panel_chain_);
    begin_lines(locate(index), carry, carry + panel_carry_);
  }
}

void Run::make_room(Workspace& space) const {
  space.carry.resize(panel_carry_);
  space.chain.resize(panel_chain_);
  const int64_t elements = pack_shape_.lines * pack_shape_.length;
  if (plan_.pack_x || plan_.pack_y) {
    const int64_t bytes = elements * packed_size_ + pack_shape_.lines * policy::packed_padding;
    space.packed.resize(comes_in_repeats() ? std::max(bytes, sizes().packed_rows) : bytes);
  }
  if (plan_.pack_decay) space.decays.resize(elements * sizeof(double));
  if (plan_.split || plan_.total_stride) {
    const int64_t block = plan_.block * plan_.panel;
    space.totals.resize(plan_.block / tile_size * panel_total_);
    space.others.resize(space.totals.size());
    if (plan_.pack_x) space.block.resize(block * packed_size_);
    if (plan_.pack_decay) space.block_decays.resize(block * sizeof(double));
  }
  if (plan_.has_gaps()) make_room_for_gaps(space);
  if (plan_.segmented && plan_.in_place) space.stage.resize(policy::segment_stage_bytes);
}

Status Run::operator()() {
  const auto body = [this](int worker, int64_t first, int64_t last) {
    return work(worker, first, last);
  };
  const auto left = [this] {
    if (plan_.stream) finish_streams();
  };
  claim_all(plan_.workers, plan_.units, plan_.grain, patience_, body, left);
  const Status status = patience_.status(plan_.in_place && request_.y);
  return status == Status::done && exceeded_ ? Status::overflowed : status;
}

// False if there is no need to go on.
bool Run::work(int worker, int64_t first, int64_t last) {
  const StandardFloats standard;
  const bool repeats = comes_in_repeats();
  Workspace& space = workspaces_[worker];
  if (!space.present) present_.fetch_add(1, std::memory_order_relaxed);
  space.present = true;
  for (int64_t index = first, done = 1; index < last; index += done) {
    const Item item = locate(index);
    if (plan_.segmented) {
      scan_segments(worker, item);
    } else if (plan_.total_stride) {
      put_totals(space, item);
    } else if (plan_.split) {
      scan_block(space, item, index);
    } else if (plan_.stepped) {
      step_lines(space, item);
    } else if (repeats) {
      done = scan_repeats(space, item, index, last - index);
    } else {
      scan_whole(worker, item);
    }
  }
  return !exceeded_.load(std::memory_order_relaxed);
}

Item Run::locate(int64_t index) const {
  const int64_t block = index % plan_.blocks;
  const int64_t rest = index / plan_.blocks;
  int64_t panel, outer;
  if (plan_.outer_first) {
    outer = rest % plan_.outer_size;
    panel = rest / plan_.outer_size;
  } else {
    panel = rest % plan_.panels;
    outer = rest / plan_.panels;
  }
  const int64_t line = panel * plan_.panel;
  Axis at{};  // how far from the first line
  const auto move = [&at](const Axis& axis, int64_t count) {
    at.x_stride += count * axis.x_stride;
    at.y_stride += count * axis.y_stride;
    at.initial_stride += count * axis.initial_stride;
    at.mask_stride += count * axis.mask_stride;
    at.decay_stride += count * axis.decay_stride;
  };
  move(plan_.inner, line);
  for (int d = plan_.outer_dims - 1; d >= 0; --d) {
    move(plan_.outer[d], outer % plan_.outer[d].size);
    outer /= plan_.outer[d].size;
  }
  Item item;
  item.first = rest == 0;
  item.lines = std::min(plan_.panel, plan_.inner.size - line);
  item.begin = block * plan_.block;
  item.length = std::min(plan_.block, plan_.scan.size - item.begin);
  item.origin = item.x_begin = 0;
  item.x = x_ + at.x_stride;
  item.y = y_ ? y_ + at.y_stride : nullptr;
  item.initial = request_.initial.data + at.initial_stride;
  item.mask = plan_.masked ? request_.where.data + plan_.mask_offset + at.mask_stride : nullptr;
  item.decay = request_.decay.data + plan_.decay_offset + at.decay_stride;
  item.x_scan = plan_.scan.x_stride;
  item.x_line = plan_.inner.x_stride;
  item.decay_scan = plan_.scan.decay_stride;
  item.decay_line = plan_.inner.decay_stride;
  item.pack_x = plan_.pack_x;
  item.pack_decay = plan_.pack_decay;
  item.skipna = plan_.skipna;
  return item;
}

void Run::begin_lines(const Item& item, char* carry, char* chain) const {
  if (plan_.resumed) return get_states(item, carry, chain);
  std::memset(chain, 0, panel_chain_);
  if (plan_.carried) {
    set_.set(carry, item.initial, plan_.inner.initial_stride, item.lines);
  } else {
    std::memset(carry, 0, panel_carry_);
  }
}

}  // namespace cumsum
