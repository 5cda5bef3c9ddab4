// Vectors of this target, loaded from and stored to any element type. The only file that knows a
// CPU.
#pragma once

#include <stdint.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <utility>

#include "element.h"

namespace cumsum {
namespace {

#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64;
#elif defined(__AVX2__)
inline constexpr int vector_bytes = 32;
#else
inline constexpr int vector_bytes = 16;
#endif

template <class T, int L>
struct VectorOf {
  typedef T type __attribute__((vector_size(sizeof(T) * L)));
};
template <class T>
struct VectorOf<T, 1> {
  using type = T;
};
template <class T, int L>
using Vector = typename VectorOf<T, L>::type;

// Lanes of the accumulator A in one vector, at most `most`.
template <class A, int most>
inline constexpr int lanes_of =
    static_cast<int>(vector_bytes / sizeof(A)) < most ? static_cast<int>(vector_bytes / sizeof(A))
                                                      : most;
template <int most>
inline constexpr int lanes_of<long double, most> = 1;

template <class To, class From>
inline To bit_cast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  __builtin_memcpy(&to, &from, sizeof(To));
  return to;
}

template <class T>
inline T read(const char* p) {
  T value;
  __builtin_memcpy(&value, p, sizeof(T));
  return value;
}

template <class T>
inline void write(char* p, T value) {
  __builtin_memcpy(p, &value, sizeof(T));
}

// ---- shuffles -------------------------------------------------------------------------------

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

// Lanes of (a, zero) chosen by F::lane, where L + i means lane i of zero.
template <class F, class A, int L>
inline Vector<A, L> permute(Vector<A, L> a) {
  using Lanes = typename LaneMap<std::make_integer_sequence<int, L>>::template Mapped<F>;
  return pick<Vector<A, L>>(a, Vector<A, L>{}, Lanes{});
}

// Lanes of (a, b) chosen by F::lane, where L + i means lane i of b.
template <class F, class A, int L>
inline Vector<A, L> choose(Vector<A, L> a, Vector<A, L> b) {
  using Lanes = typename LaneMap<std::make_integer_sequence<int, L>>::template Mapped<F>;
  return pick<Vector<A, L>>(a, b, Lanes{});
}

}  // namespace
}  // namespace cumsum
