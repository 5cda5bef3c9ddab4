// Where there are few lines, the axis is shared out. Workers claim blocks of tiles in order; for
// each block they
//   1. sum every tile by itself, which brings the block into the cache,
//   2. wait for the block's carry, add the tiles' sums to it one by one and pass it on,
//   3. scan the block with its carry, out of the cache.
// A tile's sum and the order in which the sums are added don't depend on who does it, so neither do
// the bits of the result. No worker waits for all the others, only for the block before its own;
// and if whoever has that one lost its processor, step 1 of that block is done once more in its
// place.
//
// After Merrill and Garland, Single-pass Parallel Prefix Scan with Decoupled Look-back (2016), who
// look back for the carry in any order, so that bits may vary. (Keeping the sums of step 1 for step
// 3, instead of scanning twice, was slower for all but 16-bit floats.)
#include <cstring>
#include <thread>

#include "pause.h"
#include "policy.h"
#include "run.h"

namespace cumsum {

void Run::scan_block(Workspace& space, Unit unit, int64_t index) {
  if (unit.pack_x) pack_block(space, unit);
  const bool last = unit.begin + unit.length == plan_.scan.size;
  // Nobody waits while the first worker is alone: it does without step 1, and has the carry at
  // last.
  const bool alone = present_.load(std::memory_order_relaxed) == 1 && has_carry(index);
  if (!alone) {
    if (!last) add_up_tiles(space, unit, space.aggregates.data());
    if (!wait_for_carry(space, index)) return;
    if (!last) publish(space, unit, index, space.aggregates.data());
  }
  std::memcpy(space.carry.data(), &carries_[index * panel_carry_], panel_carry_);
  std::memset(space.chain.data(), 0, panel_chain_);
  scan_lines(space, unit, unit.begin, unit.length, space.carry.data());
  if (alone && !last) publish_carry(index, space.carry.data());
  if (last && plan_.resumed) put_records(unit, space.carry.data(), space.chain.data());
}

// From here on the unit's input is its packed copy.
void Run::pack_block(Workspace& space, Unit& unit) {
  Piece piece{};
  piece.x = unit.x + unit.begin * unit.x_scan;
  piece.x_scan = unit.x_scan;
  piece.x_line = unit.x_line;
  piece.y = space.block.data();
  piece.y_scan = plan_.walk == Walk::columns ? unit.lines * packed_size_ : packed_size_;
  piece.y_line = plan_.walk == Walk::columns ? packed_size_ : unit.length * packed_size_;
  piece.length = unit.length;
  piece.lines = unit.lines;
  if (plan_.walk == Walk::reversed) {
    piece.y += (unit.length - 1) * packed_size_;
    piece.y_scan = -packed_size_;
  }
  if (unit.mask) piece.mask = unit.mask + unit.begin * plan_.scan.mask_stride;
  piece.mask_scan = plan_.scan.mask_stride;
  piece.mask_line = plan_.inner.mask_stride;
  assert(holds(space.block, piece, packed_size_));
  pack(space, piece);
  unit.x = piece.y;
  unit.x_begin = unit.begin;
  unit.x_scan = piece.y_scan;
  unit.x_line = piece.y_line;
  unit.mask = nullptr;
  unit.skipna = unit.pack_x = false;
}

bool Run::has_carry(int64_t index) const {
  return index % plan_.blocks == 0 || carry_states_[index].load(std::memory_order_acquire) == ready;
}

// The carry into the block after this one, from that into this one and the sums of its tiles.
void Run::publish(Workspace& space, const Unit& unit, int64_t index, const char* sums) {
  char* const carry = space.carry.data();
  std::memcpy(carry, &carries_[index * panel_carry_], panel_carry_);
  for (int64_t tile = 0; tile < unit.length / tile_size; ++tile, sums += panel_chain_) {
    set_.add(carry, sums, unit.lines * channels_);
  }
  publish_carry(index, carry);
}

// Two workers may have come to it; either would write the same bytes.
void Run::publish_carry(int64_t index, const char* carry) {
  char expected = missing;
  if (!carry_states_[index + 1].compare_exchange_strong(expected, taken)) return;
  std::memcpy(&carries_[(index + 1) * panel_carry_], carry, panel_carry_);
  carry_states_[index + 1].store(ready, std::memory_order_release);
}

bool Run::wait_for_carry(Workspace& space, int64_t index) {
  for (int spins = 0; !has_carry(index); ++spins) {
    if (patience_.is_over(-1)) return false;
    if (spins < policy::spins_before_help) {
      pause();
    } else if (!help(space, index)) {
      std::this_thread::yield();
    }
  }
  return true;
}

// The first block whose successor has no carry, though it has one itself, is added up again, unless
// its owner may by now be writing results over the input, or has the input in a buffer of its own.
bool Run::help(Workspace& space, int64_t index) {
  if (plan_.pack_x || plan_.in_place) return false;
  while (!has_carry(index - 1)) --index;
  if (carry_states_[index].load(std::memory_order_acquire) != missing) return false;
  const Unit unit = place(index - 1);
  add_up_tiles(space, unit, space.others.data());
  publish(space, unit, index - 1, space.others.data());
  return true;
}

void Run::add_up_tiles(Workspace& space, const Unit& unit, char* sums) {
  const int64_t tiles = unit.length / tile_size;
  assert(tiles * panel_chain_ <= static_cast<int64_t>(space.aggregates.size()));
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
      piece.mask_line = tile_size * plan_.scan.mask_stride;
      tile = tiles;
    }
    add_up_(with_channels(piece));
  }
}

}  // namespace cumsum
