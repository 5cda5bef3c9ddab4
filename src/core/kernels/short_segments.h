// Segments of a few elements.
#pragma once

#include <array>

#include "rows.h"
#include "window.h"

namespace cumsum {
namespace {

// Of a vector in which several segments follow each other, whose beginnings are the bits of a
// number: where its lanes get what they add at each step of their segment's own tree, and at last
// the sums before them.
template <int L>
struct Window {
  static constexpr int steps = L == 8 ? 3 : 2;
  LaneSources<L> step[steps], before;
};

template <int L>
constexpr Window<L> make_window(unsigned beginnings) {
  Window<L> window{};
  for (int lane = 0, e = 0; lane < L; ++lane, ++e) {
    if (beginnings >> lane & 1) {
      e = 0;
    } else {
      window.before.set(lane, lane - 1);
    }
    for (int s = 0; s < Window<L>::steps; ++s) {
      if (e >> s & 1) window.step[s].set(lane, lane - e + tree_source(e, 1 << s));
    }
  }
  return window;
}

// The first lane is always a beginning, and has no bit.
template <int L>
inline constexpr auto windows = [] {
  std::array<Window<L>, 1 << (L - 1)> all{};
  for (unsigned i = 0; i < all.size(); ++i) all[i] = make_window<L>(2 * i + 1);
  return all;
}();

template <class A, int C, int Step>
struct ShortRows {
  using Rows = cumsum::Rows<A, C, Step, 1>;
  using Row = typename Rows::Row;
  static constexpr int lanes = C == 1 ? window<A> : 0;
  using V = Vector<A, lanes == 0 ? 1 : lanes>;

  // One segment, in whole groups: what follows it in the last one is read and written as well, as
  // long as there is `room` for that. Of `room` elements from its first one on, in the order of the
  // scan, those past the segment are still to be scanned. What is exclusive are the same sums one
  // element on, after a zero.
  template <class X, class R>
  [[gnu::always_inline]] static inline void scan_one(const char* x, char* y, int64_t count,
                                                     int64_t room, bool exclusive) {
    constexpr int64_t x_step = Step * C * int64_t{sizeof(X)},
                      y_step = Step * C * int64_t{sizeof(R)};
    constexpr int many = 4;
    typename Rows::Sum chain{};
    char* const sums = exclusive ? y + y_step : y;
    const int64_t there = room - exclusive, whole = count < there ? count : there;
    int64_t i = 0;
    if (exclusive && count > 0) {
      for (int c = 0; c < C; ++c) store<R, A, 1>(y + c * int64_t{sizeof(R)}, A{});
    }
    for (; i + many * group_size <= whole; i += many * group_size) {
      Row::template scan_bundles<X, R, true, many>(x + i * x_step, sums + i * y_step, nullptr,
                                                   chain, {});
    }
    for (; i < count && i + group_size <= there; i += group_size) {
      Row::template scan_bundles<X, R, true, 1>(x + i * x_step, sums + i * y_step, nullptr, chain,
                                                {});
    }
    if (i + group_size <= count) {  // a last whole group, with no room for one element more
      const Manner later{nullptr, nullptr, false, exclusive};
      Row::template scan_bundles<X, R, false, 1>(x + i * x_step, y + i * y_step, nullptr, chain,
                                                 later);
      i += group_size;
    }
    if (i >= count) return;
    Rows::template scan_rest<X, R, false>(x + i * x_step, y + i * y_step,
                                          static_cast<int>(count - i), typename Rows::Above{},
                                          chain, {nullptr, nullptr, false, exclusive});
  }

  // Segments that fill `count` lanes of a vector, which begins at x. What is written of a vector
  // does not overlap what is read of the next one: where x and y lie alike in their pages, a
  // processor would wait for the one before it reads the other. float32, segments of 1, 3, 7
  // elements, one thread of an Emerald Rapids: 8 ns each, one after the other.
  template <class X, class R>
  [[gnu::always_inline]] static inline void scan_window(const char* x, char* y, int64_t count,
                                                        unsigned beginnings, bool exclusive) {
    constexpr int L = lanes;
    constexpr int64_t back = Step > 0 ? 0 : L - 1;
    constexpr unsigned all = (1u << L) - 1;
    const Window<L>& to = windows<L>[beginnings >> 1 & all >> 1];
    V sums;
    if (L == group_size && beginnings == 1) {  // one tree, of which all is known
      sums = turned<Step, A, L>(grow_one<X>(x));
    } else {
      sums = turned<Step, A, L>(load<A, L, X>(x - back * int64_t{sizeof(X)}));
      CUMSUM_UNROLL
      for (int s = 0; s < Window<L>::steps; ++s) sums += lanes_from<A, L>(to.step[s], sums);
    }
    sums = V{} + sums;
    if (exclusive) sums = lanes_from<A, L>(to.before, sums);
    const unsigned first = all >> (L - count);
    store_some<R, A, L>(y - back * int64_t{sizeof(R)}, turned<Step, A, L>(sums),
                        Step > 0 ? first : first << (L - count));
  }

  template <class X>
  [[gnu::always_inline]] static inline V grow_one(const char* x) {
    if constexpr (lanes == group_size) {
      typename Row::Group g[1];
      Row::template grow_trees<X, true, 1>(x, g, {});
      return g[0].part[0];
    } else {
      __builtin_unreachable();
    }
  }

  // Where segment number `s` in the order of the scan begins.
  static int64_t boundary(const ShortSegments& p, int64_t s) {
    return Step > 0 ? p.offsets[p.first + s] : -p.offsets[p.last - s];
  }

  // In the order of the scan, so that each writes over what is too long of the one before. The
  // number of those that are scanned.
  template <class X, class R>
  static int64_t scan_all(const ShortSegments& p) {
    constexpr int64_t x_step = Step * C * int64_t{sizeof(X)},
                      y_step = Step * C * int64_t{sizeof(R)};
    const char* const x = Step > 0 ? p.x : p.x + x_step;
    char* const y = Step > 0 ? p.y : p.y + y_step;
    const int64_t count = p.last - p.first, edge = boundary(p, count);
    int64_t s = 0;
    for (int64_t begin = boundary(p, 0); s < count;) {
      int64_t filled = boundary(p, ++s) - begin;
      if (lanes > 0 && filled <= lanes && begin + lanes <= edge) {
        unsigned beginnings = 1;
        for (int64_t next; s < count && (next = boundary(p, s + 1) - begin) <= lanes; ++s) {
          beginnings |= 1u << filled;
          filled = next;
        }
        if constexpr (lanes > 0) {
          scan_window<X, R>(x + begin * x_step, y + begin * y_step, filled, beginnings,
                            p.exclusive);
        }
      } else if (filled <= policy::longest_short) {
        scan_one<X, R>(x + begin * x_step, y + begin * y_step, filled, edge - begin, p.exclusive);
      } else {
        return s - 1;
      }
      begin += filled;
    }
    return s;
  }

  template <class X, class R>
  static int64_t scan(const ShortSegments& p) {
    if constexpr (Step > 0) {
      return p.first + scan_all<X, R>(p);
    } else {
      ShortSegments some = p;
      for (some.last = p.first; some.last < p.last; ++some.last) {
        if (p.offsets[some.last + 1] - p.offsets[some.last] > policy::longest_short) break;
      }
      scan_all<X, R>(some);
      return some.last;
    }
  }
};

}  // namespace
}  // namespace cumsum
