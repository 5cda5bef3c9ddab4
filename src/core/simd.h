// Vectors of this target, loaded from and stored to any element type. The only file that knows a CPU.
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
inline constexpr int lanes_of = static_cast<int>(vector_bytes / sizeof(A)) < most
                                    ? static_cast<int>(vector_bytes / sizeof(A))
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

// ---- float16 and bfloat16 -------------------------------------------------------------------

template <int L>
inline Vector<double, L> widen_bfloat16(Vector<uint16_t, L> bits) {
  auto wide = __builtin_convertvector(bits, Vector<uint32_t, L>) << 16;
  return __builtin_convertvector(bit_cast<Vector<float, L>>(wide), Vector<double, L>);
}

template <int L>
inline Vector<double, L> widen_float16(Vector<uint16_t, L> bits) {
#if defined(__F16C__)
  if constexpr (L == 8) {
    return __builtin_convertvector(
        bit_cast<Vector<float, 8>>(_mm256_cvtph_ps(bit_cast<__m128i>(bits))), Vector<double, 8>);
  }
  if constexpr (L == 4) {
    __m128i low = _mm_cvtsi64_si128(bit_cast<int64_t>(bits));
    return __builtin_convertvector(bit_cast<Vector<float, 4>>(_mm_cvtph_ps(low)),
                                   Vector<double, 4>);
  }
#endif
  // Shift the fields into float32's places; the exponent's bias is mended by a multiplication, which
  // puts subnormal numbers right as well.
  auto wide = __builtin_convertvector(bits, Vector<uint32_t, L>);
  auto sign = (wide & 0x8000u) << 16;
  auto fields = (wide & 0x7fffu) << 13;
  auto special = bit_cast<Vector<uint32_t, L>>((wide & 0x7c00u) == 0x7c00u);
  auto magnitude = __builtin_convertvector(bit_cast<Vector<float, L>>(fields), Vector<double, L>);
  auto infinite = __builtin_convertvector(
      bit_cast<Vector<float, L>>((fields | 0x7f800000u) & special), Vector<double, L>);
  auto negative = __builtin_convertvector(bit_cast<Vector<float, L>>(sign | 0x3f800000u),
                                          Vector<double, L>);
  return (magnitude * 0x1p112 + infinite) * negative;
}

// Keep 24 bits of the significand, the last one set if anything was cut off ("round to odd"): a
// later rounding to 22 bits or fewer then gives what one rounding of the whole would have given
// (Boldo and Melquiond, Emulation of a FMA and correctly rounded sums, 2008).
template <int L>
inline Vector<float, L> narrow_to_odd(Vector<double, L> sum) {
  auto bits = bit_cast<Vector<uint64_t, L>>(sum);
  constexpr uint64_t cut = (uint64_t{1} << 29) - 1;
  auto sticky = bit_cast<Vector<uint64_t, L>>((bits & cut) != 0) & (cut + 1);
  return __builtin_convertvector(bit_cast<Vector<double, L>>((bits & ~cut) | sticky),
                                 Vector<float, L>);
}

template <int L>
inline Vector<uint16_t, L> narrow_bfloat16(Vector<double, L> sum) {
  auto bits = bit_cast<Vector<uint32_t, L>>(narrow_to_odd<L>(sum));
  auto nan = bit_cast<Vector<uint32_t, L>>((bits & 0x7fffffffu) > 0x7f800000u);
  auto rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  auto quiet = (bits >> 16) | 0x40u;
  return __builtin_convertvector((rounded & ~nan) | (quiet & nan), Vector<uint16_t, L>);
}

template <int L>
inline Vector<uint16_t, L> narrow_float16(Vector<double, L> sum) {
  auto odd = narrow_to_odd<L>(sum);
#if defined(__F16C__)
  if constexpr (L == 8) {
    return bit_cast<Vector<uint16_t, 8>>(_mm256_cvtps_ph(bit_cast<__m256>(odd), 0));
  }
  if constexpr (L == 4) {
    __m128i low = _mm_cvtps_ph(bit_cast<__m128>(odd), 0);
    return bit_cast<Vector<uint16_t, 4>>(_mm_cvtsi128_si64(low));
  }
#endif
  // Adding a power of two that is 2^13 units of float16's last place larger rounds to that place.
  auto bits = bit_cast<Vector<uint32_t, L>>(odd);
  auto sign = (bits >> 16) & 0x8000u;
  auto magnitude = bits & 0x7fffffffu;
  auto exponent = magnitude & 0x7f800000u;
  constexpr uint32_t least = (127 - 14) << 23;
  auto small = bit_cast<Vector<uint32_t, L>>(exponent < least);
  auto power = ((exponent & ~small) | (least & small)) + (13u << 23);
  auto lifted = bit_cast<Vector<float, L>>(magnitude) + bit_cast<Vector<float, L>>(power);
  auto units = bit_cast<Vector<uint32_t, L>>(lifted) & 0x7fffffu;  // 2^10 .. 2^11, or less if small
  auto biased = ((exponent & ~small) | (least & small)) >> 23;
  auto half = ((biased - 113u) << 10) + units;
  auto over = bit_cast<Vector<uint32_t, L>>(magnitude >= 0x477ff000u);
  auto nan = bit_cast<Vector<uint32_t, L>>(magnitude > 0x7f800000u);
  half = (half & ~over) | (0x7c00u & over) | (0x200u & nan);
  return __builtin_convertvector(half | sign, Vector<uint16_t, L>);
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
      return __builtin_convertvector(raw, Vector<A, L>);
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
