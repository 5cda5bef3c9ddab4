// Lines side by side: each lane is a line of its own, a group lies across eight vectors.
#pragma once

#include "decay_group.h"

namespace cumsum {
namespace {

// Where `shared`, one decay is that of all lines.
template <class R, Decays D, bool shared = false>
struct DecayColumns {
  using Stored = std::conditional_t<D == Decays::own, R, double>;  // the decays
  static constexpr int widest = lanes_of<double, vector_bytes>;

  template <int L>
  static inline Vector<double, L> load_decay(const DecayPiece& p, int64_t row, int64_t line) {
    if constexpr (D == Decays::constant) {
      return read<Vector<double, L>>(reinterpret_cast<const char*>(p.state.decay + line));
    } else if constexpr (shared) {
      return all_lanes<double, L>(read<double>(p.decay + row * p.decay_scan));
    } else {
      return load<double, L, Stored>(p.decay + row * p.decay_scan + line * int64_t{sizeof(Stored)});
    }
  }

  // One line of a group that must go one element after another.
  static void scan_lane(const DecayPiece& p, int64_t row, int64_t line, int rows) {
    double values[group_size], decays[group_size];
    const int64_t at = line * int64_t{sizeof(R)};
    for (int r = 0; r < rows; ++r) {
      values[r] = load<double, 1, R>(p.x + (row + r) * p.x_scan + at);
      decays[r] = load_decay<1>(p, row + r, line);
    }
    Decayed sums = load_state(p.state, line);
    scan_apart(values, decays, rows, sums);
    store_state(p.state, line, sums);
    for (int r = 0; p.y && r < rows; ++r) {
      store<R, double, 1>(p.y + (row + r) * p.y_scan + at, values[r]);
    }
  }

  // `rows` elements of L lines, at most a group; what is carried after less matters to nobody.
  template <int L>
  [[gnu::always_inline]] static inline void scan_group(const DecayPiece& p, int64_t row,
                                                       int64_t line, int rows) {
    using V = Vector<double, L>;
    const int64_t at = line * int64_t{sizeof(R)};
    V sums[group_size], weights[group_size];
    auto steady = is_steady(V{});
    CUMSUM_UNROLL
    for (int r = 0; r < group_size; ++r) {
      sums[r] = r < rows ? load<double, L, R>(p.x + (row + r) * p.x_scan + at) : V{};
      weights[r] = r < rows ? load_decay<L>(p, row + r, line) : V{};
      steady &= is_steady(weights[r]);
    }
    if (!in_all_lanes<L>(steady)) {
      for (int lane = 0; lane < L; ++lane) scan_lane(p, row, line + lane, rows);
      return;
    }
    CUMSUM_UNROLL
    for (int d = 1; d < group_size; d *= 2) {
      CUMSUM_UNROLL
      for (int r = 0; r < group_size; ++r) {
        if ((r & d) == 0) continue;
        sums[r] += weights[r] * sums[tree_source(r, d)];
        weights[r] *= weights[tree_source(r, d)];
      }
    }
    const auto carried = [&](double* of) { return reinterpret_cast<char*>(of + line); };
    const V total = read<V>(carried(p.state.total)), local = read<V>(carried(p.state.local));
    const V product = read<V>(carried(p.state.product)), weight = weights[group_size - 1];
    write(carried(p.state.local), V(weight * local + sums[group_size - 1]));
    write(carried(p.state.product), V(product * weight));
    auto zeros = V{} != V{};
    CUMSUM_UNROLL
    for (int r = 0; r < group_size; ++r) {
      sums[r] = weights[r] * total + sums[r];
      zeros |= sums[r] == 0;
    }
    if (in_any_lane<L>(zeros)) sign_zeros<L>(p, row, line, rows, total, sums);
    write(carried(p.state.total), sums[group_size - 1]);
    if (p.y == nullptr) return;
    CUMSUM_UNROLL
    for (int r = 0; r < group_size; ++r) {
      if (r == rows) break;
      store<R, double, L>(p.y + (row + r) * p.y_scan + at, sums[r]);
    }
  }

  // Gives the zeros among the results of `rows` elements, which follow `before`, their signs.
  template <int L>
  [[gnu::noinline]] static void sign_zeros(const DecayPiece& p, int64_t row, int64_t line, int rows,
                                           Vector<double, L> before, Vector<double, L>* sums) {
    const int64_t at = line * int64_t{sizeof(R)};
    for (int r = 0; r < rows; ++r) {
      const auto x = load<double, L, R>(p.x + (row + r) * p.x_scan + at);
      before = sums[r] = with_sign(sums[r], x, load_decay<L>(p, row + r, line), before);
    }
  }

  // As many lines at a time as there are lanes; then half as many, and so on.
  template <int L>
  static inline void scan_strips(const DecayPiece& p, int64_t row, int64_t line, int rows) {
    for (; line + L <= p.lines; line += L) {
      if (rows == group_size) {
        scan_group<L>(p, row, line, group_size);
      } else {
        scan_group<L>(p, row, line, rows);
      }
    }
    if constexpr (L > 1) {
      if (line < p.lines) scan_strips<L / 2>(p, row, line, rows);
    }
  }

  static void scan(const DecayPiece& p) {
    for (int64_t row = 0; row < p.length; row += group_size) {
      const int64_t rest = p.length - row;
      scan_strips<widest>(p, row, 0, rest < group_size ? static_cast<int>(rest) : group_size);
    }
  }
};

}  // namespace
}  // namespace cumsum
