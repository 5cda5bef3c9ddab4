// Rows: lines that lie along the scan axis, whole or in pieces, bundle by bundle.
#pragma once

#include "row.h"
#include "short_rows.h"

namespace cumsum {
namespace {

template <class A, int C, int Step = 1, int G = groups_in_vector<A, C>>
struct Rows {
  using Row = cumsum::Row<A, C, Step, G>;
  using Above = typename Row::Above;
  using Sum = typename Row::Sum;
  static constexpr int bundle = Row::bundle;

  // The last elements of a line, fewer than a group: the same tree, an element at a time.
  template <class X, class R, bool plain>
  static inline void scan_rest(const char* x, char* y, int rest, const Above& carry, Sum& chain,
                               Manner manner) {
    A last[C];
    CUMSUM_UNROLL
    for (int c = 0; c < C; ++c) {
      const Carry<A> above = Row::template lane<Carry<A>>(carry, c);
      const A within = Row::template lane<A>(chain, c);
      A before = above + within, low{}, mid{}, pair{}, prefix{};
      CUMSUM_UNROLL
      for (int e = 0; e < group_size - 1; ++e) {
        if (e == rest) break;
        const char* const at = x + (Step * e * C + c) * int64_t{sizeof(X)};
        A value = load<A, 1, X>(at);
        if (!plain && C == 1) {
          if (manner.mask) value = masked<A, 1>(value, manner.template mask_at<X>(at));
          if (manner.skipna) value = numbers<A, 1>(value);
        }
        pair = e & 1 ? pair + value : value;
        prefix = e < 2 ? pair : low + (e < 6 ? pair : mid + pair);
        if (e == 1 || e == 3) low = prefix;
        if (e == 5) mid = pair;
        const A sum = above + (within + prefix);
        store<R, A, 1>(y + (Step * e * C + c) * int64_t{sizeof(R)},
                       !plain && manner.exclusive ? before : sum);
        before = sum;
      }
      last[c] = within + prefix;
    }
    chain = Row::template spread<A>(last);
  }

  // `length` elements of one tile. Carry and chain are copied, so that they can stay in registers:
  // for all the compiler knows, a store to y might change the originals.
  template <class X, class R, bool plain>
  [[gnu::always_inline]] static inline void scan_tile(const char* x, char* y, int64_t length,
                                                      const Above* carry, Sum& chain,
                                                      Manner manner) {
    constexpr int64_t x_step = Step * C * int64_t{sizeof(X)},
                      y_step = Step * C * int64_t{sizeof(R)};
    const Above above = carry ? *carry : Above{};
    const Above* const carried = carry ? &above : nullptr;
    Sum within = chain;
    int64_t i = 0;
    if constexpr (Row::parts <= 2) {
      // The trees of what comes next are grown while sums are finished: neither waits for the
      // other.
      constexpr int many = 4, together = many * bundle;
      if (together <= length) {
        typename Row::Group grown[many];
        Row::template grow_trees<X, plain, many>(x, grown, manner);
        for (; i + 2 * together <= length; i += together) {
          typename Row::Group next[many];
          Row::template grow_trees<X, plain, many>(x + (i + together) * x_step, next, manner);
          Row::template finish_trees<X, R, plain, many>(y + i * y_step, grown, carried, within,
                                                        manner);
          CUMSUM_UNROLL
          for (int k = 0; k < many; ++k) grown[k] = next[k];
        }
        Row::template finish_trees<X, R, plain, many>(y + i * y_step, grown, carried, within,
                                                      manner);
        i += together;
      }
    }
    const int64_t reached = manner.spills ? length : length - bundle + 1;
    for (; i < reached; i += bundle) {
      Row::template scan_bundles<X, R, plain, 1>(x + i * x_step, y + i * y_step, carried, within,
                                                 manner);
    }
    if (manner.spills) return;
    if constexpr (G > 1) {  // what is left is less than a bundle: on with single groups
      using Single = Rows<A, C, Step, 1>;
      const auto one_above = Single::Row::template respread<Carry<A>>(above);
      auto one_within = Single::Row::template respread<A>(within);
      Single::template scan_tile<X, R, plain>(x + i * x_step, y + i * y_step, length - i,
                                              carry ? &one_above : nullptr, one_within, manner);
      chain = Row::template respread<A>(one_within);
      return;
    }
    if (i < length) {
      scan_rest<X, R, plain>(x + i * x_step, y + i * y_step, static_cast<int>(length - i), above,
                             within, manner);
    }
    chain = within;
  }

  template <class X, class R, bool plain>
  static inline void scan_line(const char* x, char* y, int64_t length, int64_t position,
                               Above& carry, Sum& chain, Manner manner) {
    constexpr int64_t x_step = Step * C * int64_t{sizeof(X)},
                      y_step = Step * C * int64_t{sizeof(R)};
    for (int64_t i = 0; i < length;) {
      const int64_t tile_left = tile_size - (position + i) % tile_size;
      const int64_t count = tile_left < length - i ? tile_left : length - i;
      if constexpr (std::is_integral_v<A>) {  // added in any order: the carry goes with the chain
        Sum both = chain;
        for (int k = 0; k < Row::vectors; ++k) both.part[k] += carry.part[k];
        scan_tile<X, R, plain>(x + i * x_step, y + i * y_step, count, nullptr, both, manner);
        for (int k = 0; k < Row::vectors; ++k) chain.part[k] = both.part[k] - carry.part[k];
      } else {
        scan_tile<X, R, plain>(x + i * x_step, y + i * y_step, count, &carry, chain, manner);
      }
      i += count;
      if (count == tile_left) {
        for (int k = 0; k < Row::vectors; ++k) carry.part[k] += chain.part[k];
        chain = Sum{};
      }
    }
  }

  // From where a line lies in memory to its first element.
  template <class T>
  static int64_t first(int64_t length) {
    return Step > 0 ? 0 : (length - 1) * C * int64_t{sizeof(T)};
  }

  template <class X, class R>
  static void scan(const Piece& p) {
    const bool plain = is_plain(p);
    if (plain && !p.carry && scan_short<X, R>(p)) return;
    if (p.exclusive && !p.carry && p.length <= tile_size && !p.stream && p.x != p.y) {
      return scan_later<X, R>(p);
    }
    if constexpr (Step > 0 && !small) {
      if (plain) return scan_either<X, R, true>(p);
    }
    scan_either<X, R, false>(p);
  }

  template <class X, class R, bool plain>
  static void scan_either(const Piece& p) {
    if (p.stream && p.staged) {
      scan_staged<X, R, plain>(p);
    } else {
      scan_lines<X, R, plain>(p);
    }
  }

  // Exclusive sums of whole lines are those of all elements but the last, one element on.
  template <class X, class R>
  static void scan_later(const Piece& p) {
    constexpr int64_t size = sizeof(R), most = 64;  // lines that stay in the cache meanwhile
    Piece later = p;
    later.exclusive = false;
    later.length -= 1;
    for (int64_t line = 0; line < p.lines; line += most) {
      later.lines = most < p.lines - line ? most : p.lines - line;
      later.x = p.x + line * p.x_line;
      char* const y = p.y + line * p.y_line;
      later.y = y + Step * C * size;
      if (p.mask) later.mask = p.mask + line * p.mask_line;
      for (int64_t i = 0; i < later.lines * C; ++i) {
        store<R, A, 1>(y + i / C * p.y_line + i % C * size, A{});
      }
      if (later.length > 0) scan<X, R>(later);
    }
  }

  // Lines of a few elements, many at a time; false if they are not such.
  template <class X, class R>
  static bool scan_short(const Piece& p) {
    Piece dense = p;
    dense.x -= first<X>(p.length);
    dense.y -= first<R>(p.length);
    if (weave<A, X, R, Step>(dense, C, p.lines, p.x_line, p.y_line)) return true;
    if constexpr (sizeof(X) == 2 && sizeof(A) == 4) {
      if (!comes_widened<X, R>(p)) return false;
      scan_widened<X, R>(dense);
      return true;
    }
    return false;
  }

  // Short lines with a rest of less than a group, whose elements would be converted one by one.
  template <class X, class R>
  static bool comes_widened(const Piece& p) {
    return p.length < policy::least_unwidened && p.length % group_size != 0 &&
           p.x_line == p.length * C * int64_t{sizeof(X)} &&
           p.y_line == p.length * C * int64_t{sizeof(R)};
  }

  template <class X, class R>
  static void scan_widened(const Piece& p) {
    using Wide = Woven<A, X, R>;
    const int64_t elements = p.length * C, most = Wide::room / elements;
    typename Wide::Buffer buffer;
    Piece some{};
    some.x = some.y = reinterpret_cast<char*>(buffer.sums) + first<A>(p.length);
    some.x_line = some.y_line = elements * int64_t{sizeof(A)};
    some.length = p.length;
    for (int64_t line = 0; line < p.lines; line += some.lines) {
      some.lines = most < p.lines - line ? most : p.lines - line;
      const int64_t count = some.lines * elements;
      Wide::widen(p.x + line * p.x_line, buffer, count, count);
      scan_lines<A, A, Step == 1>(some);
      Wide::put(buffer, p.y + line * p.y_line, count, count, p.stream);
    }
  }

  // Short whole lines on their way past the cache: they begin and end within cache lines, which
  // must not be written in two ways. The next lines are fetched meanwhile.
  template <class X, class R, bool plain>
  static void scan_staged(const Piece& p) {
    alignas(64) char stage[policy::most_staged_line];
    const int64_t bytes = p.length * C * int64_t{sizeof(R)}, most = sizeof(stage) / bytes;
    const bool dense = p.y_line == bytes;
    Piece some = p;
    some.y = stage + first<R>(p.length);
    some.y_line = bytes;
    some.stream = false;
    for (int64_t line = 0; line < p.lines; line += some.lines) {
      some.x = p.x + line * p.x_line;
      if (p.mask) some.mask = p.mask + line * p.mask_line;
      some.lines = most < p.lines - line ? most : p.lines - line;
      if (p.carry) {
        some.carry = p.carry + line * C * int64_t{sizeof(Carry<A>)};
        some.chain = p.chain + line * C * int64_t{sizeof(A)};
      }
      const int64_t ahead = some.lines * p.x_line;
      for (int64_t at = 0; at < ahead; at += 64) __builtin_prefetch(some.x + ahead + at);
      scan_lines<X, R, plain>(some);
      char* const y = p.y - first<R>(p.length) + line * p.y_line;
      for (int64_t i = 0; i < (dense ? 1 : some.lines); ++i) {
        copy_past_cache(y + i * p.y_line, stage + i * bytes, dense ? some.lines * bytes : bytes);
      }
    }
  }

  // Whole bundles alone go past the cache one by one: what is left of a line is stored the ordinary
  // way, and a cache line that is written in two ways costs 500 ns. float32 (200 thousand, 100)
  // along dim 1, one thread of a Zen 4: 5.5 ns an element, and 1.0 without such lines.
  static bool goes_past_cache(const Piece& p) { return p.stream && p.length % bundle == 0; }

  // Whether the last elements of a line, fewer than a group, may be taken with the first ones of
  // the line that comes next, where those go once more. One by one, four take as long. Lines of 20,
  // one thread of a Zen 5, ns an element: complex64 0.52 and 0.42, float32 0.27 and 0.24; int8 of
  // 100 0.136 and 0.145.
  template <class X, class R>
  static bool can_spill(const Piece& p) {
    constexpr bool slow = !std::is_integral_v<A> && sizeof(X) >= 4;
    return slow && p.length > bundle && p.length % group_size >= 4 && !p.mask && p.x != p.y &&
           p.x_line == p.length * C * int64_t{sizeof(X)} &&
           p.y_line == p.length * C * int64_t{sizeof(R)};
  }

  template <class X, class R, bool plain>
  static void scan_lines(const Piece& p) {
    if (p.carry || p.length > tile_size) return scan_long_lines<X, R, plain>(p);
    const bool stream = goes_past_cache(p), spilling = can_spill<X, R>(p);
    for (int64_t i = 0; i < p.lines; ++i) {
      const int64_t line = in_order(i, p.lines);
      Sum chain{};
      Manner manner = manner_of(p, line, stream);
      manner.spills = spilling && i + 1 < p.lines;
      scan_tile<X, R, plain>(manner.x, p.y + line * p.y_line, p.length, nullptr, chain, manner);
    }
  }

  template <class X, class R, bool plain>
  static void scan_long_lines(const Piece& p) {
    const bool stream = goes_past_cache(p);
    for (int64_t i = 0; i < p.lines; ++i) {
      const int64_t line = in_order(i, p.lines);
      char* const carry_at = p.carry + line * C * int64_t{sizeof(Carry<A>)};
      char* const chain_at = p.chain + line * C * int64_t{sizeof(A)};
      Above carry{};
      Sum chain{};
      if (p.carry) {
        carry = Row::template get<Carry<A>>(carry_at);
        chain = Row::template get<A>(chain_at);
      }
      const Manner manner = manner_of(p, line, stream);
      scan_line<X, R, plain>(manner.x, p.y + line * p.y_line, p.length, p.position, carry, chain,
                             manner);
      if (p.carry) {
        Row::template put<Carry<A>>(carry_at, carry);
        Row::template put<A>(chain_at, chain);
      }
    }
  }

  // Lines are taken in the order in which memory is walked. float32 (4096, 4096) reversed: 0.24 ns
  // an element from the first line on, 0.17 from the last.
  static int64_t in_order(int64_t i, int64_t lines) { return Step > 0 ? i : lines - 1 - i; }
};

}  // namespace
}  // namespace cumsum
