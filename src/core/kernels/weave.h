// Short lines that lie in memory without gaps: vectors are filled with whatever comes next, of
// whichever line, and receive from lower lanes of the same line alone.
#pragma once

#include <numeric>

#include "tree.h"

namespace cumsum {
namespace {

// n elements, less than two groups, of each of C interleaved lines; then the next C lines, and so
// on. A bundle is as many of them as fill whole vectors.
template <class A, int n, int C>
struct Weave {
  static constexpr int L = lanes_of<A, 8>;
  static constexpr int lanes = std::lcm(n * C, L), parts = lanes / L;
  using V = Vector<A, L>;

  // The lane that lane `at` of a bundle receives at distance D, or none.
  static constexpr int source(int at, int D) {
    const int e = at / C % n;
    return e & D ? at - (e - tree_source(e, D)) * C : -1;
  }

  // The lanes of vector j at distance D, found in two vectors (first, second) of the bundle.
  template <int j, int D>
  struct Lower {
    static constexpr int least() {
      int least = lanes;
      for (int i = j * L; i < (j + 1) * L; ++i) {
        if (source(i, D) >= 0 && source(i, D) < least) least = source(i, D);
      }
      return least;
    }
    static constexpr int most() {
      int most = -1;
      for (int i = j * L; i < (j + 1) * L; ++i) most = source(i, D) > most ? source(i, D) : most;
      return most;
    }
    static constexpr bool any = most() >= 0;
    static constexpr int first = any ? least() / L : 0, second = any ? most() / L : 0;
    static_assert(second - first <= 1);
    static constexpr int lane(int i) {
      const int at = source(j * L + i, D);
      return at < 0 ? -1 : at - first * L;
    }
  };

  template <int D, int... j>
  static inline void step(V (&g)[parts], std::integer_sequence<int, j...>) {
    (add_lower<j, D>(g), ...);
  }

  template <int j, int D>
  static inline void add_lower(V (&g)[parts]) {
    using From = Lower<j, D>;
    if constexpr (From::any) {
      g[j] += choose_or_zero<From, A, L>(g[From::first], g[From::second]);
    }
  }

  static void scan(const char* x, char* y, int64_t bundles) {
    constexpr std::make_integer_sequence<int, parts> all;
    for (int64_t b = 0; b < bundles; ++b, x += parts * sizeof(V), y += parts * sizeof(V)) {
      V g[parts];
      CUMSUM_UNROLL
      for (int j = 0; j < parts; ++j) g[j] = read<V>(x + j * sizeof(V));
      step<1>(g, all);
      if constexpr (n > 2) step<2>(g, all);
      if constexpr (n > 4) step<4>(g, all);
      if constexpr (n > 8) step<8>(g, all);  // the chain, which is the first group's last prefix
      CUMSUM_UNROLL
      for (int j = 0; j < parts; ++j) write(y + j * sizeof(V), g[j] + V{});
    }
  }
};

}  // namespace
}  // namespace cumsum
