// Lines side by side: each lane is a line of its own, a group lies across eight vectors.
#pragma once

#include "decay.h"

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
      decays[r] = load_decay<1>(decay_at(p, row + r, line));
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

  // The elements of L lines in a group, if nothing about them is unusual; or `rows` of them if
  // their decays are steady, and then what is carried matters to nobody.
  template <int L, bool usual>
  [[gnu::always_inline]] static inline void scan_group(const Piece& p, int64_t row, int64_t line,
                                                       int rows, bool begins) {
    using V = Vector<double, L>;
    V sums[group_size], weights[group_size];
    Unusual<L> unusual;
    const char *x = p.x + row * p.x_scan + line * int64_t{sizeof(R)},
               *decay = decay_at(p, row, line);
    CUMSUM_UNROLL
    for (int r = 0; r < group_size; ++r, x += p.x_scan, decay += p.decay_scan) {
      sums[r] = usual || r < rows ? load<double, L, R>(x) : V{};
      weights[r] = usual || r < rows ? load_decay<L>(decay) : V{};
      unusual.see_term(sums[r]);
      unusual.see_decay(weights[r]);
    }
    if (usual && unusual.any()) return scan_any<L>(p, row, line, rows, begins);
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
    char* y = p.y + row * p.y_scan + line * int64_t{sizeof(R)};
    if (p.exclusive) {
      store_rows<L>(y, p.y_scan, usual ? group_size : rows, first, sums[0], sums[1], sums[2],
                    sums[3], sums[4], sums[5], sums[6]);
    } else {
      store_rows<L>(y, p.y_scan, usual ? group_size : rows, sums[0], sums[1], sums[2], sums[3],
                    sums[4], sums[5], sums[6], sums[7]);
    }
  }

  template <int L>
  [[gnu::always_inline]] static inline void store_rows(char* y, int64_t scan, int rows,
                                                       auto... results) {
    int r = 0;
    ((r++ < rows ? store<R, double, L>(y, results), y += scan : y), ...);
  }

  // Up to eight rows, whatever is in them.
  template <int L>
  [[gnu::noinline]] static void scan_any(const Piece& p, int64_t row, int64_t line, int rows,
                                         bool begins) {
    bool steady = true;
    for (int r = 0; r < rows; ++r) {
      steady &= !any_lane(is_steady(load_decay<L>(decay_at(p, row + r, line))) == 0);
    }
    if (steady) return scan_group<L, false>(p, row, line, rows, begins);
    for (int lane = 0; lane < L; ++lane) scan_lane(p, row, line + lane, rows, begins);
  }

  // Gives the zeros among the results of `rows` elements, which follow `before`, their signs.
  template <int L>
  static inline void sign_zeros(const Piece& p, int64_t row, int64_t line, int rows,
                                Vector<double, L> before, Vector<double, L>* sums) {
    const int64_t at = line * int64_t{sizeof(R)};
    for (int r = 0; r < rows; ++r) {
      const auto x = load<double, L, R>(p.x + (row + r) * p.x_scan + at);
      before = sums[r] = with_sign(sums[r], x, load_decay<L>(decay_at(p, row + r, line)), before);
    }
  }

  // As many lines at a time as there are lanes; then half as many, and so on.
  template <int L>
  static inline void scan_strips(const Piece& p, int64_t row, int64_t line, int rows, bool begins) {
    for (; line + L <= p.lines; line += L) {
      if (rows == group_size) {
        scan_group<L, true>(p, row, line, group_size, begins);
      } else {
        scan_any<L>(p, row, line, rows, begins);
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
