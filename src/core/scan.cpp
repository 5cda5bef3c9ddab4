// The three steps: aggregates of the tiles, carries from tile to tile, tiles scanned with their
// carry.
//
// Where there are lines enough, a worker scans whole lines and the carry stays with it. Where there
// are few, the axis is split (Merrill and Garland, Single-pass Parallel Prefix Scan, 2016, with a
// fixed order): workers claim blocks of tiles in order; for each block they
//   1. sum every tile by itself, which brings the block into the cache,
//   2. wait for the block's carry, add the tiles' sums to it one by one and pass it on,
//   3. scan the block with its carry, out of the cache.
// A tile's sum and the order in which the sums are added don't depend on who does it, so neither do
// the bits of the result.
#include "scan.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#include "policy.h"
#include "threads.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace cumsum {
namespace {

constexpr std::chrono::milliseconds interrupt_period{50};

inline void pause() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

// What each worker needs for itself.
struct Workspace {
  std::vector<char> carry, chain;  // of a panel
  std::vector<char> aggregates;    // of a block's tiles
  std::vector<char> packed;        // a piece of a panel
  std::vector<char> block;         // all of a block's input, packed once for both its passes
};

class Run {
 public:
  Run(const Plan& plan, const Kernels& kernels, const char* x, char* y, Interrupted interrupted,
      void* context)
      : plan_(plan),
        x_(x + plan.x_offset),
        y_(y + plan.y_offset),
        pair_(kernels.pairs[int(plan.pack_x ? plan.y_dtype : plan.x_dtype)][int(plan.y_dtype)]),
        pack_(kernels.copy[int(plan.x_dtype)][int(plan.y_dtype)]),
        unpack_(kernels.copy[int(plan.y_dtype)][int(plan.y_dtype)]),
        y_size_(item_size(plan.y_dtype)),
        channels_(plan.y_dtype >= DType::complex64 ? 2 : 1),
        panel_carry_(plan.panel * pair_.carry_size),
        packing_(plan.pack_x || plan.pack_y),
        pack_shape_(pack_shape(plan)),
        interrupted_(interrupted),
        context_(context),
        workspaces_(plan.workers) {
    for (Workspace& space : workspaces_) {
      space.carry.resize(panel_carry_);
      space.chain.resize(panel_carry_);
      if (packing_) {
        space.packed.resize(pack_shape_.lines *
                            (pack_shape_.length * y_size_ + policy::packed_padding));
      }
      if (plan.split) space.aggregates.resize(plan.block / tile_size * panel_carry_);
      if (plan.split && plan.pack_x) space.block.resize(plan.block * plan.panel * y_size_);
    }
    if (plan.split) {
      carries_.resize(plan.units * panel_carry_);
      ready_ = std::vector<std::atomic<bool>>(plan.units);
    }
  }

  bool operator()() {
    last_asked_ = std::chrono::steady_clock::now();
    run_parallel(plan_.workers, &Run::job, this);
    return !stop_;
  }

 private:
  static void job(void* self, int worker) noexcept { static_cast<Run*>(self)->work(worker); }

  void work(int worker) {
    for (;;) {
      const int64_t first = next_.fetch_add(plan_.grain, std::memory_order_relaxed);
      if (first >= plan_.units || asked_to_stop(worker)) break;
      const int64_t last = std::min(first + plan_.grain, plan_.units);
      for (int64_t unit = first; unit < last; ++unit) scan_unit(worker, unit);
    }
#if defined(__x86_64__)
    if (plan_.stream) _mm_sfence();
#endif
  }

  bool asked_to_stop(int worker) {
    if (worker == 0 && interrupted_) {
      auto now = std::chrono::steady_clock::now();
      if (now - last_asked_ > interrupt_period) {
        last_asked_ = now;
        if (interrupted_(context_)) stop_.store(true, std::memory_order_relaxed);
      }
    }
    return stop_.load(std::memory_order_relaxed);
  }

  // A unit: where its lines lie, and its part [begin, begin + length) of the scan axis.
  struct Unit {
    const char* x;  // of element x_begin
    char* y;        // of element 0
    int64_t x_begin, x_scan, x_line;
    bool pack_x;
    int64_t lines, begin, length;
  };

  Unit place(int64_t index) const {
    const int64_t block = index % plan_.blocks;
    int64_t rest = index / plan_.blocks;
    int64_t panel, outer;
    if (plan_.outer_first) {
      outer = rest % plan_.outer_size;
      panel = rest / plan_.outer_size;
    } else {
      panel = rest % plan_.panels;
      outer = rest / plan_.panels;
    }
    const int64_t line = panel * plan_.panel;
    Unit unit;
    unit.lines = std::min(plan_.panel, plan_.inner.size - line);
    unit.begin = block * plan_.block;
    unit.length = std::min(plan_.block, plan_.scan.size - unit.begin);
    int64_t x = line * plan_.inner.x_stride, y = line * plan_.inner.y_stride;
    for (int d = plan_.outer_dims - 1; d >= 0; --d) {
      const Axis& axis = plan_.outer[d];
      const int64_t i = outer % axis.size;
      outer /= axis.size;
      x += i * axis.x_stride;
      y += i * axis.y_stride;
    }
    unit.x = x_ + x;
    unit.y = y_ + y;
    unit.x_begin = 0;
    unit.x_scan = plan_.scan.x_stride;
    unit.x_line = plan_.inner.x_stride;
    unit.pack_x = plan_.pack_x;
    return unit;
  }

  void scan_unit(int worker, int64_t index) {
    Workspace& space = workspaces_[worker];
    Unit unit = place(index);
    const Store store = plan_.kind == Kind::exclusive ? Store::exclusive : Store::inclusive;
    if (plan_.split) {
      if (unit.pack_x) pack_block(space, unit);
      if (!pass_carry_on(space, unit, index)) return;
      std::memcpy(space.carry.data(), &carries_[index * panel_carry_], panel_carry_);
      std::memset(space.chain.data(), 0, panel_carry_);
      scan_lines(space, unit, unit.begin, unit.length, store, space.carry.data());
    } else {
      scan_whole(worker, unit, store);
    }
  }

  // Whole lines, in pieces short enough to be interrupted between them.
  void scan_whole(int worker, const Unit& unit, Store store) {
    Workspace& space = workspaces_[worker];
    const int64_t tiles = policy::piece_elements / (tile_size * unit.lines);
    const int64_t length = tile_size * std::max<int64_t>(1, tiles);
    if (plan_.walk == Walk::rows && unit.length <= length && !packing_) {
      scan_lines(space, unit, 0, unit.length, store, nullptr);
      return;
    }
    std::memset(space.carry.data(), 0, panel_carry_);
    std::memset(space.chain.data(), 0, panel_carry_);
    for (int64_t i = 0; i < unit.length; i += length) {
      if (i > 0 && asked_to_stop(worker)) return;
      scan_lines(space, unit, i, std::min(length, unit.length - i), store, space.carry.data());
    }
  }

  // From here on the unit's input is its packed copy.
  void pack_block(Workspace& space, Unit& unit) {
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
  bool pass_carry_on(Workspace& space, const Unit& unit, int64_t index) {
    const int64_t tiles = unit.length / tile_size;
    const bool last = unit.begin + unit.length == plan_.scan.size;
    if (!last) add_up_tiles(space, unit, tiles);
    if (unit.begin > 0 && !wait_for(ready_[index])) return false;
    if (!last) {
      char* carry = &carries_[(index + 1) * panel_carry_];
      std::memcpy(carry, &carries_[index * panel_carry_], panel_carry_);
      for (int64_t tile = 0; tile < tiles; ++tile) {
        pair_.add(carry, &space.aggregates[tile * panel_carry_], unit.lines * channels_);
      }
      ready_[index + 1].store(true, std::memory_order_release);
    }
    return true;
  }

  void add_up_tiles(Workspace& space, const Unit& unit, int64_t tiles) {
    char* sums = space.aggregates.data();
    std::memset(sums, 0, tiles * panel_carry_);
    for (int64_t tile = 0; tile < tiles; ++tile, sums += panel_carry_) {
      Piece piece = part_of(unit, unit.begin + tile * tile_size, tile_size);
      piece.carry = sums;
      piece.chain = space.chain.data();
      if (plan_.walk == Walk::columns) {
        std::memset(piece.chain, 0, panel_carry_);
      } else if (unit.lines == 1) {  // the tiles are as good as lines
        piece.lines = tiles;
        piece.x_line = tile_size * unit.x_scan;
        tile = tiles;
      }
      kernel(Store::nothing)(with_channels(piece));
    }
  }

  bool wait_for(const std::atomic<bool>& ready) {
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

  // Elements [begin, begin + length) of a unit's lines. The lines are fresh where `carry` is null;
  // else the chains are the workspace's.
  void scan_lines(Workspace& space, const Unit& unit, int64_t begin, int64_t length, Store store,
                  char* carry) {
    Piece piece = part_of(unit, begin, length);
    piece.carry = carry;
    piece.chain = carry ? space.chain.data() : nullptr;
    if (!unit.pack_x && !plan_.pack_y) {
      kernel(store)(with_channels(piece));
      return;
    }
    for (int64_t line = 0; line < unit.lines; line += pack_shape_.lines) {
      Piece some = piece;
      some.x += line * piece.x_line;
      some.y += line * piece.y_line;
      some.carry += line * pair_.carry_size;
      some.chain += line * pair_.carry_size;
      some.lines = std::min(pack_shape_.lines, unit.lines - line);
      scan_packed(space, some, unit.pack_x, store);
    }
  }

  Piece part_of(const Unit& unit, int64_t begin, int64_t length) const {
    const Axis &scan = plan_.scan, &inner = plan_.inner;
    Piece piece{};
    piece.x = unit.x + (begin - unit.x_begin) * unit.x_scan;
    piece.y = unit.y + begin * scan.y_stride;
    piece.x_scan = unit.x_scan;
    piece.y_scan = scan.y_stride;
    piece.x_line = unit.x_line;
    piece.y_line = inner.y_stride;
    piece.length = length;
    piece.lines = unit.lines;
    piece.position = begin;
    piece.stream = plan_.stream && reinterpret_cast<uintptr_t>(piece.y) % 16 == 0 &&
                   (plan_.walk == Walk::rows ? piece.lines == 1 || inner.y_stride % 16 == 0
                                             : scan.y_stride % 16 == 0);
    return piece;
  }

  void scan_packed(Workspace& space, const Piece& whole, bool pack_x, Store store) {
    Piece packed = whole;  // the buffer's own strides
    packed.x = packed.y = space.packed.data();
    if (plan_.walk == Walk::columns) {
      packed.x_line = packed.y_line = y_size_;
      packed.x_scan = packed.y_scan = whole.lines * y_size_;
    } else {
      packed.x_scan = packed.y_scan = y_size_;
      packed.x_line = packed.y_line = pack_shape_.length * y_size_ + policy::packed_padding;
    }
    for (int64_t i = 0; i < whole.length; i += pack_shape_.length) {
      Piece part = whole;
      part.x += i * whole.x_scan;
      part.y += i * whole.y_scan;
      part.length = std::min(pack_shape_.length, whole.length - i);
      part.position += i;
      const Piece outside = part;
      if (pack_x) {
        pack_(between(part, packed, part));
        part.x = packed.x;
        part.x_scan = packed.x_scan;
        part.x_line = packed.x_line;
      }
      if (plan_.pack_y) {
        part.y = packed.y;
        part.y_scan = packed.y_scan;
        part.y_line = packed.y_line;
      }
      kernel(store)(with_channels(part));
      if (plan_.pack_y) unpack_(between(packed, outside, part));
    }
  }

  // The copy from where `from` reads to where `to` writes, of as many elements as `shape` has.
  static Piece between(const Piece& from, const Piece& to, const Piece& shape) {
    Piece piece = shape;
    piece.x = from.x;
    piece.x_scan = from.x_scan;
    piece.x_line = from.x_line;
    piece.y = to.y;
    piece.y_scan = to.y_scan;
    piece.y_line = to.y_line;
    return piece;
  }

  ScanPiece kernel(Store store) const {
    const int s = static_cast<int>(store);
    if (plan_.walk == Walk::columns) return pair_.columns[s];
    return plan_.reversed ? pair_.reversed[s] : pair_.rows[s];
  }

  // In columns the two parts of a complex number are two lines.
  Piece with_channels(Piece piece) const {
    if (plan_.walk == Walk::columns) piece.lines *= channels_;
    return piece;
  }

  const Plan& plan_;
  const char* const x_;
  char* const y_;
  const PairKernels& pair_;
  const ScanPiece pack_, unpack_;
  const int64_t y_size_;
  const int channels_;
  const int64_t panel_carry_;
  const bool packing_;
  const PackShape pack_shape_;
  const Interrupted interrupted_;
  void* const context_;
  std::chrono::steady_clock::time_point last_asked_;
  std::vector<Workspace> workspaces_;
  std::vector<char> carries_;
  std::vector<std::atomic<bool>> ready_;
  std::atomic<int64_t> next_{0};
  std::atomic<bool> stop_{false};
};

// Contiguous lines that one worker scans at once need none of the above.
bool is_plain(const Plan& plan) {
  return plan.units == 1 && plan.walk == Walk::rows && !plan.pack_x && !plan.pack_y &&
         plan.scan.size * plan.inner.size <= policy::piece_elements;
}

void run_plain(const Plan& plan, const Kernels& kernels, const char* x, char* y) {
  const PairKernels& pair = kernels.pairs[int(plan.x_dtype)][int(plan.y_dtype)];
  const auto& scans = plan.reversed ? pair.reversed : pair.rows;
  Piece piece{};
  piece.x = x + plan.x_offset;
  piece.y = y + plan.y_offset;
  piece.x_line = plan.inner.x_stride;
  piece.y_line = plan.inner.y_stride;
  piece.length = plan.scan.size;
  piece.lines = plan.inner.size;
  scans[static_cast<int>(plan.kind == Kind::exclusive ? Store::exclusive : Store::inclusive)](
      piece);
}

}  // namespace

Status run(const Plan& plan, const Kernels& kernels, const void* x, void* y,
           Interrupted interrupted, void* context) noexcept {
  if (plan.units == 0) return Status::done;
  if (is_plain(plan)) {
    run_plain(plan, kernels, static_cast<const char*>(x), static_cast<char*>(y));
    return Status::done;
  }
  try {
    Run scan(plan, kernels, static_cast<const char*>(x), static_cast<char*>(y), interrupted,
             context);
    return scan() ? Status::done : Status::interrupted;
  } catch (const std::bad_alloc&) {
    return Status::out_of_memory;
  }
}

}  // namespace cumsum
