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

// ---- float16 and bfloat16 -------------------------------------------------------------------

template <int L>
inline Vector<double, L> widen_bfloat16(Vector<uint16_t, L> bits) {
  auto wide = widen<uint32_t, L, uint16_t>(bits) << 16;
  return widen<double, L, float>(bit_cast<Vector<float, L>>(wide));
}

template <int L>
inline Vector<double, L> widen_float16(Vector<uint16_t, L> bits) {
#if defined(__F16C__)
  if constexpr (L == 8) {
    return widen<double, 8, float>(
        bit_cast<Vector<float, 8>>(_mm256_cvtph_ps(bit_cast<__m128i>(bits))));
  }
  if constexpr (L == 4) {
    __m128i low = _mm_cvtsi64_si128(bit_cast<int64_t>(bits));
    return widen<double, 4, float>(bit_cast<Vector<float, 4>>(_mm_cvtph_ps(low)));
  }
#endif
  // Shift the fields into float32's places; the exponent's bias is mended by a multiplication,
  // which puts subnormal numbers right as well.
  auto wide = __builtin_convertvector(bits, Vector<uint32_t, L>);
  auto sign = (wide & 0x8000u) << 16;
  auto fields = (wide & 0x7fffu) << 13;
  auto special = bit_cast<Vector<uint32_t, L>>((wide & 0x7c00u) == 0x7c00u);
  auto magnitude = __builtin_convertvector(bit_cast<Vector<float, L>>(fields), Vector<double, L>);
  auto infinite = __builtin_convertvector(
      bit_cast<Vector<float, L>>((fields | 0x7f800000u) & special), Vector<double, L>);
  auto negative =
      __builtin_convertvector(bit_cast<Vector<float, L>>(sign | 0x3f800000u), Vector<double, L>);
  return (magnitude * 0x1p112 + infinite) * negative;
}

// The sum rounded to `digits` bits, ties to even: adding a power of two so much larger that the
// sum's last place is the one wanted, and taking it off again, leaves just that. The float it is
// then put into holds it exactly. Sums of float16 and bfloat16 are multiples of their least
// numbers, so below the normal range there is nothing to round.
template <int L, int digits>
inline Vector<float, L> round_to(Vector<double, L> sum) {
  constexpr uint64_t exponent = 0xfff0000000000000u;  // and the sign
  auto power = (bit_cast<Vector<uint64_t, L>>(sum) & exponent) + (uint64_t{53 - digits} << 52);
  auto large = bit_cast<Vector<double, L>>(power);
  return __builtin_convertvector((sum + large) - large, Vector<float, L>);
}

template <int L>
inline Vector<uint16_t, L> narrow_bfloat16(Vector<double, L> sum) {
  auto bits = bit_cast<Vector<uint32_t, L>>(round_to<L, 8>(sum));
  return low_halves<L>(bits >> 16);
}

template <int L>
inline Vector<uint16_t, L> narrow_float16(Vector<double, L> sum) {
  auto rounded = round_to<L, 11>(sum);
#if defined(__F16C__)
  if constexpr (L == 8) {
    return bit_cast<Vector<uint16_t, 8>>(_mm256_cvtps_ph(bit_cast<__m256>(rounded), 0));
  }
  if constexpr (L == 4) {
    __m128i low = _mm_cvtps_ph(bit_cast<__m128>(rounded), 0);
    return bit_cast<Vector<uint16_t, 4>>(_mm_cvtsi128_si64(low));
  }
#endif
  auto bits = bit_cast<Vector<uint32_t, L>>(rounded);
  auto sign = (bits >> 16) & 0x8000u;
  auto magnitude = bits & 0x7fffffffu;
  auto normal = (magnitude >> 13) - (112u << 10);
  // Below the normal range the number itself, in units of the least one.
  auto units = __builtin_convertvector(
      bit_cast<Vector<float, L>>(magnitude &
                                 bit_cast<Vector<uint32_t, L>>(magnitude < 0x38800000u)) *
          0x1p24f,
      Vector<uint32_t, L>);
  auto small = bit_cast<Vector<uint32_t, L>>(magnitude < 0x38800000u);
  auto over = bit_cast<Vector<uint32_t, L>>(magnitude >= 0x47800000u);
  auto nan = bit_cast<Vector<uint32_t, L>>(magnitude > 0x7f800000u);
  auto half = (normal & ~(small | over)) | (units & small) | (0x7c00u & over) | (0x200u & nan);
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
      return widen_float16<L>(raw);
    } else if constexpr (__is_same(X, BFloat16)) {
      return widen_bfloat16<L>(raw);
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
    return narrow_float16<L>(sum);
  } else if constexpr (__is_same(R, BFloat16)) {
    return narrow_bfloat16<L>(sum);
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

// Lanes of (a, zero) chosen by F::lane, where L + i means lane i of zero.
template <class F, class A, int L>
inline Vector<A, L> permute(Vector<A, L> a) {
  using Lanes = typename LaneMap<std::make_integer_sequence<int, L>>::template Mapped<F>;
  return pick<Vector<A, L>>(a, Vector<A, L>{}, Lanes{});
}

}  // namespace
}  // namespace cumsum
