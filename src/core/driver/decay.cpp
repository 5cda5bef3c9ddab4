// How a decayed scan is cut in pieces, and the pieces done.
//
// Whole lines are given to the workers where there are enough of them. Otherwise the axis is shared
// out (decay_split.cpp).
#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

#include "decay_run.h"
#include "float_mode.h"
#include "policy.h"
#include "pool.h"
#include "target.h"

namespace cumsum {
namespace {

int64_t item_of_decay(const DecayProblem& problem) {
  return problem.decays == Decays::own ? item_size(problem.dtype) : sizeof(double);
}

}  // namespace

DecayRun::DecayRun(const DecayProblem& problem, Interrupted interrupted, void* context)
    : problem_(problem),
      kernels_(current_target()),
      decays_(*kernels_.decays[int(problem.dtype)]),
      patience_(interrupted, context),
      size_(item_size(problem.dtype)),
      decay_size_(item_of_decay(problem)) {
  plan_walk();
  plan();
  workspaces_ = std::vector<Workspace>(workers_);
  const int64_t packed = policy::packed_decayed * std::min<int64_t>(panel_, policy::packed_lines);
  for (Workspace& space : workspaces_) {
    space.carries.resize(panel_);
    space.state.resize(4 * panel_);
    if (pack_x_) space.x.resize(packed * size_);
    if (pack_y_) space.y.resize(packed * size_);
    if (pack_decay_) space.decay.resize(packed * decay_size_);
    if (blocks_ > 1) {
      space.tiles.resize(block_ / tile_size * 2 * panel_);
      space.others.resize(space.tiles.size());
    }
  }
  if (blocks_ > 1) {
    carries_.resize(units_ * panel_);
    known_ = std::vector<std::atomic<char>>(units_);
    for (int64_t index = 0; index < units_; index += blocks_) {
      begin_unit(workspaces_[0], place(index));
      std::copy_n(workspaces_[0].carries.data(), panel_, &carries_[index * panel_]);
      known_[index].store(ready, std::memory_order_relaxed);
    }
  }
}

void DecayRun::plan_walk() {
  const DecayProblem& p = problem_;
  const bool steps = p.decays != Decays::constant;
  const bool beside = !steps || p.decay.inner == decay_size_;
  const bool shared = p.decays == Decays::wide && p.decay.inner == 0;
  const bool columns = p.inner >= policy::least_columns && p.x.inner == size_ && p.y.inner == size_;
  rows_ = !(columns && (beside || shared));
  step_ = p.x.scan == -size_ && p.y.scan == -size_ ? -1 : 1;
  pack_x_ = rows_ && p.x.scan != step_ * size_;
  pack_y_ = rows_ && p.y.scan != step_ * size_;
  pack_decay_ = rows_ && steps && p.decay.scan != step_ * decay_size_;
  const int kind = static_cast<int>(p.decays);
  if (rows_) {
    kernel_ = (step_ < 0 ? decays_.reversed : decays_.rows)[kind];
  } else {
    kernel_ = beside ? decays_.columns[kind] : decays_.shared;
  }
}

void DecayRun::plan() {
  const DecayProblem& p = problem_;
  const int64_t bytes = 2 * p.outer * p.length * p.inner * size_;
  const int64_t elements = policy::claim_bytes / (2 * size_);
  panel_ = policy::panel_bytes / int64_t{sizeof(double)};
  if (rows_) {
    const bool packs = pack_x_ || pack_y_ || pack_decay_;
    const int64_t most = packs ? policy::packed_lines : p.inner;
    panel_ = std::clamp<int64_t>(elements / std::max<int64_t>(p.length, 1), 1, most);
    if (packs) panel_ = std::max(panel_, std::min<int64_t>(policy::packed_rows_along, most));
  }
  panel_ = std::max<int64_t>(1, std::min(panel_, p.inner));
  panels_ = p.inner == 0 ? 0 : (p.inner + panel_ - 1) / panel_;
  const int64_t lines = p.outer * panels_;
  const int threads = bytes < policy::parallel_bytes ? 1 : p.threads;
  block_ = std::max<int64_t>(p.length, 1);
  if (threads > 1 && lines < threads * policy::least_blocks && p.length >= 2 * tile_size) {
    block_ = tile_size * std::max<int64_t>(1, elements / (tile_size * panel_));
  }
  blocks_ = (p.length + block_ - 1) / block_;
  units_ = lines * blocks_;
  workers_ = static_cast<int>(std::clamp<int64_t>(units_, 1, threads));
  const auto place = reinterpret_cast<uintptr_t>(p.y.data);
  const bool whole = p.inner == 1 || p.y.inner % 16 == 0;
  // What is left of a line is stored the ordinary way: see Rows::goes_past_cache.
  const bool ends_whole = p.length % group_size == 0 || p.outer * p.inner == 1;
  stream_ = rows_ && !pack_y_ && bytes / 2 > policy::stream_bytes && p.x.data != p.y.data &&
            (place + (step_ < 0 ? size_ : 0)) % 16 == 0 && whole && ends_whole &&
            p.y.outer % 16 == 0;
}

Status DecayRun::operator()() {
  if (units_ > 0) run_parallel(workers_, &DecayRun::work, this, patience_);
  return patience_.status(problem_.x.data == problem_.y.data);
}

void DecayRun::work(void* self, int worker) noexcept {
  DecayRun& run = *static_cast<DecayRun*>(self);
  Workspace& space = run.workspaces_[worker];
  const StandardFloats standard;
  for (;;) {
    const int64_t index = run.next_.fetch_add(1, std::memory_order_relaxed);
    if (index >= run.units_ || run.patience_.is_over(worker)) break;
    const Unit unit = run.place(index);
    run.begin_unit(space, unit);
    if (run.blocks_ > 1) {
      run.scan_block(space, unit, index);
    } else {
      run.scan_unit(space, unit, worker);
    }
  }
}

DecayRun::Unit DecayRun::place(int64_t index) const {
  const DecayProblem& p = problem_;
  const int64_t block = index % blocks_, panel = index / blocks_ % panels_;
  const int64_t outer = index / blocks_ / panels_, line = panel * panel_;
  const auto at = [&](const DecayOperand& o) { return o.data + outer * o.outer + line * o.inner; };
  Unit unit;
  unit.x = at(p.x);
  unit.y = at(p.y);
  unit.decay = at(p.decay);
  unit.first = outer * p.inner + line;
  unit.lines = std::min(panel_, p.inner - line);
  unit.begin = block * block_;
  unit.end = std::min(unit.begin + block_, p.length);
  return unit;
}

DecayState DecayRun::state_of(Workspace& space) const {
  double* const state = space.state.data();
  return {state, state + panel_, state + 2 * panel_, state + 3 * panel_};
}

void DecayRun::begin_unit(Workspace& space, const Unit& unit) {
  const double* const initial = problem_.initial;
  for (int64_t i = 0; i < unit.lines; ++i) {
    const double first = initial ? initial[unit.first + i] : 0;
    space.carries[i] = first == first ? first : std::nan("");
  }
  if (problem_.decays != Decays::constant) return;
  for (int64_t i = 0; i < unit.lines; ++i) {
    std::memcpy(&space.state[3 * panel_ + i], unit.decay + i * problem_.decay.inner,
                sizeof(double));
  }
}

void DecayRun::begin_tile(Workspace& space, const Unit& unit) {
  const DecayState state = state_of(space);
  std::copy_n(space.carries.data(), unit.lines, state.total);
  std::fill_n(state.local, unit.lines, 0.0);
  std::fill_n(state.product, unit.lines, 1.0);
}

void DecayRun::scan_unit(Workspace& space, const Unit& unit, int worker) {
  for (int64_t i = unit.begin; i < unit.end; i += tile_size) {
    if (i > unit.begin && patience_.is_over(worker)) return;
    begin_tile(space, unit);
    scan_tile(space, unit, i, true);
    close_tile(space, unit);
  }
}

void DecayRun::scan_tile(Workspace& space, const Unit& unit, int64_t begin, bool stores) {
  const DecayProblem& p = problem_;
  DecayPiece piece{};
  piece.x = unit.x + begin * p.x.scan;
  piece.y = stores ? unit.y + begin * p.y.scan : nullptr;
  piece.decay = unit.decay + begin * p.decay.scan;
  piece.x_scan = p.x.scan, piece.y_scan = p.y.scan, piece.decay_scan = p.decay.scan;
  piece.x_line = p.x.inner, piece.y_line = p.y.inner, piece.decay_line = p.decay.inner;
  piece.length = std::min<int64_t>(tile_size, unit.end - begin);
  piece.lines = unit.lines;
  piece.stream = stream_ && stores && piece.length % group_size == 0;
  piece.state = state_of(space);
  if (pack_x_ || pack_decay_ || (pack_y_ && stores)) {
    scan_packed(space, piece);
  } else {
    kernel_(piece);
  }
}

Status run_decay(const DecayProblem& problem, Interrupted interrupted, void* context) noexcept {
  DecayProblem lines = problem;
  if (lines.inner == 1) {  // lines side by side are counted by the inner axis
    std::swap(lines.inner, lines.outer);
    for (DecayOperand* o : {&lines.x, &lines.y, &lines.decay}) std::swap(o->inner, o->outer);
  }
  try {
    DecayRun scan(lines, interrupted, context);
    return scan();
  } catch (const std::bad_alloc&) {
    return Status::out_of_memory;
  }
}

}  // namespace cumsum
