// One decayed scan under way.
#pragma once

#include <atomic>
#include <vector>

#include "decayed.h"

namespace cumsum {

class DecayRun {
 public:
  DecayRun(const DecayProblem& problem, Interrupted interrupted, void* context);

  Status operator()();

 private:
  struct Workspace {
    std::vector<double> carries;  // of a unit's lines, into a tile
    std::vector<double> state;    // the arrays of a DecayState
    // Of each tile of a block, local and product; and those of another worker's block.
    std::vector<double> tiles, others;
    std::vector<char> x, y, decay;  // elements on their way in or out
  };
  // Some lines side by side, and a block of their axis.
  struct Unit {
    const char *x, *decay;
    char* y;
    int64_t first, lines;  // of all lines, the axes outside included
    int64_t begin, end;    // elements
  };

  static void work(void* self, int worker) noexcept;
  void plan();
  void plan_walk();
  Unit place(int64_t index) const;
  void scan_unit(Workspace& space, const Unit& unit, int worker);
  void scan_block(Workspace& space, const Unit& unit, int64_t index);
  void begin_unit(Workspace& space, const Unit& unit);
  void begin_tile(Workspace& space, const Unit& unit);
  void scan_tile(Workspace& space, const Unit& unit, int64_t begin, bool stores);
  void scan_packed(Workspace& space, const DecayPiece& whole);
  void scan_packed_part(Workspace& space, const DecayPiece& part);
  void close_tile(Workspace& space, const Unit& unit);
  bool has_carry(int64_t index) const;
  bool wait_for_carry(Workspace& space, const Unit& unit, int64_t index);
  bool help(Workspace& space, const Unit& unit, int64_t index);
  void publish(Workspace& space, const Unit& unit, int64_t index);
  void add_up(Workspace& space, const Unit& unit);
  bool carry_through(Workspace& space, const Unit& unit, int64_t tile);
  DecayState state_of(Workspace& space) const;

  const DecayProblem problem_;
  const Kernels& kernels_;
  const DecayKernels& decays_;
  Patience patience_;
  ScanDecayed kernel_;
  int64_t size_, decay_size_;
  bool rows_, pack_x_, pack_y_, pack_decay_, stream_;
  int64_t step_;            // rows: 1 or -1
  int64_t panel_, panels_;  // lines of a unit
  int64_t block_, blocks_;  // elements of a unit
  int64_t units_;
  int workers_;
  std::vector<Workspace> workspaces_;
  // When the axis is shared out: the carries into each unit, and whether they are known.
  enum Known : char { missing, taken, ready };
  std::vector<double> carries_;
  std::vector<std::atomic<char>> known_;
  std::atomic<int64_t> next_{0};
};

}  // namespace cumsum
