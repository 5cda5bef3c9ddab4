// The carries of a decayed scan from tile to tile; and where there are few lines, the axis shared
// out, as in split.cpp: for each block a worker scans every tile from zero, waits for the carry
// into the block, hands the next one on and scans the block with its carry.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <thread>

#include "decay_run.h"
#include "pause.h"
#include "policy.h"

namespace cumsum {
namespace {

// Beyond these the carry into a tile is the last result of the tile before, found one group after
// another, instead of that of the tile from zero plus what its decays leave of the carry into it.
constexpr double most_carried = 0x1p500;

bool is_ordinary(double carry, double local, double product) {
  return std::abs(carry) <= most_carried && std::abs(product) <= most_carried &&
         std::isfinite(local);
}

bool is_negative_zero(double value) { return value == 0 && std::signbit(value); }

// The same of an element of a float of so many bytes: all bits but the sign are zero.
bool is_negative_zero(const char* element, int64_t size) {
  uint64_t bits = 0;
  std::memcpy(&bits, element, size);
  return bits == uint64_t{1} << (8 * size - 1);
}

}  // namespace

// The carries into the next tile.
void DecayRun::close_tile(Workspace& space, const Unit& unit) {
  const DecayState state = state_of(space);
  for (int64_t i = 0; i < unit.lines; ++i) {
    double& carry = space.carries[i];
    const double local = state.local[i], product = state.product[i];
    carry = is_ordinary(carry, local, product) ? product * carry + local : state.total[i];
    if (carry == 0) carry = is_negative_zero(state.total[i]) ? -0.0 : 0.0;
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

// The carries out of one tile, from what was kept of it; false if that is not enough: a zero after
// a negative zero may be negative.
bool DecayRun::carry_through(Workspace& space, const Unit& unit, int64_t tile) {
  const double* const kept = &space.tiles[2 * tile * unit.lines];
  const int64_t last = unit.begin + (tile + 1) * tile_size - 1;
  for (int64_t i = 0; i < unit.lines; ++i) {
    const double carry = space.carries[i], local = kept[i], product = kept[unit.lines + i];
    const char* const x = unit.x + last * problem_.x.scan + i * problem_.x.inner;
    if (!is_ordinary(carry, local, product)) return false;
    if (product * carry + local == 0 && is_negative_zero(x, size_)) return false;
  }
  for (int64_t i = 0; i < unit.lines; ++i) {
    // (plus zero: a negative zero is a positive one)
    space.carries[i] = kept[unit.lines + i] * space.carries[i] + kept[i] + 0.0;
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

}  // namespace cumsum
