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

// ---- element-wise conversions ---------------------------------------------------------------

// As __builtin_convertvector, with the single instructions that GCC 12 does not find.
template <class A, int L, class X>
inline Vector<A, L> widen(Vector<X, L> x) {
  [[maybe_unused]] constexpr int from = sizeof(X), to = sizeof(A);
  [[maybe_unused]] constexpr bool integers = A(0.5) == A(0) && X(0.5) == X(0);
  [[maybe_unused]] constexpr bool is_signed = X(-1) < X(0);
#if defined(__AVX512F__)
  if constexpr (L == 8 && __is_same(A, double) && __is_same(X, float)) {
    return bit_cast<Vector<A, L>>(_mm512_cvtps_pd(bit_cast<__m256>(x)));
  } else if constexpr (L == 16 && integers && to == 4 && from == 2) {
    auto v = bit_cast<__m256i>(x);
    return bit_cast<Vector<A, L>>(is_signed ? _mm512_cvtepi16_epi32(v) : _mm512_cvtepu16_epi32(v));
  } else if constexpr (L == 8 && integers && to == 8 && from == 4) {
    auto v = bit_cast<__m256i>(x);
    return bit_cast<Vector<A, L>>(is_signed ? _mm512_cvtepi32_epi64(v) : _mm512_cvtepu32_epi64(v));
  } else if constexpr (L == 8 && integers && to == 8 && from == 2) {
    auto v = bit_cast<__m128i>(x);
    return bit_cast<Vector<A, L>>(is_signed ? _mm512_cvtepi16_epi64(v) : _mm512_cvtepu16_epi64(v));
  } else if constexpr (L == 8 && integers && to == 8 && from == 1) {
    auto v = _mm_cvtsi64_si128(bit_cast<int64_t>(x));
    return bit_cast<Vector<A, L>>(is_signed ? _mm512_cvtepi8_epi64(v) : _mm512_cvtepu8_epi64(v));
  }
#endif
#if defined(__AVX2__)
  if constexpr (L == 4 && __is_same(A, double) && __is_same(X, float)) {
    return bit_cast<Vector<A, L>>(_mm256_cvtps_pd(bit_cast<__m128>(x)));
  } else if constexpr (L == 4 && integers && to == 8 && from == 4) {
    auto v = bit_cast<__m128i>(x);
    return bit_cast<Vector<A, L>>(is_signed ? _mm256_cvtepi32_epi64(v) : _mm256_cvtepu32_epi64(v));
  } else if constexpr (L == 4 && integers && to == 8 && from == 2) {
    auto v = _mm_cvtsi64_si128(bit_cast<int64_t>(x));
    return bit_cast<Vector<A, L>>(is_signed ? _mm256_cvtepi16_epi64(v) : _mm256_cvtepu16_epi64(v));
  } else if constexpr (L == 4 && integers && to == 8 && from == 1) {
    auto v = _mm_cvtsi32_si128(bit_cast<int32_t>(x));
    return bit_cast<Vector<A, L>>(is_signed ? _mm256_cvtepi8_epi64(v) : _mm256_cvtepu8_epi64(v));
  } else if constexpr (L == 8 && integers && to == 4 && from == 2) {
    auto v = bit_cast<__m128i>(x);
    return bit_cast<Vector<A, L>>(is_signed ? _mm256_cvtepi16_epi32(v) : _mm256_cvtepu16_epi32(v));
  } else if constexpr (L == 8 && integers && to == 4 && from == 1) {
    auto v = _mm_cvtsi64_si128(bit_cast<int64_t>(x));
    return bit_cast<Vector<A, L>>(is_signed ? _mm256_cvtepi8_epi32(v) : _mm256_cvtepu8_epi32(v));
  } else if constexpr (L == 4 && integers && to == 4 && from == 2) {
    auto v = _mm_cvtsi64_si128(bit_cast<int64_t>(x));
    return bit_cast<Vector<A, L>>(is_signed ? _mm_cvtepi16_epi32(v) : _mm_cvtepu16_epi32(v));
  }
#endif
  return __builtin_convertvector(x, Vector<A, L>);
}

// The low halves of 32-bit lanes.
template <int L>
inline Vector<uint16_t, L> low_halves(Vector<uint32_t, L> x) {
#if defined(__AVX512VL__)
  if constexpr (L == 16) {
    return bit_cast<Vector<uint16_t, L>>(_mm512_cvtepi32_epi16(bit_cast<__m512i>(x)));
  }
  if constexpr (L == 8) {
    return bit_cast<Vector<uint16_t, L>>(_mm256_cvtepi32_epi16(bit_cast<__m256i>(x)));
  }
#endif
#if defined(__AVX2__)
  if constexpr (L == 4) {
    const __m128i picked = _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1);
    auto halves = _mm_shuffle_epi8(bit_cast<__m128i>(x), picked);
    return bit_cast<Vector<uint16_t, L>>(_mm_cvtsi128_si64(halves));
  }
#endif
  return __builtin_convertvector(x, Vector<uint16_t, L>);
}

// ---- float16 and bfloat16, to and from float -------------------------------------------------

template <int L>
inline Vector<float, L> from_bfloat16(Vector<uint16_t, L> bits) {
  return bit_cast<Vector<float, L>>(widen<uint32_t, L, uint16_t>(bits) << 16);
}

// Rounded to the nearest, ties to even. A NaN stays one if the lower half of its bits is zero, as
// in those that come from bfloat16 or from an addition.
template <int L>
inline Vector<uint16_t, L> to_bfloat16(Vector<float, L> x) {
  auto bits = bit_cast<Vector<uint32_t, L>>(x);
  return low_halves<L>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

template <int L>
inline Vector<float, L> from_float16(Vector<uint16_t, L> bits) {
#if defined(__AVX512F__)
  if constexpr (L == 16) {
    return bit_cast<Vector<float, 16>>(_mm512_cvtph_ps(bit_cast<__m256i>(bits)));
  }
#endif
#if defined(__F16C__)
  if constexpr (L == 8) {
    return bit_cast<Vector<float, 8>>(_mm256_cvtph_ps(bit_cast<__m128i>(bits)));
  }
  if constexpr (L == 4) {
    __m128i low = _mm_cvtsi64_si128(bit_cast<int64_t>(bits));
    return bit_cast<Vector<float, 4>>(_mm_cvtph_ps(low));
  }
#endif
  // Shift the fields into float32's places; the exponent's bias is mended by a multiplication,
  // which puts subnormal numbers right as well.
  auto wide = widen<uint32_t, L, uint16_t>(bits);
  auto sign = (wide & 0x8000u) << 16;
  auto special = bit_cast<Vector<uint32_t, L>>((wide & 0x7c00u) == 0x7c00u) & 0x7f800000u;
  auto magnitude = bit_cast<Vector<float, L>>((wide & 0x7fffu) << 13) * 0x1p112f;
  return bit_cast<Vector<float, L>>(bit_cast<Vector<uint32_t, L>>(magnitude) | special | sign);
}

// Rounded to the nearest, ties to even.
template <int L>
inline Vector<uint16_t, L> to_float16(Vector<float, L> x) {
#if defined(__AVX512F__)
  if constexpr (L == 16) {
    return bit_cast<Vector<uint16_t, 16>>(_mm512_cvtps_ph(bit_cast<__m512>(x), 0));
  }
#endif
#if defined(__F16C__)
  if constexpr (L == 8) {
    return bit_cast<Vector<uint16_t, 8>>(_mm256_cvtps_ph(bit_cast<__m256>(x), 0));
  }
  if constexpr (L == 4) {
    __m128i low = _mm_cvtps_ph(bit_cast<__m128>(x), 0);
    return bit_cast<Vector<uint16_t, 4>>(_mm_cvtsi128_si64(low));
  }
#endif
  // Adding a power of two 2^13 times float16's last place at x rounds to that place: the sum's low
  // bits then count such places.
  auto bits = bit_cast<Vector<uint32_t, L>>(x);
  auto sign = (bits >> 16) & 0x8000u;
  auto magnitude = bits & 0x7fffffffu;
  constexpr uint32_t least = (127u - 14u) << 23;  // float16's least normal number
  auto exponent = magnitude & 0x7f800000u;
  auto small = bit_cast<Vector<uint32_t, L>>(exponent < least);
  exponent = (exponent & ~small) | (least & small);
  auto lifted =
      bit_cast<Vector<float, L>>(magnitude) + bit_cast<Vector<float, L>>(exponent + (13u << 23));
  auto places = bit_cast<Vector<uint32_t, L>>(lifted) & 0x7fffffu;
  auto half = (((exponent >> 23) - 113u) << 10) + places;
  auto over = bit_cast<Vector<uint32_t, L>>(magnitude >= 0x477ff000u);
  auto nan = bit_cast<Vector<uint32_t, L>>(x != x);
  half = (half & ~over) | (0x7c00u & over) | (0x200u & nan);
  return low_halves<L>(half | sign);
}

// ---- loads and stores -----------------------------------------------------------------------

template <class T>
struct StorageOf {  // what the vectors are made of
  using type = T;
};
template <>
struct StorageOf<Bool> {
  using type = uint8_t;
};
template <>
struct StorageOf<Float16> {
  using type = uint16_t;
};
template <>
struct StorageOf<BFloat16> {
  using type = uint16_t;
};
template <class T>
using Storage = typename StorageOf<T>::type;

template <class A, int L, class X>
inline Vector<A, L> load(const char* p) {
  if constexpr (L == 1 && __is_same(A, long double)) {
    return read<X>(p);
  } else if constexpr (L == 1 && __is_same(X, Storage<X>)) {
    return static_cast<A>(read<X>(p));
  } else if constexpr (L == 1) {  // by way of two lanes, so that each cast is written once
    char pair[2 * sizeof(X)];
    __builtin_memcpy(pair, p, sizeof(X));
    __builtin_memcpy(pair + sizeof(X), p, sizeof(X));
    return load<A, 2, X>(pair)[0];
  } else {
    auto raw = read<Vector<Storage<X>, L>>(p);
    if constexpr (__is_same(X, Bool)) {
      raw = bit_cast<decltype(raw)>(raw != 0) & 1;
    }
    if constexpr (__is_same(X, Float16)) {
      return widen<A, L, float>(from_float16<L>(raw));
    } else if constexpr (__is_same(X, BFloat16)) {
      return widen<A, L, float>(from_bfloat16<L>(raw));
    } else {
      return widen<A, L, Storage<X>>(raw);
    }
  }
}

template <class R, class A, int L>
inline auto narrow(Vector<A, L> sum) {
  if constexpr (__is_same(R, Bool)) {
    return __builtin_convertvector(sum != 0, Vector<uint8_t, L>) & 1;
  } else if constexpr (__is_same(R, Float16)) {
    return to_float16<L>(__builtin_convertvector(sum, Vector<float, L>));
  } else if constexpr (__is_same(R, BFloat16)) {
    return to_bfloat16<L>(__builtin_convertvector(sum, Vector<float, L>));
  } else {
    return __builtin_convertvector(sum, Vector<R, L>);
  }
}

template <class R, class A, int L>
inline void store(char* p, Vector<A, L> sum) {
  if constexpr (L == 1 && __is_same(A, long double)) {
    write<R>(p, sum);
  } else if constexpr (L == 1 && __is_same(R, Storage<R>)) {
    write<R>(p, static_cast<R>(sum));
  } else if constexpr (L == 1) {
    write<Storage<R>>(p, narrow<R, A, 2>(Vector<A, 2>{sum, sum})[0]);
  } else {
    write(p, narrow<R, A, L>(sum));
  }
}

// Past the cache, where a whole number of 16-byte stores allows it; p is then a multiple of 16.
template <class R, class A, int L>
inline void store_stream(char* p, Vector<A, L> sum) {
#if defined(__x86_64__)
  if constexpr (L > 1 && sizeof(R) * L % 16 == 0) {
    auto out = narrow<R, A, L>(sum);
    char bytes[sizeof(out)];
    __builtin_memcpy(bytes, &out, sizeof(out));
    for (unsigned i = 0; i < sizeof(out); i += 16) {
      _mm_stream_si128(reinterpret_cast<__m128i*>(p + i), read<__m128i>(bytes + i));
    }
    return;
  }
#endif
  store<R, A, L>(p, sum);
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

}  // namespace
}  // namespace cumsum
