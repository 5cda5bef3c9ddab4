// How a decayed scan is cut in pieces, and the pieces done.
//
// Whole lines are given to the workers where there are enough of them. Otherwise the axis is shared
// out, as in split.cpp: for each block a worker scans every tile from zero, waits for the carry
// into the block, hands the next one on and scans the block with its carry.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>
#include <thread>

#include "decay_run.h"
#include "environment.h"
#include "pause.h"
#include "policy.h"
#include "target.h"
#include "threads.h"

namespace cumsum {
namespace {

// Beyond these the carry into a tile is the last result of the tile before, found one group after
// another, instead of that of the tile from zero plus what its decays leave of the carry into it.
constexpr double most_carried = 0x1p500;

bool is_ordinary(double carry, double local, double product) {
  return std::abs(carry) <= most_carried && std::abs(product) <= most_carried &&
         std::isfinite(local);
}

constexpr int place_in_table(DType dtype) {
  return static_cast<int>(dtype) - static_cast<int>(DType::float16);
}

int64_t item_of_decay(const DecayProblem& problem) {
  return problem.decays == Decays::own ? item_size(problem.dtype) : sizeof(double);
}

}  // namespace

DecayRun::DecayRun(const DecayProblem& problem, Interrupted interrupted, void* context)
    : problem_(problem),
      kernels_(current_target()),
      decays_(decay_table(kernels_).of[place_in_table(problem.dtype)]),
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
  stream_ = rows_ && !pack_y_ && bytes / 2 > policy::stream_bytes && p.x.data != p.y.data &&
            (place + (step_ < 0 ? size_ : 0)) % 16 == 0 && whole && p.y.outer % 16 == 0;
}

bool DecayRun::operator()() {
  if (units_ > 0) run_parallel(workers_, &DecayRun::work, this);
  return !patience_.is_over(-1);
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

// The carries into the next tile.
void DecayRun::close_tile(Workspace& space, const Unit& unit) {
  const DecayState state = state_of(space);
  for (int64_t i = 0; i < unit.lines; ++i) {
    double& carry = space.carries[i];
    const double local = state.local[i], product = state.product[i];
    carry = is_ordinary(carry, local, product) ? product * carry + local : state.total[i];
  }
}

void DecayRun::scan_unit(Workspace& space, const Unit& unit, int worker) {
  for (int64_t i = unit.begin; i < unit.end; i += tile_size) {
    if (i > unit.begin && patience_.is_over(worker)) return;
    begin_tile(space, unit);
    scan_tile(space, unit, i, true);
    close_tile(space, unit);
  }
}

// Every tile of a block from zero; what it leaves is kept.
void DecayRun::add_up(Workspace& space, const Unit& unit) {
  const DecayState state = state_of(space);
  double* kept = space.tiles.data();
  std::fill_n(space.carries.data(), unit.lines, 0.0);
  for (int64_t i = unit.begin; i < unit.end; i += tile_size) {
    begin_tile(space, unit);
    scan_tile(space, unit, i, false);
    kept = std::copy_n(state.local, unit.lines, kept);
    kept = std::copy_n(state.product, unit.lines, kept);
  }
}

// The carries out of one tile, from what was kept of it; false if that is not enough.
bool DecayRun::carry_through(Workspace& space, const Unit& unit, int64_t tile) {
  const double* const kept = &space.tiles[2 * tile * unit.lines];
  for (int64_t i = 0; i < unit.lines; ++i) {
    if (!is_ordinary(space.carries[i], kept[i], kept[unit.lines + i])) return false;
  }
  for (int64_t i = 0; i < unit.lines; ++i) {
    space.carries[i] = kept[unit.lines + i] * space.carries[i] + kept[i];
  }
  return true;
}

void DecayRun::scan_block(Workspace& space, const Unit& unit, int64_t index) {
  const bool last = unit.end == problem_.length;
  if (!last) add_up(space, unit);
  if (!wait_for_carry(space, unit, index)) return;
  if (!last) publish(space, unit, index);
  std::copy_n(&carries_[index * panel_], unit.lines, space.carries.data());
  scan_unit(space, unit, -1);
}

bool DecayRun::has_carry(int64_t index) const {
  return known_[index].load(std::memory_order_acquire) == ready;
}

bool DecayRun::wait_for_carry(Workspace& space, const Unit& unit, int64_t index) {
  for (int spins = 0; !has_carry(index); ++spins) {
    if (patience_.is_over(-1)) return false;
    if (spins < policy::spins_before_help) {
      pause();
    } else if (!help(space, unit, index)) {
      std::this_thread::yield();
    }
  }
  return true;
}

// The first block whose successor has no carry, though it has one itself, is added up again:
// whoever has it may have lost its processor. Not where results are written over the input, which
// by then they may be, or where the input passes through a buffer.
bool DecayRun::help(Workspace& space, const Unit& unit, int64_t index) {
  if (pack_x_ || pack_decay_ || problem_.x.data == problem_.y.data) return false;
  int64_t behind = index - 1;
  while (!has_carry(behind)) --behind;
  if (known_[behind + 1].load(std::memory_order_acquire) != missing) return false;
  const Unit other = place(behind);
  std::swap(space.tiles, space.others);
  begin_unit(space, other);
  add_up(space, other);
  publish(space, other, behind);
  std::swap(space.tiles, space.others);
  begin_unit(space, unit);
  return true;
}

// The carries into the block after this one, from those into this one and what was kept of its
// tiles. Two workers may have come to it; either would write the same bytes.
void DecayRun::publish(Workspace& space, const Unit& unit, int64_t index) {
  std::copy_n(&carries_[index * panel_], unit.lines, space.carries.data());
  for (int64_t i = unit.begin; i < unit.end; i += tile_size) {
    if (carry_through(space, unit, (i - unit.begin) / tile_size)) continue;
    begin_tile(space, unit);
    scan_tile(space, unit, i, false);
    close_tile(space, unit);
  }
  char expected = missing;
  if (!known_[index + 1].compare_exchange_strong(expected, taken)) return;
  std::copy_n(space.carries.data(), unit.lines, &carries_[(index + 1) * panel_]);
  known_[index + 1].store(ready, std::memory_order_release);
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
  piece.stream = stream_ && stores;
  piece.state = state_of(space);
  if (pack_x_ || pack_decay_ || (pack_y_ && stores)) {
    scan_packed(space, piece);
  } else {
    kernel_(piece);
  }
}

// Rows that don't lie along the axis of memory, by way of buffers in which they do.
void DecayRun::scan_packed(Workspace& space, const DecayPiece& whole) {
  const int64_t most = policy::packed_decayed;
  const auto copied = [&](DType dtype, const char* from, int64_t from_scan, int64_t from_line,
                          char* to, int64_t to_scan, int64_t to_line, const DecayPiece& part) {
    Piece copy{};
    copy.x = from, copy.x_scan = from_scan, copy.x_line = from_line;
    copy.y = to, copy.y_scan = to_scan, copy.y_line = to_line;
    copy.length = part.length, copy.lines = part.lines;
    kernels_.copy[static_cast<int>(dtype)][static_cast<int>(dtype)](copy);
  };
  const auto edge = [&](std::vector<char>& buffer, int64_t size) {
    return buffer.data() + (step_ < 0 ? (most - 1) * size : 0);
  };
  for (int64_t i = 0; i < whole.length; i += most) {
    DecayPiece part = whole;
    part.length = std::min(most, whole.length - i);
    part.x += i * whole.x_scan;
    part.decay += i * whole.decay_scan;
    char* const y = whole.y ? whole.y + i * whole.y_scan : nullptr;
    part.y = y;
    if (pack_x_) {
      part.x = edge(space.x, size_), part.x_scan = step_ * size_, part.x_line = most * size_;
      copied(problem_.dtype, whole.x + i * whole.x_scan, whole.x_scan, whole.x_line,
             edge(space.x, size_), part.x_scan, part.x_line, part);
    }
    if (pack_decay_) {
      const DType dtype = problem_.decays == Decays::own ? problem_.dtype : DType::float64;
      part.decay = edge(space.decay, decay_size_);
      part.decay_scan = step_ * decay_size_, part.decay_line = most * decay_size_;
      copied(dtype, whole.decay + i * whole.decay_scan, whole.decay_scan, whole.decay_line,
             edge(space.decay, decay_size_), part.decay_scan, part.decay_line, part);
    }
    if (pack_y_ && y) {
      part.y = edge(space.y, size_), part.y_scan = step_ * size_, part.y_line = most * size_;
    }
    kernel_(part);
    if (pack_y_ && y) {
      copied(problem_.dtype, part.y, part.y_scan, part.y_line, y, whole.y_scan, whole.y_line, part);
    }
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
    return scan() ? Status::done : Status::interrupted;
  } catch (const std::bad_alloc&) {
    return Status::out_of_memory;
  }
}

}  // namespace cumsum
