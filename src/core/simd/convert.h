// Element-wise conversions of vectors. With simd.h and vector.h the only files that know a
// processor.
#pragma once

#include "shuffle.h"

namespace cumsum {
namespace {

// ---- element-wise conversions ---------------------------------------------------------------

#if defined(__aarch64__)
// The first lanes, each lengthened from `from` bytes to `to`.
template <int from, int to, bool is_signed>
inline uint8x16_t lengthen(uint8x8_t x) {
  uint8x16_t twice;
  if constexpr (from == 1) {
    twice = is_signed ? bit_cast<uint8x16_t>(vmovl_s8(bit_cast<int8x8_t>(x)))
                      : bit_cast<uint8x16_t>(vmovl_u8(x));
  } else if constexpr (from == 2) {
    twice = is_signed ? bit_cast<uint8x16_t>(vmovl_s16(bit_cast<int16x4_t>(x)))
                      : bit_cast<uint8x16_t>(vmovl_u16(bit_cast<uint16x4_t>(x)));
  } else {
    twice = is_signed ? bit_cast<uint8x16_t>(vmovl_s32(bit_cast<int32x2_t>(x)))
                      : bit_cast<uint8x16_t>(vmovl_u32(bit_cast<uint32x2_t>(x)));
  }
  if constexpr (2 * from == to) {
    return twice;
  } else {
    return lengthen<2 * from, to, is_signed>(vget_low_u8(twice));
  }
}

// A vector shorter than a register, in the lowest lanes of one, and back.
template <class V>
inline uint8x8_t in_register(V x) {
  uint64_t low = 0;
  __builtin_memcpy(&low, &x, sizeof(x));
  return vcreate_u8(low);
}
template <class V, class Register>
inline V lowest(Register x) {
  V out;
  __builtin_memcpy(&out, &x, sizeof(out));
  return out;
}
#endif

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
  } else if constexpr (L == 16 && integers && to == 4 && from == 1) {
    auto v = bit_cast<__m128i>(x);
    return bit_cast<Vector<A, L>>(is_signed ? _mm512_cvtepi8_epi32(v) : _mm512_cvtepu8_epi32(v));
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
#if defined(__aarch64__)
  if constexpr (L == 2 && __is_same(A, double) && __is_same(X, float)) {
    return bit_cast<Vector<A, L>>(vcvt_f64_f32(bit_cast<float32x2_t>(x)));
  } else if constexpr (integers && from < to && to * L <= 16) {
    return lowest<Vector<A, L>>(lengthen<from, to, is_signed>(in_register(x)));
  }
#endif
  return __builtin_convertvector(x, Vector<A, L>);
}

// The lowest bytes of 32-bit lanes.
template <int L>
inline Vector<uint8_t, L> low_bytes(Vector<uint32_t, L> x) {
#if defined(__AVX512F__)
  if constexpr (L == 16) {
    return bit_cast<Vector<uint8_t, L>>(_mm512_cvtepi32_epi8(bit_cast<__m512i>(x)));
  }
#endif
#if defined(__aarch64__)
  if constexpr (L == 4) {
    const uint16x4_t halves = vmovn_u32(bit_cast<uint32x4_t>(x));
    const uint8x8_t bytes = vmovn_u16(vcombine_u16(halves, halves));
    return lowest<Vector<uint8_t, L>>(bytes);
  }
#endif
  return __builtin_convertvector(x, Vector<uint8_t, L>);
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

// Shifts and additions share their execution units on AVX-512 processors; shuffles and rotations
// don't, so there they do the work.
struct IntoHighHalves {
  static constexpr int lane(int i) { return i % 2 ? i / 2 : 32; }
};
struct HighHalves {
  static constexpr int lane(int i) { return i % 16 * 2 + 1; }
};

template <int L>
inline Vector<float, L> from_bfloat16(Vector<uint16_t, L> bits) {
#if defined(__AVX512BW__)
  if constexpr (L == 16) {
    const auto low =
        bit_cast<Vector<uint16_t, 32>>(_mm512_castsi256_si512(bit_cast<__m256i>(bits)));
    return bit_cast<Vector<float, L>>(permute<IntoHighHalves, uint16_t, 32>(low));
  }
#endif
  return bit_cast<Vector<float, L>>(widen<uint32_t, L, uint16_t>(bits) << 16);
}

// Rounded to the nearest, ties to even. A NaN stays one if the lower half of its bits is zero, as
// in those that come from bfloat16 or from an addition.
template <int L>
inline Vector<uint16_t, L> to_bfloat16(Vector<float, L> x) {
  auto bits = bit_cast<Vector<uint32_t, L>>(x);
#if defined(__AVX512BW__)
  if constexpr (L == 16) {
    const auto turned = _mm512_rol_epi32(bit_cast<__m512i>(bits), 16);
    const auto rounded = bits + 0x7fffu + (bit_cast<Vector<uint32_t, L>>(turned) & 1u);
    const auto halves = permute<HighHalves, uint16_t, 32>(bit_cast<Vector<uint16_t, 32>>(rounded));
    return bit_cast<Vector<uint16_t, L>>(_mm512_castsi512_si256(bit_cast<__m512i>(halves)));
  }
#endif
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
  if constexpr (L == 2) {
    const __m128 pair = _mm_cvtph_ps(_mm_cvtsi32_si128(bit_cast<int32_t>(bits)));
    return bit_cast<Vector<float, 2>>(_mm_cvtsi128_si64(bit_cast<__m128i>(pair)));
  }
#endif
#if defined(__aarch64__)
  if constexpr (L <= 4) {
    return lowest<Vector<float, L>>(vcvt_f32_f16(bit_cast<float16x4_t>(in_register(bits))));
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
  if constexpr (L == 2) {
    const __m128i pair = _mm_cvtsi64_si128(bit_cast<int64_t>(x));
    return bit_cast<Vector<uint16_t, 2>>(
        _mm_cvtsi128_si32(_mm_cvtps_ph(bit_cast<__m128>(pair), 0)));
  }
#endif
#if defined(__aarch64__)
  if constexpr (L == 4) {
    return bit_cast<Vector<uint16_t, 4>>(vcvt_f16_f32(bit_cast<float32x4_t>(x)));
  }
  if constexpr (L == 2) {
    const auto pair = bit_cast<float32x2_t>(x);
    return lowest<Vector<uint16_t, 2>>(vcvt_f16_f32(vcombine_f32(pair, pair)));
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

}  // namespace
}  // namespace cumsum
