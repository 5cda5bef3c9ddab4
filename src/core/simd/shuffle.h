// Lanes moved about inside vectors.
#pragma once

#include <type_traits>
#include <utility>

#include "vector.h"

namespace cumsum {
namespace {

template <class V, int... I>
inline V pick(V a, V b, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(a, b, I...);
}

template <class T>
struct LaneMap;  // calls F::lane(i) for each lane i
template <int... I>
struct LaneMap<std::integer_sequence<int, I...>> {
  template <class F>
  using Mapped = std::integer_sequence<int, F::lane(I)...>;
};

// The first halves of a and b, or the second ones, lane by lane in turn.
template <int first, class V, int... I>
inline V interleave(V a, V b, std::integer_sequence<int, I...>) {
  constexpr int L = sizeof...(I);
  return __builtin_shufflevector(a, b, (I % 2 * L + I / 2 + first)...);
}

// Eight rows of eight become eight columns: a perfect shuffle of the rows, three times.
template <class V>
inline void transpose(V (&rows)[8]) {
  constexpr std::make_integer_sequence<int, 8> lanes;
#pragma GCC unroll 3
  for (int round = 0; round < 3; ++round) {
    V next[8];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      next[2 * i] = interleave<0>(rows[i], rows[i + 4], lanes);
      next[2 * i + 1] = interleave<4>(rows[i], rows[i + 4], lanes);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) rows[i] = next[i];
  }
}

// Bit i is set where lane i of the result is one of the L lanes of the source.
template <int L, int... I>
constexpr unsigned lanes_taken(std::integer_sequence<int, I...>) {
  unsigned mask = 0, bit = 1;
  ((mask |= I < L ? bit : 0, bit *= 2), ...);
  return mask;
}

// Whether no lane leaves its place.
template <int L, int... I>
constexpr bool in_place(std::integer_sequence<int, I...>) {
  int i = 0;
  return ((I % L == i++) && ...);
}

template <class V, int... I, int... Own>
inline V pick_or_zero(V a, std::integer_sequence<int, I...> lanes,
                      [[maybe_unused]] std::integer_sequence<int, Own...> all) {
// Zeros by a mask; a shuffle with a vector of zeros takes a copy of it first. The types are those
// in which GCC makes one instruction of the shuffle and the mask.
#if defined(__AVX512BW__)
  constexpr int L = sizeof...(I), size = sizeof(V) / L;
  constexpr unsigned taken = lanes_taken<L>(lanes);
  if constexpr (sizeof(V) >= 32 && size >= 2) {
    using Lane =
        std::conditional_t<size == 8, double, std::conditional_t<size == 4, int32_t, int16_t>>;
    const auto own = bit_cast<Vector<Lane, L>>(a);
    const auto picked = __builtin_shufflevector(own, own, (I < L ? I : Own)...);
    if constexpr (size == 8 && L == 8) {
      return bit_cast<V>(_mm512_maskz_mov_pd(taken, bit_cast<__m512d>(picked)));
    } else if constexpr (size == 8) {
      return bit_cast<V>(_mm256_maskz_mov_pd(taken, bit_cast<__m256d>(picked)));
    } else if constexpr (size == 4 && L == 16) {
      return bit_cast<V>(_mm512_maskz_mov_epi32(taken, bit_cast<__m512i>(picked)));
    } else if constexpr (size == 4) {
      return bit_cast<V>(_mm256_maskz_mov_epi32(taken, bit_cast<__m256i>(picked)));
    } else if constexpr (L == 32) {
      return bit_cast<V>(_mm512_maskz_mov_epi16(taken, bit_cast<__m512i>(picked)));
    } else {
      return bit_cast<V>(_mm256_maskz_mov_epi16(taken, bit_cast<__m256i>(picked)));
    }
  }
#endif
  return pick(a, V{}, lanes);
}

template <class F, int L>
using Lanes = typename LaneMap<std::make_integer_sequence<int, L>>::template Mapped<F>;

// Lanes of (a, zero) chosen by F::lane, where L + i means lane i of zero.
template <class F, class A, int L>
inline Vector<A, L> permute(Vector<A, L> a) {
  if constexpr (is_twice<A>) {
    using Part = typename A::part;
    return {permute<F, Part, L>(a.high), permute<F, Part, L>(a.low)};
  } else if constexpr (lanes_taken<L>(Lanes<F, L>{}) == ~0u >> (32 - L)) {
    return pick(a, a, Lanes<F, L>{});
  } else {
    return pick_or_zero(a, Lanes<F, L>{}, std::make_integer_sequence<int, L>{});
  }
}

// Between the order in memory and that of a walk over it, forward or (Step -1) backward.
template <int Step, class A, int L>
inline Vector<A, L> turned(Vector<A, L> v) {
  struct Backwards {
    static constexpr int lane(int i) { return L - 1 - i; }
  };
  if constexpr (Step > 0 || L == 1) {
    return v;
  } else {
    return permute<Backwards, A, L>(v);
  }
}

// Lanes of (a, b) chosen by F::lane, where L + i means lane i of b.
template <class F, class A, int L>
inline Vector<A, L> choose(Vector<A, L> a, Vector<A, L> b) {
  if constexpr (is_twice<A>) {
    using Part = typename A::part;
    return {choose<F, Part, L>(a.high, b.high), choose<F, Part, L>(a.low, b.low)};
  } else {
#if defined(__AVX512F__)  // GCC moves 16-byte pieces, which takes longer than a mask
    if constexpr (sizeof(a) == 64 && L == 16 && in_place<L>(Lanes<F, L>{})) {
      constexpr unsigned own = lanes_taken<L>(Lanes<F, L>{});
      return bit_cast<Vector<A, L>>(
          _mm512_mask_mov_ps(bit_cast<__m512>(b), own, bit_cast<__m512>(a)));
    }
#endif
    return pick<Vector<A, L>>(a, b, Lanes<F, L>{});
  }
}

template <int from>
struct Always {
  static constexpr int lane(int) { return from; }
};
template <int from, int L>
struct Twofold {
  static constexpr int lane(int i) { return i < 2 ? from : L + i; }
};

// One lane in all of them. Where shuffles have one unit a load of a lane, of which there are two or
// three, takes none of its time. (Decayed rows in AVX-512, Emerald Rapids: 0.72 ns an element so,
// 0.83 by shuffles; in assembler, since GCC 12 loads first and then shuffles.)
template <int lane, int L>
inline Vector<double, L> repeated(Vector<double, L> a) {
#if defined(__AVX2__)
  if constexpr (L >= 4) {
    Vector<double, L> all;
    asm("vbroadcastsd %1, %0" : "=v"(all) : "m"(reinterpret_cast<const double*>(&a)[lane]));
    return all;
  }
#endif
  return permute<Always<lane>, double, L>(a);
}

// One lane in the first two, zeros in the others.
template <int lane, int L>
inline Vector<double, L> repeated_twice(Vector<double, L> a) {
#if defined(__AVX2__)
  if constexpr (L >= 4) {
    Vector<double, L> two;
    asm("vmovddup %1, %x0" : "=v"(two) : "m"(reinterpret_cast<const double*>(&a)[lane]));
    return two;
  }
#endif
  return permute<Twofold<lane, L>, double, L>(a);
}

template <class V, int... I, int... Own>
inline V pick_two_or_zero(V a, V b, std::integer_sequence<int, I...>,
                          std::integer_sequence<int, Own...>) {
  const V picked = __builtin_shufflevector(a, b, (I < 0 ? Own : I)...);
#if defined(__AVX512F__)  // as above
  if constexpr (sizeof(V) == 64 && sizeof...(I) == 8) {
    unsigned taken = 0, bit = 1;
    ((taken |= I < 0 ? 0 : bit, bit *= 2), ...);
    return bit_cast<V>(_mm512_maskz_mov_pd(taken, bit_cast<__m512d>(picked)));
  }
#endif
  constexpr int size = sizeof(V) / sizeof...(I);
  using Word = std::conditional_t<size == 8, int64_t, int32_t>;
  using Words = Vector<Word, sizeof...(I)>;
  return bit_cast<V>(bit_cast<Words>(picked) & Words{(I < 0 ? Word{0} : Word{-1})...});
}

template <class V, int... I, int... Own>
inline V times_picked(V a, std::integer_sequence<int, I...> lanes,
                      [[maybe_unused]] std::integer_sequence<int, Own...> all) {
#if defined(__AVX512F__)  // as above
  constexpr int L = sizeof...(I);
  if constexpr (sizeof(V) == 64 && L == 8) {
    const auto own = bit_cast<__m512d>(a),
               picked = bit_cast<__m512d>(__builtin_shufflevector(a, a, (I < L ? I : Own)...));
    return bit_cast<V>(_mm512_mask_mul_pd(own, lanes_taken<L>(lanes), own, picked));
  }
#endif
  return a * pick(a, V{} + 1, lanes);
}

// Each lane times that chosen by F::lane, where L + i means that it stays as it is.
template <class F, class A, int L>
inline Vector<A, L> times_chosen(Vector<A, L> a) {
  return times_picked(a, Lanes<F, L>{}, std::make_integer_sequence<int, L>{});
}

// Lanes of (a, b) chosen by F::lane, where L + i means lane i of b and -1 means zero.
template <class F, class A, int L>
inline Vector<A, L> choose_or_zero(Vector<A, L> a, Vector<A, L> b) {
  using All = std::make_integer_sequence<int, L>;
  return pick_two_or_zero(a, b, Lanes<F, L>{}, All{});
}

}  // namespace
}  // namespace cumsum
