// Where there are few lines, the axis is shared out. Workers claim blocks of tiles in order; for
// each block they
//   1. sum every tile by itself, which brings the block into the cache,
//   2. wait for the block's carry, add the tiles' sums to it one by one and pass it on,
//   3. scan the block with its carry, out of the cache.
// A tile's sum and the order in which the sums are added don't depend on who does it, so neither do
// the bits of the result. No worker waits for all the others, only for the block before its own.
//
// After Merrill and Garland, Single-pass Parallel Prefix Scan with Decoupled Look-back (2016), who
// look back for the carry in any order, so that bits may vary. (Keeping the sums of step 1 for step
// 3, instead of scanning twice, was slower for all but 16-bit floats.)
#include <cstring>
#include <thread>

#include "policy.h"
#include "run.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace cumsum {
namespace {

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

void Run::scan_block(Workspace& space, Unit unit, int64_t index) {
  if (unit.pack_x) pack_block(space, unit);
  if (!pass_carry_on(space, unit, index)) return;
  std::memcpy(space.carry.data(), &carries_[index * panel_carry_], panel_carry_);
  std::memset(space.chain.data(), 0, panel_chain_);
  scan_lines(space, unit, unit.begin, unit.length, space.carry.data());
}

// From here on the unit's input is its packed copy.
void Run::pack_block(Workspace& space, Unit& unit) {
  Piece piece{};
  piece.x = unit.x + unit.begin * unit.x_scan;
  piece.x_scan = unit.x_scan;
  piece.x_line = unit.x_line;
  piece.y = space.block.data();
  piece.y_scan = plan_.walk == Walk::columns ? unit.lines * y_size_ : y_size_;
  piece.y_line = plan_.walk == Walk::columns ? y_size_ : unit.length * y_size_;
  piece.length = unit.length;
  piece.lines = unit.lines;
  pack_(piece);
  unit.x = piece.y;
  unit.x_begin = unit.begin;
  unit.x_scan = piece.y_scan;
  unit.x_line = piece.y_line;
  unit.pack_x = false;
}

// Steps 1 and 2. False if the scan was stopped while waiting.
bool Run::pass_carry_on(Workspace& space, const Unit& unit, int64_t index) {
  const int64_t tiles = unit.length / tile_size;
  const bool last = unit.begin + unit.length == plan_.scan.size;
  if (!last) add_up_tiles(space, unit, tiles);
  if (unit.begin > 0 && !wait_for(ready_[index])) return false;
  if (!last) {
    char* carry = &carries_[(index + 1) * panel_carry_];
    std::memcpy(carry, &carries_[index * panel_carry_], panel_carry_);
    for (int64_t tile = 0; tile < tiles; ++tile) {
      pair_.add(carry, &space.aggregates[tile * panel_chain_], unit.lines * channels_);
    }
    ready_[index + 1].store(true, std::memory_order_release);
  }
  return true;
}

void Run::add_up_tiles(Workspace& space, const Unit& unit, int64_t tiles) {
  char* sums = space.aggregates.data();
  std::memset(sums, 0, tiles * panel_chain_);
  for (int64_t tile = 0; tile < tiles; ++tile, sums += panel_chain_) {
    Piece piece = part_of(unit, unit.begin + tile * tile_size, tile_size);
    piece.carry = sums;
    piece.chain = space.chain.data();
    if (plan_.walk == Walk::columns) {
      std::memset(piece.chain, 0, panel_chain_);
    } else if (unit.lines == 1) {  // the tiles are as good as lines
      piece.lines = tiles;
      piece.x_line = tile_size * unit.x_scan;
      tile = tiles;
    }
    kernels_[int(Store::nothing)](with_channels(piece));
  }
}

bool Run::wait_for(const std::atomic<bool>& ready) const {
  for (int spins = 0; !ready.load(std::memory_order_acquire); ++spins) {
    if (stop_.load(std::memory_order_relaxed)) return false;
    if (spins < policy::spins_before_yield) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }
  return true;
}

}  // namespace cumsum
