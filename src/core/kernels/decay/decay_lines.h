// Lines of decayed columns side by side: each lane is a line of its own, a group lies across eight
// vectors.
#pragma once

#include "decay.h"

namespace cumsum {
namespace {

// Of one group, however its decays are stored.
template <class R>
struct DecayLines {
  static bool begins_tile(const Piece& group) { return group.position % tile_size == 0; }

  // What lines begin a tile with.
  template <int L>
  static inline Vector<double, L> carry_of(const Piece& p, int64_t line) {
    if (p.adds_up) return Vector<double, L>{};
    return read<Vector<double, L>>(p.carry + line * int64_t{sizeof(double)});
  }

  // One line of a group that must go one element after another.
  static void scan_lane(const Piece& p, int64_t line, double* decays) {
    double values[group_size];
    const int64_t at = line * int64_t{sizeof(R)};
    const int rows = static_cast<int>(p.length);
    for (int r = 0; r < rows; ++r) values[r] = load<double, 1, R>(p.x + r * p.x_scan + at);
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

  // What is carried after less than a group matters to nobody. `decays` is null if no zero can be
  // a negative one.
  template <int L>
  [[gnu::always_inline]] static inline void finish(const Piece& p, int64_t line, int rows,
                                                   Vector<double, L> (&sums)[group_size],
                                                   Vector<double, L> (&weights)[group_size],
                                                   const Vector<double, L>* decays) {
    using V = Vector<double, L>;
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
    if (decays) sign_zeros<L>(p, line, total, sums, decays);
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

  template <int L>
  [[gnu::always_inline]] static inline void store_rows(char* y, int64_t scan, int rows,
                                                       auto... results) {
    int r = 0;
    ((r++ < rows ? store<R, double, L>(y, results), y += scan : y), ...);
  }

  // Gives the zeros among the results, which follow `before`, their signs.
  template <int L>
  static inline void sign_zeros(const Piece& p, int64_t line, Vector<double, L> before,
                                Vector<double, L>* sums, const Vector<double, L>* decays) {
    for (int r = 0; r < p.length; ++r) {
      const auto x = load<double, L, R>(p.x + r * p.x_scan + line * int64_t{sizeof(R)});
      before = sums[r] = with_sign(sums[r], x, decays[r], before);
    }
  }

  // L lines, whatever is in them; where there are no rows decays are zeros.
  template <int L>
  [[gnu::noinline]] static void scan_any(const Piece& p, int64_t line,
                                         const Vector<double, L>* decays) {
    using V = Vector<double, L>;
    bool steady = true;
    for (int r = 0; r < group_size; ++r) steady &= !any_lane(is_steady(decays[r]) == 0);
    for (int lane = 0; lane < L && !steady; ++lane) {
      double own[group_size];
      for (int r = 0; r < group_size; ++r) own[r] = lane_of<double, L>(decays[r], lane);
      scan_lane(p, line + lane, own);
    }
    if (!steady) return;
    V sums[group_size], weights[group_size];
    const int rows = static_cast<int>(p.length);
    for (int r = 0; r < group_size; ++r) {
      const char* const x = p.x + r * p.x_scan + line * int64_t{sizeof(R)};
      sums[r] = r < rows ? load<double, L, R>(x) : V{};
      weights[r] = decays[r];
    }
    finish<L>(p, line, rows, sums, weights, decays);
  }
};

}  // namespace
}  // namespace cumsum
