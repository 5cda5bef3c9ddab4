// Lines side by side: each lane is a line of its own, a group lies across eight vectors.
#pragma once

#include "decay.h"
#include "policy.h"

namespace cumsum {
namespace {

// D is what decays are stored as. `shared`: they are the same for all lines.
template <class R, class D, bool shared>
struct DecayColumns {
  static constexpr int widest = lanes_of<double, vector_bytes>;

  template <int L>
  static inline Vector<double, L> load_decay(const char* at) {
    if constexpr (shared) {
      return all_lanes<double, L>(read<double>(at));
    } else {
      return load<double, L, D>(at);
    }
  }
  static const char* decay_at(const Piece& p, int64_t row, int64_t line) {
    return p.decay + row * p.decay_scan + (shared ? 0 : line * int64_t{sizeof(D)});
  }
  static bool begins_tile(const Piece& group) { return group.position % tile_size == 0; }

  // What lines begin a tile with.
  template <int L>
  static inline Vector<double, L> carry_of(const Piece& p, int64_t line) {
    if (p.adds_up) return Vector<double, L>{};
    return read<Vector<double, L>>(p.carry + line * int64_t{sizeof(double)});
  }

  // One line of a group that must go one element after another.
  static void scan_lane(const Piece& p, int64_t line) {
    double values[group_size], decays[group_size];
    const int64_t at = line * int64_t{sizeof(R)};
    const int rows = static_cast<int>(p.length);
    for (int r = 0; r < rows; ++r) {
      values[r] = load<double, 1, R>(p.x + r * p.x_scan + at);
      decays[r] = load_decay<1>(decay_at(p, r, line));
    }
    Decayed sums = load_state(p, line);
    double before = sums.total;
    if (begins_tile(p)) sums.total = carry_of<1>(p, line);
    if (p.position == 0) before = sums.total;
    scan_apart(values, decays, rows, sums);
    store_state(p, line, sums);
    for (int r = 0; p.y && r < rows; ++r) {
      store<R, double, 1>(p.y + r * p.y_scan + at, p.exclusive ? before : values[r]);
      before = values[r];
    }
  }

  // L lines of a whole group, if nothing about them is unusual; or of any, if their decays are
  // steady. What is carried after less than a group matters to nobody.
  template <int L, bool usual>
  [[gnu::always_inline]] static inline void scan_lines(const Piece& p, int64_t line) {
    using V = Vector<double, L>;
    const int rows = usual ? group_size : static_cast<int>(p.length);
    V sums[group_size], weights[group_size];
    Unusual<L> unusual;
    const char *x = p.x + line * int64_t{sizeof(R)}, *decay = decay_at(p, 0, line);
    if (usual && p.x_ahead) fetch(p, x, decay);
    CUMSUM_UNROLL
    for (int r = 0; r < group_size; ++r, x += p.x_scan, decay += p.decay_scan) {
      sums[r] = r < rows ? load<double, L, R>(x) : V{};
      weights[r] = r < rows ? load_decay<L>(decay) : V{};
      unusual.see_term(sums[r]);
      unusual.see_decay(weights[r]);
    }
    if (usual && unusual.any()) return scan_any<L>(p, line);
    CUMSUM_UNROLL
    for (int d = 1; d < group_size; d *= 2) {
      CUMSUM_UNROLL
      for (int r = 0; r < group_size; ++r) {
        if ((r & d) == 0) continue;
        sums[r] += weights[r] * sums[tree_source(r, d)];
        weights[r] *= weights[tree_source(r, d)];
      }
    }
    char *const total_at = plane_at(p, 0, line), *const local_at = plane_at(p, 1, line),
                *const product_at = plane_at(p, 2, line);
    // The last result, which a carry is not to the bit, is what exclusive ones begin with.
    const V before = read<V>(total_at), total = begins_tile(p) ? carry_of<L>(p, line) : before;
    const V first = p.position == 0 ? total : before, weight = weights[group_size - 1];
    write(local_at, V(weight * read<V>(local_at) + sums[group_size - 1]));
    write(product_at, V(read<V>(product_at) * weight));
    CUMSUM_UNROLL
    for (int r = 0; r < group_size; ++r) sums[r] = weights[r] * total + sums[r];
    if constexpr (!usual) sign_zeros<L>(p, line, total, sums);
    write(total_at, sums[group_size - 1]);
    if (p.y == nullptr) return;
    char* const y = p.y + line * int64_t{sizeof(R)};
    if (p.exclusive) {
      store_rows<L>(y, p.y_scan, rows, first, sums[0], sums[1], sums[2], sums[3], sums[4], sums[5],
                    sums[6]);
    } else {
      store_rows<L>(y, p.y_scan, rows, sums[0], sums[1], sums[2], sums[3], sums[4], sums[5],
                    sums[6], sums[7]);
    }
  }

  // Rows are too short for the hardware to foresee the next ones. float64 (2048, 4096) along dim 0,
  // a decay for each element, one thread of an Emerald Rapids: 1.88 ns an element, 1.71 with this.
  [[gnu::always_inline]] static inline void fetch(const Piece& p, const char* x,
                                                  const char* decay) {
    CUMSUM_UNROLL
    for (int r = 0; r < group_size; ++r) {
      __builtin_prefetch(x + p.x_ahead + r * p.x_scan);
      if constexpr (!shared) __builtin_prefetch(decay + (group_size + r) * p.decay_scan);
    }
  }

  template <int L>
  [[gnu::always_inline]] static inline void store_rows(char* y, int64_t scan, int rows,
                                                       auto... results) {
    int r = 0;
    ((r++ < rows ? store<R, double, L>(y, results), y += scan : y), ...);
  }

  // L lines, whatever is in them.
  template <int L>
  [[gnu::noinline]] static void scan_any(const Piece& p, int64_t line) {
    bool steady = true;
    for (int r = 0; r < p.length; ++r) {
      steady &= !any_lane(is_steady(load_decay<L>(decay_at(p, r, line))) == 0);
    }
    if (steady) return scan_lines<L, false>(p, line);
    for (int lane = 0; lane < L; ++lane) scan_lane(p, line + lane);
  }

  // Gives the zeros among the results, which follow `before`, their signs.
  template <int L>
  static inline void sign_zeros(const Piece& p, int64_t line, Vector<double, L> before,
                                Vector<double, L>* sums) {
    for (int r = 0; r < p.length; ++r) {
      const auto x = load<double, L, R>(p.x + r * p.x_scan + line * int64_t{sizeof(R)});
      before = sums[r] = with_sign(sums[r], x, load_decay<L>(decay_at(p, r, line)), before);
    }
  }

  // As many lines of a group at a time as there are lanes; then half as many, and so on.
  template <int L = widest>
  static inline void scan_strips(const Piece& p, int64_t line = 0) {
    for (; line + L <= p.lines; line += L) {
      if (p.length == group_size) {
        scan_lines<L, true>(p, line);
      } else {
        scan_any<L>(p, line);
      }
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
      if (begins_tile(group)) begin(group);
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
