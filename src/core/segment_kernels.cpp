// Compiled once for each target: segments of a few elements, as many at a time as a vector holds.
#include "pairs.h"
#include "rows.h"

namespace cumsum {
namespace {

// Of each lane of a group, how far the segment's first element is before it (or its last one behind
// it), by the set of lanes that segments begin at, or end at.
struct Distances {
  uint8_t since[1 << group_size][group_size];
  uint8_t until[1 << group_size][group_size];
};

constexpr Distances make_distances() {
  Distances table{};
  for (int set = 0; set < 1 << group_size; ++set) {
    for (int lane = 0, last = 0; lane < group_size; ++lane) {
      if (set >> lane & 1) last = lane;
      table.since[set][lane] = static_cast<uint8_t>(lane - last);
    }
    for (int lane = group_size - 1, last = lane; lane >= 0; --lane) {
      if (set >> lane & 1) last = lane;
      table.until[set][lane] = static_cast<uint8_t>(last - lane);
    }
  }
  return table;
}
constexpr Distances distances = make_distances();

// The segments that begin at one element and end within a group of it.
struct Whole {
  int64_t segments, elements;
  unsigned ends;  // bit e: one ends after element e
};

inline Whole whole_segments(const int64_t* offsets, int64_t most) {
  const int64_t begin = offsets[0];
  Whole whole{};
#if defined(__AVX512F__)
  if (most >= group_size) {
    const auto length =
        read<Vector<int64_t, group_size>>(reinterpret_cast<const char*>(offsets + 1)) - begin;
    const auto fits = length <= group_size;
    const auto bit = (1LL << length >> 1) & fits;  // none for an empty segment
    whole.segments = __builtin_popcount(_mm512_movepi64_mask(bit_cast<__m512i>(fits)));
    whole.ends = static_cast<unsigned>(_mm512_reduce_or_epi64(bit_cast<__m512i>(bit)));
    whole.elements = whole.ends ? 32 - __builtin_clz(whole.ends) : 0;
    return whole;
  }
#endif
  while (whole.segments < most && offsets[whole.segments + 1] - begin <= group_size) {
    whole.elements = offsets[++whole.segments] - begin;
    if (whole.elements) whole.ends |= 1u << (whole.elements - 1);
  }
  return whole;
}

template <int size>
struct LaneOf;
template <>
struct LaneOf<4> {
  using type = int32_t;
};
template <>
struct LaneOf<8> {
  using type = int64_t;
};

template <class A, int C, int Step>
struct Short {
  // Whether a group of elements is a vector whose lanes can be moved by what is known at run time.
  static constexpr bool in_lanes = C == 1 && !is_twice<A> && !__is_same(A, long double) &&
                                   sizeof(A) * group_size <= vector_bytes;
  using Lane = typename LaneOf<in_lanes ? sizeof(A) : 4>::type;
  using V = Vector<A, group_size>;
  using Lanes = Vector<Lane, group_size>;

  // The lane `distance` before, in the order of the scan, where `chosen` is set; else 0.
  static inline V from_lane(const V& v, const Lanes& distance, const Lanes& chosen) {
    constexpr Lanes lanes = {0, 1, 2, 3, 4, 5, 6, 7};
    const V moved = __builtin_shuffle(v, (lanes - Step * distance) & (group_size - 1));
    return bit_cast<V>(bit_cast<Lanes>(moved) & chosen);
  }

  // The tree of every segment in the vector. A lane that has nothing to add adds +0, which turns
  // into +0 what is -0, as the chain would.
  template <Store S>
  static inline V scan_lanes(V v, unsigned ends) {
    const auto& place = Step > 0 ? distances.since[(ends << 1 | 1) & 0xff] : distances.until[ends];
    using Bytes = Vector<uint8_t, group_size>;
    const auto bytes = read<Bytes>(reinterpret_cast<const char*>(place));
    const Lanes element = __builtin_convertvector(bytes, Lanes);
    v += from_lane(v, 1 + (element & 0), (element & 1) != 0);
    v += from_lane(v, 1 + (element & 1), (element & 2) != 0);
    v += from_lane(v, 1 + (element & 3), (element & 4) != 0);
    v = V{} + v;
    return S == Store::exclusive ? from_lane(v, 1 + (element & 0), element != 0) : v;
  }

  template <class X, class R, Store S>
  static void scan_one(const ShortSegments& p, int64_t begin, int64_t count) {
    using Rows = cumsum::Rows<A, C, Step, 1>;
    typename Rows::Sum chain{};
    const int64_t first = Step > 0 ? begin : begin + count - 1;
    Rows::template scan_rest<X, R, S>(p.x + first * C * int64_t{sizeof(X)},
                                      p.y + first * C * int64_t{sizeof(R)}, static_cast<int>(count),
                                      typename Rows::Above{}, chain);
  }

  template <class X, class R, Store S>
  static int64_t scan(const ShortSegments& p) {
    int64_t s = p.first;
    while (s < p.last) {
      const int64_t begin = p.offsets[s], count = p.offsets[s + 1] - begin;
      if constexpr (in_lanes) {
        if (begin + group_size <= p.end) {
          const Whole whole = whole_segments(p.offsets + s, p.last - s);
          if (whole.segments == 0) return s;
          const V v = load<A, group_size, X>(p.x + begin * int64_t{sizeof(X)});
          store<R, A, group_size>(p.y + begin * int64_t{sizeof(R)}, scan_lanes<S>(v, whole.ends));
          s += whole.segments;
          continue;
        }
      }
      if (count >= group_size) return s;
      scan_one<X, R, S>(p, begin, count);
      ++s;
    }
    return s;
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
