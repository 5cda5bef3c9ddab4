// Decayed columns: as many lines side by side as a vector has lanes, a group of rows at a time.
#pragma once

#include "decay_lines.h"
#include "policy.h"

namespace cumsum {
namespace {

// D is what decays are stored as. `shared`: they are the same for all lines.
template <class R, class D, bool shared>
struct DecayColumns : DecayLines<R> {
  using Lines = DecayLines<R>;
  static constexpr int widest = lanes_of<double, vector_bytes>;

  template <int L>
  static inline Vector<double, L> load_decay(const char* at) {
    if constexpr (shared) {
      return all_lanes<double, L>(read<double>(at));
    } else {
      return load<double, L, D>(at);
    }
  }

  // L lines of a whole group, quickly if nothing about them is unusual.
  template <int L>
  [[gnu::always_inline]] static inline void scan_whole(const Piece& p, const char* decay,
                                                       int64_t line) {
    using V = Vector<double, L>;
    V sums[group_size], weights[group_size];
    Unusual<L> unusual;
    const char* x = p.x + line * int64_t{sizeof(R)};
    if (p.x_ahead) fetch(p, line, x, decay);
    CUMSUM_UNROLL
    for (int r = 0; r < group_size; ++r, x += p.x_scan, decay += p.decay_scan) {
      sums[r] = load<double, L, R>(x);
      weights[r] = load_decay<L>(decay);
      unusual.see_term(sums[r]);
      unusual.see_decay(weights[r]);
    }
    if (!unusual.any())
      return Lines::template finish<L>(p, line, group_size, sums, weights, nullptr);
    V decays[group_size];  // what has its address taken is a copy: it is in memory
    CUMSUM_UNROLL
    for (int r = 0; r < group_size; ++r) decays[r] = weights[r];
    Lines::template scan_any<L>(p, line, decays);
  }

  template <int L>
  static void scan_some(const Piece& p, const char* decay, int64_t line) {
    Vector<double, L> decays[group_size] = {};
    for (int r = 0; r < p.length; ++r) decays[r] = load_decay<L>(decay + r * p.decay_scan);
    Lines::template scan_any<L>(p, line, decays);
  }

  // Rows are too short for the hardware to foresee the next ones. float64 (2048, 4096) along dim 0,
  // a decay for each element, one thread of an Emerald Rapids: 1.88 ns an element, 1.71 with this.
  [[gnu::always_inline]] static inline void fetch(const Piece& p, int64_t line, const char* x,
                                                  const char* decay) {
    if (begins_cache_line<R>(line)) {
      CUMSUM_UNROLL
      for (int r = 0; r < group_size; ++r) __builtin_prefetch(x + p.x_ahead + r * p.x_scan);
    }
    if (!shared && begins_cache_line<D>(line)) {
      CUMSUM_UNROLL
      for (int r = 0; r < group_size; ++r) {
        __builtin_prefetch(decay + (group_size + r) * p.decay_scan);
      }
    }
  }

  // As many lines of a group at a time as there are lanes; then half as many, and so on.
  template <int L = widest>
  static inline void scan_strips(const Piece& p, int64_t line = 0) {
    for (; line + L <= p.lines; line += L) {
      const char* const decay = p.decay + (shared ? 0 : line * int64_t{sizeof(D)});
      p.length == group_size ? scan_whole<L>(p, decay, line) : scan_some<L>(p, decay, line);
    }
    if constexpr (L > 1) {
      if (line < p.lines) scan_strips<L / 2>(p, line);
    }
  }

  // But for the last results, which are those of the tile before.
  static void begin(const Piece& p) {
    for (int64_t line = 0; line < p.lines; ++line) {
      write(plane_at(p, 1, line), 0.0);
      write(plane_at(p, 2, line), 1.0);
    }
  }

  static void close(const Piece& p) {
    for (int64_t line = 0; line < p.lines; ++line) {
      char* const carry = p.carry + line * int64_t{sizeof(double)};
      write(carry, close_tile(read<double>(carry), load_state(p, line)));
    }
  }

  // Calls `function` for one group of the piece after another, `y_step` bytes apart.
  static void each_group(Piece group, int64_t y_step, auto function) {
    for (int64_t left = group.length; left > 0; left -= group_size) {
      group.length = left < group_size ? left : group_size;
      group.x_ahead = group.stream && left >= 2 * group_size ? group_size * group.x_scan : 0;
      function(group);
      group.x += group_size * group.x_scan;
      group.decay += group_size * group.decay_scan;
      group.y += y_step;
      group.position += group_size;
    }
  }

  // Rows on their way past the cache are gathered where they are quickly written.
  static void scan(const Piece& p) {
    constexpr int64_t gap = 64;  // rows of 4096 bytes would fall into the same sets of the cache
    alignas(64) char stage[policy::stage_bytes + group_size * gap];
    const int64_t row_bytes = p.lines * int64_t{sizeof(R)};
    const bool staged = p.stream && p.y && group_size * row_bytes <= policy::stage_bytes;
    Piece to = p;
    if (staged) {
      to.y = stage;
      to.y_scan = row_bytes + gap;
    }
    char* y = p.y;
    each_group(to, staged || !p.y ? 0 : group_size * p.y_scan, [&](const Piece& group) {
      if (Lines::begins_tile(group)) begin(group);
      scan_strips(group);
      for (int64_t r = 0; staged && r < group.length; ++r, y += p.y_scan) {
        copy_past_cache(y, stage + r * to.y_scan, row_bytes);
      }
      const bool whole = group.length == group_size;
      if (whole && (group.position + group_size) % tile_size == 0) close(p);
    });
  }

  static void add_up(const Piece& p) {
    Piece tile = p;
    tile.y = nullptr;
    tile.adds_up = true;
    tile.position = 0;
    tile.length = tile_size;
    begin(tile);
    each_group(tile, 0, [](const Piece& group) { scan_strips(group); });
    for (int64_t line = 0; line < p.lines; ++line) {
      const Decayed sums = load_state(p, line);
      const double last =
          load<double, 1, R>(p.x + (tile_size - 1) * p.x_scan + line * int64_t{sizeof(R)});
      write(p.carry + line * int64_t{sizeof(DecayTotal)},
            DecayTotal{sums.local, sums.product, last == 0 && __builtin_signbit(last)});
    }
  }
};

}  // namespace
}  // namespace cumsum
