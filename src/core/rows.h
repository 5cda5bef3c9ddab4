// Rows: a group lies along the scan axis, its elements in the lanes of one or more vectors.
#pragma once

#include "woven.h"

namespace cumsum {
namespace {

// Groups that one vector holds: two where a vector has lanes for them.
template <class A, int C>
inline constexpr int groups_in_vector = lanes_of<A, vector_bytes> >= 2 * group_size * C ? 2 : 1;

// C channels are interleaved (complex numbers have two); L lanes of A make a vector. G groups are
// taken together, a bundle.
template <class A, int C, int G = groups_in_vector<A, C>>
struct Row {
  static constexpr int bundle = group_size * G;
  static constexpr int L = lanes_of<A, bundle * C>;
  static constexpr int parts = bundle * C / L;         // vectors in a bundle
  static constexpr int elements = L >= C ? L / C : 1;  // whole elements in a vector
  static constexpr int vectors = L >= C ? 1 : C / L;   // vectors in an element
  using V = Vector<A, L>;

  struct Group {
    V part[parts];
  };
  template <class T>
  struct Spread {  // one element, repeated over the lanes
    static constexpr int lanes = L;
    Vector<T, L> part[vectors];
  };
  using Sum = Spread<A>;
  using Above = Spread<Carry<A>>;

  template <int D>
  struct Lower {
    static constexpr int lane(int i) {
      int e = i / C;
      return e & D ? tree_source(e, D) * C + i % C : L + i;
    }
  };
  struct Last {
    static constexpr int lane(int i) { return (elements - 1) * C + i % C; }
  };
  struct Backwards {
    static constexpr int lane(int i) { return (elements - 1 - i / C) * C + i % C; }
  };
  struct Onward {  // shift by one element; the first is filled from elsewhere
    static constexpr int lane(int i) { return i < C ? L + i : i - C; }
  };
  struct First {
    static constexpr int lane(int i) { return i < C ? (elements - 1) * C + i : L + i; }
  };

  static inline V last(V a) {
    if constexpr (elements == 1) {
      return a;
    } else {
      return permute<Last, A, L>(a);
    }
  }

  template <int D>
  static inline void step(Group& g) {
    if constexpr (D < elements) {
      CUMSUM_UNROLL
      for (int j = 0; j < parts; ++j) g.part[j] += permute<Lower<D>, A, L>(g.part[j]);
    } else {
      CUMSUM_UNROLL
      for (int j = 0; j < parts; ++j) {
        int e = j / vectors * elements;
        if (e & D) g.part[j] += last(g.part[tree_source(e, D) / elements * vectors + j % vectors]);
      }
    }
  }

  struct FirstGroupsLast {
    static constexpr int lane(int i) { return (group_size - 1) * C + i % C; }
  };
  struct SecondGroup {  // lanes of the first vector, then those of the second
    static constexpr int lane(int i) { return i < group_size * C ? i : L + i; }
  };

  // The chain into each element's group, from the chain into the bundle; and the chain out of it.
  static inline Sum chain_in(const Group& g, Sum& chain) {
    const Sum sum = total(g);
    Sum before = chain;
    if constexpr (G == 2) {
      const V second = chain.part[0] + permute<FirstGroupsLast, A, L>(g.part[0]);
      before.part[0] = choose<SecondGroup, A, L>(chain.part[0], second);
      chain.part[0] = second + sum.part[0];
    } else {
      CUMSUM_UNROLL
      for (int k = 0; k < vectors; ++k) chain.part[k] += sum.part[k];
    }
    return before;
  }

  static inline Sum total(const Group& g) {
    Sum sum;
    CUMSUM_UNROLL
    for (int k = 0; k < vectors; ++k) sum.part[k] = last(g.part[parts - vectors + k]);
    return sum;
  }

  struct Channels {
    static constexpr int lane(int i) { return i % C == 0 ? i : L + i; }
  };

  // One element, spread over the lanes and back.
  template <class T>
  static inline Spread<T> spread(const T (&element)[C]) {
    Spread<T> sum;
    CUMSUM_UNROLL
    for (int k = 0; k < vectors; ++k) sum.part[k] = all_lanes<T, L>(element[k]);
    if constexpr (C == 2 && vectors == 1) {
      sum.part[0] = choose<Channels, T, L>(sum.part[0], all_lanes<T, L>(element[1]));
    }
    return sum;
  }

  template <class T>
  static inline T lane(const Spread<T>& sum, int c) {
    return lane_of<T, L>(sum.part[c / L], c % L);
  }

  // The same from memory and back, or from the lanes of another kind of row.
  template <class T>
  static inline Spread<T> get(const char* p) {
    T element[C];
    CUMSUM_UNROLL
    for (int c = 0; c < C; ++c) element[c] = read<T>(p + c * sizeof(T));
    return spread<T>(element);
  }

  template <class T>
  static inline void put(char* p, const Spread<T>& sum) {
    CUMSUM_UNROLL
    for (int c = 0; c < C; ++c) write(p + c * sizeof(T), lane<T>(sum, c));
  }

  template <class T, class Other>
  static inline Spread<T> respread(const Other& sum) {
    T element[C];
    CUMSUM_UNROLL
    for (int c = 0; c < C; ++c) {
      element[c] = lane_of<T, Other::lanes>(sum.part[c / Other::lanes], c % Other::lanes);
    }
    return spread<T>(element);
  }

  // Where vector j of the group lies from the group's first element, for a walk in either
  // direction.
  template <class T, int Step>
  static constexpr int64_t place(int j) {
    constexpr int64_t size = sizeof(T);
    if (Step > 0) return j * L * size;
    return -(j / vectors * elements + elements - 1) * C * size + j % vectors * L * size;
  }

  template <class X, int Step>
  static inline Group load_group(const char* x) {
    Group g;
    CUMSUM_UNROLL
    for (int j = 0; j < parts; ++j) {
      g.part[j] = load<A, L, X>(x + place<X, Step>(j));
      if constexpr (Step < 0 && elements > 1) g.part[j] = permute<Backwards, A, L>(g.part[j]);
    }
    return g;
  }

  template <class R, int Step>
  static inline void store_group(char* y, Group g, bool stream) {
    CUMSUM_UNROLL
    for (int j = 0; j < parts; ++j) {
      if constexpr (Step < 0 && elements > 1) g.part[j] = permute<Backwards, A, L>(g.part[j]);
      if (stream) {
        store_stream<R, A, L>(y + place<R, Step>(j), g.part[j]);
      } else {
        store<R, A, L>(y + place<R, Step>(j), g.part[j]);
      }
    }
  }

  // The group one element on: `before` comes first, the last element drops out.
  static inline Group shift(const Group& g, const Sum& before) {
    Group out;
    CUMSUM_UNROLL
    for (int j = parts - 1; j >= 0; --j) {
      const V& left = j >= vectors ? g.part[j - vectors] : before.part[j % vectors];
      if constexpr (elements == 1) {
        out.part[j] = left;
      } else {
        out.part[j] = permute<Onward, A, L>(g.part[j]) + permute<First, A, L>(left);
      }
    }
    return out;
  }

  // The chain, and the carry, onto a bundle's prefix sums. `carry` is null in a line's first tile,
  // where it would add nothing.
  template <Store S>
  static inline void finish(Group& g, const Above* carry, Sum& chain) {
    Sum first = chain;
    const Sum before = chain_in(g, chain);
    CUMSUM_UNROLL
    for (int j = 0; j < parts; ++j) {
      g.part[j] = before.part[j % vectors] + g.part[j];
      if (carry) g.part[j] = carry->part[j % vectors] + g.part[j];
    }
    if constexpr (S == Store::exclusive) {
      for (int k = 0; carry && k < vectors; ++k) first.part[k] = carry->part[k] + first.part[k];
      g = shift(g, first);
    }
  }

  // `count` bundles, each step for all of them before the next step: a processor that looks only so
  // far ahead then always has something to do.
  template <class X, class R, int Step, Store S, int count>
  [[gnu::always_inline]] static inline void scan_bundles(const char* x, char* y, const Above* carry,
                                                         Sum& chain, bool stream) {
    constexpr int64_t x_step = Step * bundle * C * int64_t{sizeof(X)},
                      y_step = Step * bundle * C * int64_t{sizeof(R)};
    Group g[count];
    CUMSUM_UNROLL
    for (int i = 0; i < count; ++i) g[i] = load_group<X, Step>(x + i * x_step);
    CUMSUM_UNROLL
    for (int i = 0; i < count; ++i) step<1>(g[i]);
    CUMSUM_UNROLL
    for (int i = 0; i < count; ++i) step<2>(g[i]);
    CUMSUM_UNROLL
    for (int i = 0; i < count; ++i) step<4>(g[i]);
    CUMSUM_UNROLL
    for (int i = 0; i < count; ++i) finish<S>(g[i], carry, chain);
    if (stream) {
      CUMSUM_UNROLL
      for (int i = 0; i < count; ++i) store_group<R, Step>(y + i * y_step, g[i], true);
    } else {
      CUMSUM_UNROLL
      for (int i = 0; i < count; ++i) store_group<R, Step>(y + i * y_step, g[i], false);
    }
  }

  // The last elements of a line, fewer than a group: the same tree, an element at a time.
  template <class X, class R, int Step, Store S>
  static inline void scan_rest(const char* x, char* y, int rest, const Above& carry, Sum& chain) {
    A last[C];
    CUMSUM_UNROLL
    for (int c = 0; c < C; ++c) {
      const Carry<A> above = lane<Carry<A>>(carry, c);
      const A within = lane<A>(chain, c);
      A before = above + within, low{}, mid{}, pair{}, prefix{};
      CUMSUM_UNROLL
      for (int e = 0; e < group_size - 1; ++e) {
        if (e == rest) break;
        const A value = load<A, 1, X>(x + (Step * e * C + c) * int64_t{sizeof(X)});
        pair = e & 1 ? pair + value : value;
        prefix = e < 2 ? pair : low + (e < 6 ? pair : mid + pair);
        if (e == 1 || e == 3) low = prefix;
        if (e == 5) mid = pair;
        const A sum = above + (within + prefix);
        store<R, A, 1>(y + (Step * e * C + c) * int64_t{sizeof(R)},
                       S == Store::exclusive ? before : sum);
        before = sum;
      }
      last[c] = within + prefix;
    }
    chain = spread<A>(last);
  }

  // `length` elements of one tile. Carry and chain are copied, so that they can stay in registers:
  // for all the compiler knows, a store to y might change the originals.
  template <class X, class R, int Step, Store S>
  [[gnu::always_inline]] static inline void scan_tile(const char* x, char* y, int64_t length,
                                                      const Above* carry, Sum& chain, bool stream) {
    constexpr int64_t x_step = Step * C * int64_t{sizeof(X)},
                      y_step = Step * C * int64_t{sizeof(R)};
    const Above above = carry ? *carry : Above{};
    const Above* const carried = carry ? &above : nullptr;
    Sum within = chain;
    int64_t i = 0;
    if constexpr (parts == 1) {
      constexpr int many = 4;
      for (; i + many * bundle <= length; i += many * bundle) {
        scan_bundles<X, R, Step, S, many>(x + i * x_step, y + i * y_step, carried, within, stream);
      }
    }
    for (; i + bundle <= length; i += bundle) {
      scan_bundles<X, R, Step, S, 1>(x + i * x_step, y + i * y_step, carried, within, stream);
    }
    if constexpr (G > 1) {  // what is left is less than a bundle: on with single groups
      using Single = Row<A, C, 1>;
      const auto one_above = Single::template respread<Carry<A>>(above);
      auto one_within = Single::template respread<A>(within);
      Single::template scan_tile<X, R, Step, S>(x + i * x_step, y + i * y_step, length - i,
                                                carry ? &one_above : nullptr, one_within, stream);
      chain = respread<A>(one_within);
      return;
    }
    if (i < length) {
      scan_rest<X, R, Step, S>(x + i * x_step, y + i * y_step, static_cast<int>(length - i), above,
                               within);
    }
    chain = within;
  }

  template <class X, class R, int Step, Store S>
  static inline void scan_line(const char* x, char* y, int64_t length, int64_t position,
                               bool stream, Above& carry, Sum& chain) {
    constexpr int64_t x_step = Step * C * int64_t{sizeof(X)},
                      y_step = Step * C * int64_t{sizeof(R)};
    for (int64_t i = 0; i < length;) {
      const int64_t tile_left = tile_size - (position + i) % tile_size;
      const int64_t count = tile_left < length - i ? tile_left : length - i;
      scan_tile<X, R, Step, S>(x + i * x_step, y + i * y_step, count, &carry, chain, stream);
      i += count;
      if (count == tile_left) {
        for (int k = 0; k < vectors; ++k) carry.part[k] += chain.part[k];
        chain = Sum{};
      }
    }
  }

  template <class X, class R, int Step, Store S>
  static void scan(const Piece& p) {
    if (Step == 1 && !p.carry && weave<A, X, R, S>(p, C, p.lines, p.x_line, p.y_line)) return;
    if constexpr (Step == 1 && S == Store::inclusive && sizeof(X) == 2 && sizeof(A) == 4) {
      if (comes_widened<X, R>(p)) return scan_widened<X, R>(p);
    }
    if (p.stream && p.staged) {
      scan_staged<X, R, Step, S>(p);
    } else {
      scan_lines<X, R, Step, S>(p);
    }
  }

  // Short lines with a rest of less than a group, whose elements would be converted one by one.
  template <class X, class R>
  static bool comes_widened(const Piece& p) {
    return !p.carry && p.length < policy::least_unwidened && p.length % group_size != 0 &&
           p.x_line == p.length * C * int64_t{sizeof(X)} &&
           p.y_line == p.length * C * int64_t{sizeof(R)};
  }

  template <class X, class R>
  static void scan_widened(const Piece& p) {
    using Wide = Woven<A, X, R>;
    const int64_t elements = p.length * C, most = Wide::room / elements;
    typename Wide::Buffer buffer;
    Piece some{};
    some.x = some.y = reinterpret_cast<char*>(buffer.sums);
    some.x_line = some.y_line = elements * int64_t{sizeof(A)};
    some.length = p.length;
    for (int64_t line = 0; line < p.lines; line += some.lines) {
      some.lines = most < p.lines - line ? most : p.lines - line;
      Wide::widen(p.x + line * p.x_line, buffer, some.lines * elements);
      scan_lines<A, A, 1, Store::inclusive>(some);
      Wide::put(buffer, p.y + line * p.y_line, some.lines * elements, p.stream);
    }
  }

  // Short whole lines on their way past the cache: they begin and end within cache lines, which
  // must not be written in two ways. The next lines are fetched meanwhile.
  template <class X, class R, int Step, Store S>
  static void scan_staged(const Piece& p) {
    alignas(64) char stage[policy::most_staged_line];
    const int64_t bytes = p.length * C * int64_t{sizeof(R)}, most = sizeof(stage) / bytes;
    const bool dense = p.y_line == bytes;
    Piece some = p;
    some.y = stage;
    some.y_line = bytes;
    some.stream = false;
    for (int64_t line = 0; line < p.lines; line += some.lines) {
      some.x = p.x + line * p.x_line;
      some.lines = most < p.lines - line ? most : p.lines - line;
      const int64_t ahead = some.lines * p.x_line;
      for (int64_t at = 0; at < ahead; at += 64) __builtin_prefetch(some.x + ahead + at);
      scan_lines<X, R, Step, S>(some);
      char* const y = p.y + line * p.y_line;
      for (int64_t i = 0; i < (dense ? 1 : some.lines); ++i) {
        copy_past_cache(y + i * p.y_line, stage + i * bytes, dense ? some.lines * bytes : bytes);
      }
    }
  }

  template <class X, class R, int Step, Store S>
  static void scan_lines(const Piece& p) {
    if (!p.carry && p.length <= tile_size) {
      for (int64_t line = 0; line < p.lines; ++line) {
        Sum chain{};
        scan_tile<X, R, Step, S>(p.x + line * p.x_line, p.y + line * p.y_line, p.length, nullptr,
                                 chain, p.stream);
      }
      return;
    }
    for (int64_t line = 0; line < p.lines; ++line) {
      char* const carry_at = p.carry + line * C * int64_t{sizeof(Carry<A>)};
      char* const chain_at = p.chain + line * C * int64_t{sizeof(A)};
      Above carry{};
      Sum chain{};
      if (p.carry) {
        carry = get<Carry<A>>(carry_at);
        chain = get<A>(chain_at);
      }
      scan_line<X, R, Step, S>(p.x + line * p.x_line, p.y + line * p.y_line, p.length, p.position,
                               p.stream, carry, chain);
      if (p.carry) {
        put<Carry<A>>(carry_at, carry);
        put<A>(chain_at, chain);
      }
    }
  }
};

}  // namespace
}  // namespace cumsum
