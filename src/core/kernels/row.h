// A row of groups: a group lies along the scan axis, its elements in the lanes of one or more
// vectors.
#pragma once

#include "tree.h"

namespace cumsum {
namespace {

// Groups that one vector holds: two where a vector has lanes for them.
template <class A, int C>
inline constexpr int groups_in_vector = lanes_of<A, vector_bytes> >= 2 * group_size * C ? 2 : 1;

// C channels are interleaved (complex numbers have two); L lanes of A make a vector. G groups are
// taken together, a bundle. Where Step is -1, memory is walked backwards, and the first element of
// a vector is its last in memory.
template <class A, int C, int Step = 1, int G = groups_in_vector<A, C>>
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

  // The element whose lane i is, and the lane in which element e has what lane i has of its own.
  static constexpr int element(int i) { return Step > 0 ? i / C : elements - 1 - i / C; }
  static constexpr int lane_of_element(int e, int i) {
    return (Step > 0 ? e : elements - 1 - e) * C + i % C;
  }

  template <int D>
  struct Lower {
    static constexpr int lane(int i) {
      const int e = element(i);
      return e & D ? lane_of_element(tree_source(e, D), i) : L + i;
    }
  };
  template <int e>
  struct All {  // one element in all lanes
    static constexpr int lane(int i) { return lane_of_element(e, i); }
  };
  struct Onward {  // shift by one element; the first is filled from elsewhere
    static constexpr int lane(int i) {
      return element(i) == 0 ? L + i : lane_of_element(element(i) - 1, i);
    }
  };
  struct First {
    static constexpr int lane(int i) {
      return element(i) == 0 ? lane_of_element(elements - 1, i) : L + i;
    }
  };

  static inline V last(V a) {
    if constexpr (elements == 1) {
      return a;
    } else {
      return permute<All<elements - 1>, A, L>(a);
    }
  }

  template <int D, class X = A>
  static inline void step(Group& g) {
    if constexpr (D < elements) {
      CUMSUM_UNROLL
      for (int j = 0; j < parts; ++j) {
        const V lower = permute<Lower<D>, A, L>(g.part[j]);
        g.part[j] = D == 1 ? g.part[j] + lower : add_beside<X, A, L>(g.part[j], lower);
      }
    } else {
      CUMSUM_UNROLL
      for (int j = 0; j < parts; ++j) {
        int e = j / vectors * elements;
        if (e & D) {
          const V lower = last(g.part[tree_source(e, D) / elements * vectors + j % vectors]);
          g.part[j] = add_beside<X, A, L>(g.part[j], lower);
        }
      }
    }
  }

  struct SecondGroup {  // its lanes from the second vector, the others from the first
    static constexpr int lane(int i) { return element(i) < group_size ? i : L + i; }
  };

  // The chain into each element's group, from the chain into the bundle; and the chain out of it.
  static inline Sum chain_in(const Group& g, Sum& chain) {
    const Sum sum = total(g);
    Sum before = chain;
    if constexpr (G == 2) {
      const V second = chain.part[0] + permute<All<group_size - 1>, A, L>(g.part[0]);
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

  // Where vector j of the group lies from the group's first element.
  template <class T>
  static constexpr int64_t place(int j) {
    constexpr int64_t size = sizeof(T);
    if (Step > 0) return j * L * size;
    return -(j / vectors * elements + elements - 1) * C * size + j % vectors * L * size;
  }

  template <class X>
  static inline Group load_group(const char* x) {
    Group g;
    CUMSUM_UNROLL
    for (int j = 0; j < parts; ++j) g.part[j] = load<A, L, X>(x + place<X>(j));
    return g;
  }

  // Zeros for what does not count of a group.
  template <class X>
  static inline void filter(Group& g, const char* x, Manner manner) {
    static_assert(C == 1);
    if (manner.mask) {
      CUMSUM_UNROLL
      for (int j = 0; j < parts; ++j) {
        g.part[j] = masked<A, L>(g.part[j], manner.template mask_at<X>(x + place<X>(j)));
      }
    }
    if (manner.skipna) {
      CUMSUM_UNROLL
      for (int j = 0; j < parts; ++j) g.part[j] = numbers_of_row<A, L>(g.part[j]);
    }
  }

  template <class R>
  static inline void store_group(char* y, const Group& g, bool stream) {
    CUMSUM_UNROLL
    for (int j = 0; j < parts; ++j) {
      if (stream) {
        store_stream<R, A, L>(y + place<R>(j), g.part[j]);
      } else {
        store<R, A, L>(y + place<R>(j), g.part[j]);
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
  template <class X>
  [[gnu::always_inline]] static inline void finish(Group& g, const Above* carry, Sum& chain,
                                                   bool exclusive) {
    Sum first = chain;
    const Sum before = chain_in(g, chain);
    CUMSUM_UNROLL
    for (int j = 0; j < parts; ++j) {
      g.part[j] = add_beside<X, A, L>(before.part[j % vectors], g.part[j]);
      if (carry) g.part[j] = add_carry<X, A, L>(carry->part[j % vectors], g.part[j]);
    }
    if (exclusive) {
      for (int k = 0; carry && k < vectors; ++k) first.part[k] = carry->part[k] + first.part[k];
      g = shift(g, first);
    }
  }

  // Sums of a group of short integers fit in shorter words, of which a vector holds more. (With
  // vectors of 32 bytes it takes as long to part them again.)
  template <class X>
  static constexpr bool is_short =
      __is_same(A, uint64_t) && sizeof(X) <= 2 && C == 1 && vector_bytes == 64;

  template <class X, int count>
  [[gnu::always_inline]] static inline void grow_short_trees(const char* x, Group (&g)[count]) {
    using Word = std::conditional_t<sizeof(X) == 1, uint16_t, uint32_t>;
    constexpr int lanes = vector_bytes / sizeof(Word), together = lanes / bundle;
    using Narrow = Row<Word, 1, Step, lanes / group_size>;
    static_assert(count % together == 0);
    CUMSUM_UNROLL
    for (int i = 0; i < count; i += together) {
      auto narrow = Narrow::template load_group<X>(x + Step * i * bundle * int64_t{sizeof(X)});
      Narrow::template step<1>(narrow);
      Narrow::template step<2>(narrow);
      Narrow::template step<4>(narrow);
      spread_out(narrow.part[0], &g[i], std::make_integer_sequence<int, together * parts>{});
    }
  }

  // Vectors of A from those lanes of a wider one that come next in the scan.
  template <class Narrow, int... at>
  [[gnu::always_inline]] static inline void spread_out(Narrow narrow, Group* g,
                                                       std::integer_sequence<int, at...>) {
    constexpr int count = sizeof...(at);
    ((g[at / parts].part[at % parts] = lengthened<(Step > 0 ? at : count - 1 - at) * L>(
          narrow, std::make_integer_sequence<int, L>{})),
     ...);
  }

  template <int first, class Narrow, int... I>
  [[gnu::always_inline]] static inline V lengthened(Narrow narrow,
                                                    std::integer_sequence<int, I...>) {
    using Word = std::conditional_t<sizeof(narrow[0]) == 2, int16_t, int32_t>;
    const auto some = __builtin_shufflevector(narrow, narrow, (first + I)...);
    return widen<A, L, Word>(bit_cast<Vector<Word, L>>(some));
  }

  // `count` bundles, each step for all of them before the next step: a processor that looks only so
  // far ahead then always has something to do.
  template <class X, bool plain, int count>
  [[gnu::always_inline]] static inline void grow_trees(const char* x, Group (&g)[count],
                                                       Manner manner) {
    constexpr int64_t x_step = Step * bundle * C * int64_t{sizeof(X)};
    if constexpr (plain && is_short<X> && count > 1) {
      grow_short_trees<X>(x, g);
      return;
    }
    CUMSUM_UNROLL
    for (int i = 0; i < count; ++i) g[i] = load_group<X>(x + i * x_step);
    if constexpr (!plain && C == 1) {
      if (manner.filters()) {
        CUMSUM_UNROLL
        for (int i = 0; i < count; ++i) filter<X>(g[i], x + i * x_step, manner);
      }
    }
    CUMSUM_UNROLL
    for (int i = 0; i < count; ++i) step<1, X>(g[i]);
    CUMSUM_UNROLL
    for (int i = 0; i < count; ++i) step<2, X>(g[i]);
    CUMSUM_UNROLL
    for (int i = 0; i < count; ++i) step<4, X>(g[i]);
  }

  template <class X, class R, bool plain, int count>
  [[gnu::always_inline]] static inline void finish_trees(char* y, Group (&g)[count],
                                                         const Above* carry, Sum& chain,
                                                         Manner manner) {
    constexpr int64_t y_step = Step * bundle * C * int64_t{sizeof(R)};
    CUMSUM_UNROLL
    for (int i = 0; i < count; ++i) finish<X>(g[i], carry, chain, !plain && manner.exclusive);
    if (manner.stream) {
      CUMSUM_UNROLL
      for (int i = 0; i < count; ++i) store_group<R>(y + i * y_step, g[i], true);
    } else {
      CUMSUM_UNROLL
      for (int i = 0; i < count; ++i) store_group<R>(y + i * y_step, g[i], false);
    }
  }

  template <class X, class R, bool plain, int count>
  [[gnu::always_inline]] static inline void scan_bundles(const char* x, char* y, const Above* carry,
                                                         Sum& chain, Manner manner) {
    Group g[count];
    grow_trees<X, plain, count>(x, g, manner);
    finish_trees<X, R, plain, count>(y, g, carry, chain, manner);
  }
};

}  // namespace
}  // namespace cumsum
