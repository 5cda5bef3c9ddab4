// A group across vectors, one for each of its elements: each lane is a line of its own.
#pragma once

#include "tree.h"

namespace cumsum {
namespace {

template <class A>
struct Column {
  // L lines side by side; `rows` elements of each, at most `most` of a group. (What the chain is
  // after less than a group matters to nobody: the line is over.)
  template <class X, class R, int L, bool plain, int most = group_size>
  [[gnu::always_inline]] static inline void scan_group(const Piece& p, const char* x,
                                                       const char* mask, char* y, int rows,
                                                       const Vector<Carry<A>, L>& carry,
                                                       Vector<A, L>& chain) {
    using V = Vector<A, L>;
    V g[most];
    CUMSUM_UNROLL
    for (int r = 0; r < most; ++r) {
      V v = r < rows ? load<A, L, X>(x + r * p.x_scan) : V{};
      // Asked for each row: were the whole group changed at once, it would be kept in memory.
      if (!plain && mask && r < rows) v = masked<A, L>(v, mask + r * p.mask_scan);
      if (!plain && p.skipna) v = numbers<A, L>(v);
      g[r] = v;
    }
    CUMSUM_UNROLL
    for (int d = 1; d < most; d *= 2) {
      CUMSUM_UNROLL
      for (int r = 0; r < most; ++r) {
        if (r & d) g[r] += g[tree_source(r, d)];
      }
    }
    if (!plain && p.exclusive) {
      V before = carry + chain;
      CUMSUM_UNROLL
      for (int r = 0; r < most; ++r) {
        if (r < rows) store<R, A, L>(y + r * p.y_scan, before);
        before = carry + (chain + g[r]);
      }
    } else if (plain || !p.adds_up) {
      CUMSUM_UNROLL
      for (int r = 0; r < most; ++r) {
        if (r < rows) store<R, A, L>(y + r * p.y_scan, carry + (chain + g[r]));
      }
    }
    chain += g[most - 1];
  }

  // By itself where it is rare.
  template <class X, class R, int L>
  [[gnu::noinline]] static Vector<A, L> scan_rest(const Piece& p, const char* x, const char* mask,
                                                  char* y, int rows, Vector<Carry<A>, L> carry,
                                                  Vector<A, L> chain) {
    scan_group<X, R, L, false>(p, x, mask, y, rows, carry, chain);
    return chain;
  }
};

}  // namespace
}  // namespace cumsum
