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
#include "pieces.h"
#include "policy.h"
#include "run.h"

namespace cumsum {

void Run::scan_block(Workspace& space, Item item, int64_t index) {
  if (item.pack_x || item.pack_decay) pack_block(space, item);
  const bool last = item.begin + item.length == plan_.scan.size;
  // Nobody waits while the first worker is alone: it does without step 1, and has the carry at
  // last.
  const bool alone = present_.load(std::memory_order_relaxed) == 1 && has_carry(index);
  if (!alone) {
    if (!last) add_up_tiles(space, item, space.totals.data());
    if (!wait_for_carry(space, index)) return;
    if (!last) publish(space, item, index, space.totals.data());
  }
  take_over(space, index);
  scan_lines(space, item, item.begin, item.length, space.carry.data());
  if (alone && !last) hand_on(space, index);
  if (last && plan_.resumed) put_states(item, space.carry.data(), space.chain.data());
}

// From here on the item's input is its packed copy.
void Run::pack_block(Workspace& space, Item& item) const {
  const bool columns = plan_.walk == Walk::columns, reversed = plan_.walk == Walk::reversed;
  Piece piece = part_of(item, item.begin, item.length);
  const int64_t back = reversed ? item.length - 1 : 0, step = reversed ? -1 : 1;
  const auto scan = [&](int64_t size) { return columns ? item.lines * size : step * size; };
  const auto line = [&](int64_t size) { return columns ? size : item.length * size; };
  if (item.pack_decay) {
    constexpr int64_t size = sizeof(double);
    pack_decays(piece, space.block_decays.data() + back * size, scan(size), line(size));
  }
  if (item.pack_x) {
    char* const to = space.block.data() + back * packed_size_;
    write_at(piece, to, scan(packed_size_), line(packed_size_));
    assert(space.block.holds(piece, packed_size_));
    pack(space, piece);
    read_back(piece);
    item.mask = nullptr;
    item.skipna = false;
  }
  item.x = piece.x;
  item.x_scan = piece.x_scan;
  item.x_line = piece.x_line;
  item.decay = piece.decay;
  item.decay_scan = piece.decay_scan;
  item.decay_line = piece.decay_line;
  item.x_begin = item.begin;
  item.pack_x = item.pack_decay = false;
}

bool Run::has_carry(int64_t index) const {
  return index % plan_.blocks == 0 || carry_states_[index].load(std::memory_order_acquire) == ready;
}

// The carry into the block after this one, from that into this one and the totals of its tiles; or
// from a scan, without results, of a tile whose totals don't tell. Exclusive decayed sums begin
// with the last result before them, which the carry is not to the bit, and only a scan of its tile
// has.
void Run::publish(Workspace& space, const Item& item, int64_t index, const char* totals) {
  const bool shows_last = plan_.op == Operator::decay && plan_.exclusive;
  char* const carry = space.carry.data();
  take_over(space, index);
  for (int64_t i = 0; i < item.length; i += tile_size, totals += panel_total_) {
    const bool shown = shows_last && i + tile_size == item.length;
    if (!shown && set_.fold(carry, totals, item.lines * set_.channels)) continue;
    scan_lines(space, item, item.begin + i, tile_size, carry, false);
  }
  hand_on(space, index);
}

void Run::take_over(Workspace& space, int64_t index) const {
  const char* const carry = carries_.data() + index * (panel_carry_ + panel_chain_);
  std::memcpy(space.carry.data(), carry, panel_carry_);
  std::memcpy(space.chain.data(), carry + panel_carry_, panel_chain_);
}

// Two workers may have come to it; either would write what does for the next block.
void Run::hand_on(const Workspace& space, int64_t index) {
  char expected = missing;
  if (!carry_states_[index + 1].compare_exchange_strong(expected, taken)) return;
  char* const carry = carries_.data() + (index + 1) * (panel_carry_ + panel_chain_);
  std::memcpy(carry, space.carry.data(), panel_carry_);
  std::memcpy(carry + panel_carry_, space.chain.data(), panel_chain_);
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
  if (plan_.pack_x || plan_.pack_decay || plan_.in_place) return false;
  while (!has_carry(index - 1)) --index;
  if (carry_states_[index].load(std::memory_order_acquire) != missing) return false;
  const Item item = locate(index - 1);
  add_up_tiles(space, item, space.others.data());
  publish(space, item, index - 1, space.others.data());
  return true;
}

void Run::add_up_tiles(Workspace& space, const Item& item, char* totals) const {
  const int64_t tiles = item.length / tile_size;
  assert(tiles * panel_total_ <= space.totals.size());
  std::memset(totals, 0, tiles * panel_total_);
  for (int64_t tile = 0; tile < tiles; ++tile, totals += panel_total_) {
    Piece piece = part_of(item, item.begin + tile * tile_size, tile_size);
    piece.carry = totals;
    piece.chain = space.chain.data();
    piece.plane = plan_.panel * chain_step_;
    if (plan_.walk == Walk::columns) {
      std::memset(piece.chain, 0, panel_chain_);
    } else if (item.lines == 1) {  // the tiles are as good as lines
      piece.lines = tiles;
      piece.x_line = tile_size * piece.x_scan;
      piece.mask_line = tile_size * piece.mask_scan;
      piece.decay_line = tile_size * piece.decay_scan;
      tile = tiles;
    }
    add_up_(with_channels(piece));
  }
}

}  // namespace cumsum
