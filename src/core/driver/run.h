// One scan under way: what its workers share, and what each has for itself.
#pragma once

#include <algorithm>
#include <atomic>
#include <cassert>
#include <mutex>
#include <vector>

#include "buffer.h"
#include "checked.h"
#include "cut.h"
#include "scan.h"

namespace cumsum {

// What a worker needs for itself.
struct Workspace {
  Buffer carry, chain;    // of a panel's lines
  Buffer packed, decays;  // elements on their way in or out
  // When the axis is split: the totals of a block's tiles, those of another worker's block, and the
  // block's input if that must be packed.
  Buffer totals, others, block, block_decays;
  // Where elements add nothing: those on their way into the buffer, their mask, and what it says of
  // the elements that are in there.
  Buffer staged, mask, kept;
  Buffer stage;          // results of segments that lie over the input
  bool present = false;  // whether its worker has begun
};

// A claimed piece of work: some lines side by side, elements [begin, begin + length) of each.
// Operands are as y; what x and the decays are, if they have been packed, begins at `x_begin`.
struct Item {
  const char* x;
  char* y;
  const char *initial, *mask, *decay;  // mask: null where all elements count
  int64_t x_begin, x_scan, x_line, decay_scan, decay_line;
  bool pack_x, pack_decay, skipna;
  bool first;  // whether its first line is the first of all
  int64_t lines, begin, length;
  int64_t origin;  // where the line begins that the elements are counted from
};

class Run {
 public:
  Run(const Plan& plan, const Kernels& kernels, const Request& request, Interrupted interrupted,
      void* context);

  Status operator()();

  // The segments that were left out, as all lines of one of them are worth a scan of their own.
  const std::vector<Cut>& long_segments() const { return long_; }

 private:
  void make_room(Workspace& space) const;
  bool work(int worker, int64_t first, int64_t last);
  Item locate(int64_t index) const;
  void begin_lines(const Item& item, char* carry, char* chain) const;

  // Lines that go on from states (states.cpp).
  void get_states(const Item& item, char* carry, char* chain) const;
  void put_states(const Item& item, char* carry, char* chain) const;
  void step_lines(Workspace& space, const Item& item) const;

  // Any elements of an item's lines (lines.cpp). The lines are fresh where `carry` is null; else
  // the chains are the workspace's.
  void scan_lines(Workspace& space, const Item& item, int64_t begin, int64_t length, char* carry,
                  bool stores = true) const;
  void scan_packed(Workspace& space, const Item& item, const Piece& whole) const;
  void scan_whole(int worker, const Item& item);
  Piece part_of(const Item& item, int64_t begin, int64_t length) const;
  bool can_stream(const Piece& piece) const;
  bool are_aligned() const;
  bool comes_staged(const Piece& piece) const;
  Piece with_channels(Piece piece) const;

  // Small items, many at a time (items.cpp).
  bool comes_in_repeats() const;
  int64_t scan_repeats(Workspace& space, const Item& item, int64_t index, int64_t most) const;
  void repeat_columns(Piece piece) const;
  void repeat_rows(Piece piece) const;
  void pack_repeats(Workspace& space, Piece& piece) const;
  void scan_pairs(Piece piece) const;

  // The way into a buffer and out of one (pack.cpp).
  void pack(Workspace& space, const Piece& piece) const;
  void pack_decays(Piece& piece, char* to, int64_t scan, int64_t line) const;
  void make_room_for_gaps(Workspace& space) const;
  char* kept_of(Workspace& space, const char* packed) const;
  void fill(Workspace& space, Piece piece) const;
  void fill_part(Workspace& space, const Piece& part) const;
  void show(Workspace& space, Piece from, Piece piece) const;

  // A block of an axis that is shared out (chain.cpp).
  void scan_block(Workspace& space, Item item, int64_t index);
  void pack_block(Workspace& space, Item& item) const;
  void add_up_tiles(Workspace& space, const Item& item, char* totals) const;
  void put_totals(Workspace& space, Item item) const;  // totals.cpp
  bool has_carry(int64_t index) const;
  bool wait_for_carry(Workspace& space, int64_t index);
  bool help(Workspace& space, int64_t index);
  void publish(Workspace& space, const Item& item, int64_t index, const char* totals);
  void take_over(Workspace& space, int64_t index) const;
  void hand_on(const Workspace& space, int64_t index);

  // Lines that are cut into segments (segments.cpp).
  void scan_segments(int worker, const Item& item);
  bool is_left(const Item& item, Cut cut);
  void scan_even(const Item& line, int64_t begin, int64_t length, int64_t count) const;
  void scan_some(int worker, const Item& line, const int64_t* offsets, int64_t count);
  void scan_by_stage(int worker, const Item& line, const int64_t* offsets, int64_t count);
  Item segment_of(const Item& item, Cut cut) const;
  int64_t first_from(int64_t element) const;

  const Plan& plan_;
  const Request& request_;
  const char* const x_;
  char* const y_;
  const Kernels& kernels_;
  const KernelSet& set_;       // of the elements that the kernels see, packed or not
  const ScanPiece scan_;       // of the walk
  const ScanPiece scan_pair_;  // of two columns in a buffer; null where it has nothing for these
  const ScanPiece add_up_;
  const ScanPiece pack_, unpack_;
  const int64_t y_size_, packed_size_;
  const int64_t panel_carry_, panel_chain_, panel_total_;  // bytes of a panel's
  const int64_t chain_step_;  // from one line's chain to the next one's
  const PackShape pack_shape_;
  const int64_t filled_room_;  // elements of the buffers that `fill` passes by
  const bool aligned_;
  const Exactly exactly_;
  Patience patience_;
  std::vector<Workspace> workspaces_;
  // When the axis is split: the carries into each unit and, behind them, the chains; and whether
  // they are known.
  enum CarryState : char { missing, taken, ready };
  Buffer carries_;
  std::vector<std::atomic<char>> carry_states_;
  std::atomic<int> present_{0};  // workers that have begun
  std::atomic<bool> exceeded_{false};
  const ScanShort scan_short_;  // segments of a few elements; null where it has nothing for these
  const int64_t longest_;       // elements of a segment that is left for later
  std::mutex mutex_;
  std::vector<Cut> long_;
};

}  // namespace cumsum
