// One scan under way: what its workers share, and what each has for itself.
#pragma once

#include <algorithm>
#include <atomic>
#include <cassert>
#include <vector>

#include "masks.h"
#include "scan.h"

namespace cumsum {

// Bytes from the beginning of a cache line on: what is moved by vectors as wide as one would else
// be in two of them each time.
class Buffer {
 public:
  void resize(int64_t size) {
    lines_.resize((size + sizeof(Line) - 1) / sizeof(Line));
    size_ = size;
  }
  int64_t size() const { return size_; }
  char* data() { return reinterpret_cast<char*>(lines_.data()); }
  const char* data() const { return reinterpret_cast<const char*>(lines_.data()); }

 private:
  struct alignas(64) Line {
    char bytes[64];
  };
  std::vector<Line> lines_;
  int64_t size_ = 0;
};

// What a worker needs for itself.
struct Workspace {
  Buffer carry, chain;  // of a panel's lines
  Buffer packed;        // elements on their way in or out
  // When the axis is split: the sums of a block's tiles, those of another worker's block, and the
  // block's input if that must be packed.
  Buffer aggregates, others, block;
  // Where elements add nothing: those on their way into the buffer, their mask, and what it says of
  // the elements that are in there.
  Buffer staged, mask, kept;
};

// Whether the elements that are written to `to` lie in a buffer: asserted wherever one is filled.
inline bool holds(const Buffer& buffer, const Piece& to, int64_t size) {
  const int64_t scan = (to.length - 1) * to.y_scan, line = (to.lines - 1) * to.y_line;
  const char* const low = to.y + std::min<int64_t>(scan, 0) + std::min<int64_t>(line, 0);
  const char* const high = to.y + std::max<int64_t>(scan, 0) + std::max<int64_t>(line, 0) + size;
  return buffer.data() <= low && high <= buffer.data() + buffer.size();
}

// A claimed piece of work: some lines side by side, elements [begin, begin + length) of each.
struct Unit {
  const char* x;        // of element x_begin of the first line
  char* y;              // of element 0
  const char* initial;  // of the first line
  const char* mask;     // as y; null where all elements count
  int64_t x_begin, x_scan, x_line;
  bool pack_x, skipna;
  int64_t lines, begin, length;
};

class Run {
 public:
  Run(const Plan& plan, const Kernels& kernels, const Operands& operands, Interrupted interrupted,
      void* context);

  Status operator()();

 private:
  static void work(void* self, int worker) noexcept;
  Unit place(int64_t index) const;
  void set_carries(const Unit& unit, char* carry) const;  // to what the lines begin with

  // Lines that go on from records (resume.cpp). The chains are zero where `chain` is null.
  void get_records(const Unit& unit, char* carry, char* chain) const;
  void put_records(const Unit& unit, char* carry, char* chain) const;
  void step_lines(const Unit& unit) const;

  // Any elements of a unit's lines (lines.cpp). The lines are fresh where `carry` is null; else the
  // chains are the workspace's.
  void scan_lines(Workspace& space, const Unit& unit, int64_t begin, int64_t length, char* carry);
  void scan_packed(Workspace& space, const Piece& whole, bool pack_x);
  void scan_whole(int worker, const Unit& unit);
  bool comes_in_repeats() const;
  int64_t scan_repeats(const Unit& unit, int64_t index, int64_t most) const;
  Piece part_of(const Unit& unit, int64_t begin, int64_t length) const;
  bool can_stream(const Piece& piece) const;
  bool are_aligned() const;
  bool comes_staged(const Piece& piece) const;
  // In columns the two parts of a complex number are two lines.
  Piece with_channels(Piece piece) const;

  // The way into a buffer and out of one (filled.cpp, where elements add nothing).
  void pack(Workspace& space, const Piece& piece) const {
    plan_.holes ? fill(space, piece) : pack_(piece);
  }
  void make_room_for_holes(Workspace& space) const;
  char* kept_of(Workspace& space, const char* packed) const;
  void fill(Workspace& space, Piece piece) const;
  void fill_part(Workspace& space, const Piece& part) const;
  void show(Workspace& space, Piece from, Piece piece) const;

  // A block of an axis that is shared out (split.cpp).
  void scan_block(Workspace& space, Unit unit, int64_t index);
  void pack_block(Workspace& space, Unit& unit);
  void add_up_tiles(Workspace& space, const Unit& unit, char* sums);
  void put_totals(Workspace& space, Unit unit);  // aggregate.cpp
  bool has_carry(int64_t index) const;
  bool wait_for_carry(Workspace& space, int64_t index);
  bool help(Workspace& space, int64_t index);
  void publish(Workspace& space, const Unit& unit, int64_t index, const char* sums);
  void publish_carry(int64_t index, const char* carry);

  const Plan& plan_;
  const char* const x_;
  char* const y_;
  const char* const initial_;  // the records where lines go on from some
  const char* const mask_;
  char* const records_;  // where those of their ends go
  const Kernels& kernels_;
  const KernelSet& set_;           // of the elements that the kernels see, packed or not
  const ScanPiece scan_, add_up_;  // of the walk
  const ScanPiece pack_, unpack_;
  const bool exclusive_;
  const int64_t y_size_, packed_size_;
  const int channels_;
  const int64_t panel_carry_, panel_chain_;  // bytes of a panel's carries and chains
  const PackShape pack_shape_;
  const int64_t filled_room_;  // elements of the buffers that `fill` passes by
  const bool aligned_;
  Patience patience_;
  std::vector<Workspace> workspaces_;
  // When the axis is split: the carry into each unit, and whether that is known.
  enum CarryState : char { missing, taken, ready };
  std::vector<char> carries_;
  std::vector<std::atomic<char>> carry_states_;
  std::atomic<int64_t> next_{0};
  std::atomic<int> present_{0};  // workers that have begun
};

}  // namespace cumsum
