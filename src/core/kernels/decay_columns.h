// Lines side by side: each lane is a line of its own, a group lies across eight vectors.
#pragma once

#include "decay.h"

namespace cumsum {
namespace {

template <class R>
struct DecayColumns {
  static constexpr int widest = lanes_of<double, vector_bytes>;

  // Where decays are the same for all lines their strides say so.
  template <int L>
  static inline Vector<double, L> load_decay(const Piece& p, int64_t row, int64_t line) {
    const char* const at = p.decay + row * p.decay_scan;
    if (p.own_decays) return load<double, L, R>(at + line * int64_t{sizeof(R)});
    if (p.decay_line == 0) return all_lanes<double, L>(read<double>(at));
    return read<Vector<double, L>>(at + line * int64_t{sizeof(double)});
  }

  // What lines begin a tile with.
  template <int L>
  static inline Vector<double, L> carry_of(const Piece& p, int64_t line) {
    if (p.adds_up) return Vector<double, L>{};
    return read<Vector<double, L>>(p.carry + line * int64_t{sizeof(double)});
  }

  // One line of a group that must go one element after another.
  static void scan_lane(const Piece& p, int64_t row, int64_t line, int rows, bool begins) {
    double values[group_size], decays[group_size];
    const int64_t at = line * int64_t{sizeof(R)};
    for (int r = 0; r < rows; ++r) {
      values[r] = load<double, 1, R>(p.x + (row + r) * p.x_scan + at);
      decays[r] = load_decay<1>(p, row + r, line);
    }
    Decayed sums = load_state(p, line);
    double before = sums.total;
    if (begins) sums.total = carry_of<1>(p, line);
    if (p.position + row == 0) before = sums.total;
    scan_apart(values, decays, rows, sums);
    store_state(p, line, sums);
    for (int r = 0; p.y && r < rows; ++r) {
      store<R, double, 1>(p.y + (row + r) * p.y_scan + at, p.exclusive ? before : values[r]);
      before = values[r];
    }
  }

  // `rows` elements of L lines, at most a group, if nothing about them is unusual or if that has
  // been seen to; what is carried after less matters to nobody.
  template <int L, bool usual>
  [[gnu::always_inline]] static inline void scan_group(const Piece& p, int64_t row, int64_t line,
                                                       int rows, bool begins) {
    using V = Vector<double, L>;
    const int64_t at = line * int64_t{sizeof(R)};
    V sums[group_size], weights[group_size];
    Unusual<L> unusual;
    CUMSUM_UNROLL
    for (int r = 0; r < group_size; ++r) {
      sums[r] = r < rows ? load<double, L, R>(p.x + (row + r) * p.x_scan + at) : V{};
      weights[r] = r < rows ? load_decay<L>(p, row + r, line) : V{} + 1;
      unusual.see_term(sums[r]);
      unusual.see_decay(weights[r]);
    }
    if (usual && unusual.any()) return scan_unusual<L>(p, row, line, rows, begins);
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
    const V before = read<V>(total_at), total = begins ? carry_of<L>(p, line) : before;
    const V first = p.position + row == 0 ? total : before, weight = weights[group_size - 1];
    write(local_at, V(weight * read<V>(local_at) + sums[group_size - 1]));
    write(product_at, V(read<V>(product_at) * weight));
    CUMSUM_UNROLL
    for (int r = 0; r < group_size; ++r) sums[r] = weights[r] * total + sums[r];
    if constexpr (!usual) sign_zeros<L>(p, row, line, rows, total, sums);
    write(total_at, sums[group_size - 1]);
    if (p.y == nullptr) return;
    CUMSUM_UNROLL
    for (int r = 0; r < group_size; ++r) {
      if (r == rows) break;
      put<L>(p, row + r, at, r == 0 ? first : sums[r > 0 ? r - 1 : 0], sums[r]);
    }
  }

  template <int L>
  [[gnu::noinline]] static void scan_unusual(const Piece& p, int64_t row, int64_t line, int rows,
                                             bool begins) {
    bool steady = true;
    for (int r = 0; r < rows; ++r) {
      steady &= !any_lane(is_steady(load_decay<L>(p, row + r, line)) == 0);
    }
    if (steady) return scan_group<L, false>(p, row, line, rows, begins);
    for (int lane = 0; lane < L; ++lane) scan_lane(p, row, line + lane, rows, begins);
  }

  // The result of a row, or the one before.
  template <int L>
  static inline void put(const Piece& p, int64_t row, int64_t at, Vector<double, L> before,
                         Vector<double, L> result) {
    store<R, double, L>(p.y + row * p.y_scan + at, p.exclusive ? before : result);
  }

  // Gives the zeros among the results of `rows` elements, which follow `before`, their signs.
  template <int L>
  static inline void sign_zeros(const Piece& p, int64_t row, int64_t line, int rows,
                                Vector<double, L> before, Vector<double, L>* sums) {
    const int64_t at = line * int64_t{sizeof(R)};
    for (int r = 0; r < rows; ++r) {
      const auto x = load<double, L, R>(p.x + (row + r) * p.x_scan + at);
      before = sums[r] = with_sign(sums[r], x, load_decay<L>(p, row + r, line), before);
    }
  }

  // As many lines at a time as there are lanes; then half as many, and so on.
  template <int L>
  static inline void scan_strips(const Piece& p, int64_t row, int64_t line, int rows, bool begins) {
    for (; line + L <= p.lines; line += L) {
      if (rows == group_size) {
        scan_group<L, true>(p, row, line, group_size, begins);
      } else {
        scan_group<L, true>(p, row, line, rows, begins);
      }
    }
    if constexpr (L > 1) {
      if (line < p.lines) scan_strips<L / 2>(p, row, line, rows, begins);
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

  static void scan(const Piece& p) {
    for (int64_t row = 0; row < p.length; row += group_size) {
      const bool begins = (p.position + row) % tile_size == 0;
      if (begins) begin(p);
      const int64_t rest = p.length - row;
      const int rows = rest < group_size ? static_cast<int>(rest) : group_size;
      scan_strips<widest>(p, row, 0, rows, begins);
      if ((p.position + row + group_size) % tile_size == 0 && rest >= group_size) close(p);
    }
  }

  static void add_up(const Piece& p) {
    Piece tile = p;
    tile.y = nullptr;
    tile.adds_up = true;
    begin(tile);
    for (int64_t row = 0; row < tile_size; row += group_size) {
      scan_strips<widest>(tile, row, 0, group_size, row == 0);
    }
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
