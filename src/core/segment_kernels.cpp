// Compiled once for each target: segments of a few elements.
#include "pairs.h"
#include "policy.h"
#include "rows.h"

namespace cumsum {
namespace {

// Elements of a segment, at most, and of all that are taken together.
constexpr int64_t longest = 32, most_together = policy::segment_stage_bytes / 4;

// The first elements of a segment, numbered.
struct Ramp {
  uint8_t number[longest];
};
constexpr Ramp make_ramp() {
  Ramp ramp{};
  for (int e = 0; e < longest; ++e) ramp.number[e] = static_cast<uint8_t>(e);
  return ramp;
}

template <int size>
struct LaneOf {
  using type = int64_t;
};
template <>
struct LaneOf<4> {
  using type = int32_t;
};

// Segments of any lengths, a group of elements at a time, wherever the segments begin in it. The
// tree of a segment's group may begin in one vector and end in the next, so that each step looks
// for its addends in the vector before as well.
template <class A, int Step>
struct Across {
  using V = Vector<A, group_size>;
  using Lane = typename LaneOf<sizeof(A)>::type;
  using Lanes = Vector<Lane, group_size>;
  static constexpr Lanes lanes = {0, 1, 2, 3, 4, 5, 6, 7};

  // Where chosen, the lane so far before in the order of the scan; +0 elsewhere.
  static inline V before(const V& last, const V& v, const Lanes& distance, const Lanes& chosen) {
    const V moved = __builtin_shuffle(last, v, group_size + lanes - distance);
    return bit_cast<V>(bit_cast<Lanes>(moved) & chosen);
  }

  struct State {  // of the vector before: its elements, after one step and two, and its sums
    V element, pair, four, sum;
  };

  // The sums of one vector, the number of each element in its segment being known. A lane that has
  // nothing to add adds +0: a sum is not -0 in the end anyway.
  template <Store S>
  static inline V step(State& state, const V& element, const Lanes& number) {
    const V pair = element + before(state.element, element, 1 + (number & 0), (number & 1) != 0);
    const V four = pair + before(state.pair, pair, 1 + (number & 1), (number & 2) != 0);
    const V tree = four + before(state.four, four, 1 + (number & 3), (number & 4) != 0);
    // The chain into a group: the sum at its predecessor. That lies in this vector (then its own
    // chain, if it has one, comes from the vector before) or in the vector before.
    const Lanes start = lanes - (number & (group_size - 1)), from = (start - 1) & (group_size - 1);
    const Lanes here = start > 0, ago = here & group_size;
    const V total = __builtin_shuffle(tree, from), last = __builtin_shuffle(state.sum, from);
    const V chain = bit_cast<V>(bit_cast<Lanes>(last) & (number >= group_size + ago)) +
                    bit_cast<V>(bit_cast<Lanes>(total) & here & (number >= group_size));
    const V sum = chain + tree;
    const V result =
        S == Store::exclusive ? before(state.sum, sum, 1 + (number & 0), number != 0) : sum;
    state = {element, pair, four, sum};
    return result;
  }

  struct Backwards {
    static constexpr int lane(int i) { return group_size - 1 - i; }
  };
  static inline V in_order(const V& v) {
    return Step > 0 ? v : permute<Backwards, A, group_size>(v);
  }

  // `count` elements, numbered in the order of the scan.
  template <class X, class R, Store S>
  static inline void scan(const char* x, char* y, const uint8_t* numbers, int64_t count) {
    constexpr int64_t x_size = sizeof(X), y_size = sizeof(R);
    State state{};
    int64_t i = 0;
    const auto sums = [&](const char* from) {
      const auto number =
          load<Lane, group_size, uint8_t>(reinterpret_cast<const char*>(numbers + i));
      return in_order(step<S>(state, in_order(load<A, group_size, X>(from)), number));
    };
    for (; i + group_size <= count; i += group_size) {
      const int64_t at = Step > 0 ? i : count - i - group_size;
      store<R, A, group_size>(y + at * y_size, sums(x + at * x_size));
    }
    if (i == count) return;
    const int64_t rest = count - i, at = Step > 0 ? i : 0, gap = Step > 0 ? 0 : group_size - rest;
    char some[group_size * x_size] = {}, results[group_size * y_size];
    __builtin_memcpy(some + gap * x_size, x + at * x_size, rest * x_size);
    store<R, A, group_size>(results, sums(some));
    __builtin_memcpy(y + at * y_size, results + gap * y_size, rest * y_size);
  }
};

template <class A, int C, int Step>
struct Short {
  // Whether a group of elements is a vector whose lanes can be moved by what is known at run time.
  static constexpr bool in_lanes =
      C == 1 && !__is_same(A, long double) && sizeof(A) * group_size <= vector_bytes;

  // Number the elements of the segments from `first` on, as long as they are short and few enough
  // to be taken together; the first that is not.
  static inline int64_t number_together(const ShortSegments& p, int64_t first, uint8_t* numbers) {
    static constexpr Ramp ramp = make_ramp();
    const int64_t begin = p.offsets[first];
    int64_t last = first, at = begin;
    for (; last < p.last; ++last) {
      const int64_t next = p.offsets[last + 1];
      if (next - at > longest || next - begin > most_together) break;
      if (Step > 0) __builtin_memcpy(numbers + (at - begin), ramp.number, longest);
      at = next;
    }
    // In the order of the scan, so that each writes over what is too long of the one before.
    for (int64_t s = last; Step < 0 && s > first; --s) {
      __builtin_memcpy(numbers + (at - p.offsets[s]), ramp.number, longest);
    }
    return last;
  }

  template <class X, class R, Store S>
  static int64_t scan_together(const ShortSegments& p) {
    uint8_t numbers[most_together + longest + group_size];
    int64_t first = p.first;
    while (first < p.last) {
      const int64_t last = number_together(p, first, numbers);
      if (last == first) break;
      const int64_t begin = p.offsets[first];
      Across<A, Step>::template scan<X, R, S>(p.x + begin * int64_t{sizeof(X)},
                                              p.y + begin * int64_t{sizeof(R)}, numbers,
                                              p.offsets[last] - begin);
      first = last;
    }
    return first;
  }

  template <class X, class R, Store S>
  static int64_t scan_each(const ShortSegments& p) {
    using Rows = cumsum::Rows<A, C, Step, 1>;
    int64_t s = p.first;
    for (; s < p.last; ++s) {
      const int64_t begin = p.offsets[s], count = p.offsets[s + 1] - begin;
      if (count >= group_size) break;
      const int64_t first = Step > 0 ? begin : begin + count - 1;
      typename Rows::Sum chain{};
      Rows::template scan_rest<X, R, S>(p.x + first * C * int64_t{sizeof(X)},
                                        p.y + first * C * int64_t{sizeof(R)},
                                        static_cast<int>(count), typename Rows::Above{}, chain);
    }
    return s;
  }

  template <class X, class R, Store S>
  static int64_t scan(const ShortSegments& p) {
    if constexpr (in_lanes) {
      return scan_together<X, R, S>(p);
    } else {
      return scan_each<X, R, S>(p);
    }
  }
};

template <class X, class R, Store S>
constexpr void add_scan(ScanShort (&scan)[2]) {
  using A = Accumulator<typename R::part>;
  scan[0] = Short<A, R::channels, 1>::template scan<typename X::part, typename R::part, S>;
  scan[1] = Short<A, R::channels, -1>::template scan<typename X::part, typename R::part, S>;
}

constexpr SegmentKernels make_segment_kernels() {
  SegmentKernels kernels{};
  kernels.copy_past_cache = copy_past_cache;
  for_each_pair([&]<class X, class R>(int x, int r) {
    add_scan<X, R, Store::inclusive>(kernels.scan[x][r][0]);
    add_scan<X, R, Store::exclusive>(kernels.scan[x][r][1]);
  });
  return kernels;
}

}  // namespace

namespace CUMSUM_TARGET {
extern constinit const SegmentKernels segment_kernels = make_segment_kernels();
}  // namespace CUMSUM_TARGET

}  // namespace cumsum
