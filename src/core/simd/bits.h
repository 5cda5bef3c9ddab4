// Vectors as words of bits: what is asked of many at once.
#pragma once

#include "vector.h"

namespace cumsum {
namespace {

// Whether any bit of a vector is set.
template <class V>
inline bool any_bit(V v) {
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64) {
    return _mm512_test_epi64_mask(bit_cast<__m512i>(v), bit_cast<__m512i>(v)) != 0;
  }
#endif
#if defined(__AVX__)
  if constexpr (sizeof(V) == 32) {
    return !_mm256_testz_si256(bit_cast<__m256i>(v), bit_cast<__m256i>(v));
  }
#endif
  constexpr int words = sizeof(V) / sizeof(int64_t);
  const auto word = bit_cast<Vector<int64_t, words>>(v);
  if constexpr (words == 1) {
    return word != 0;
  } else {
    int64_t found = word[0];
#pragma GCC unroll 8
    for (int i = 1; i < words; ++i) found |= word[i];
    return found != 0;
  }
}

// The lesser of two in each lane.
template <int L>
inline Vector<int32_t, L> lesser(Vector<int32_t, L> a, Vector<int32_t, L> b) {
#if defined(__AVX512F__)
  if constexpr (sizeof(a) == 64) {
    return bit_cast<decltype(a)>(_mm512_min_epi32(bit_cast<__m512i>(a), bit_cast<__m512i>(b)));
  }
#endif
#if defined(__AVX2__)
  if constexpr (sizeof(a) == 32) {
    return bit_cast<decltype(a)>(_mm256_min_epi32(bit_cast<__m256i>(a), bit_cast<__m256i>(b)));
  } else if constexpr (sizeof(a) == 16) {
    return bit_cast<decltype(a)>(_mm_min_epi32(bit_cast<__m128i>(a), bit_cast<__m128i>(b)));
  }
#endif
#if defined(__aarch64__)
  if constexpr (sizeof(a) == 16) {
    return bit_cast<decltype(a)>(vminq_s32(bit_cast<int32x4_t>(a), bit_cast<int32x4_t>(b)));
  }
#endif
  const auto first = a < b;
  return (a & first) | (b & ~first);
}

// The bits in which those of some numbers, zeros aside, differ from `usual`, beside `others`.
template <int L>
inline Vector<int64_t, L> also_unlike(Vector<int64_t, L> others, Vector<double, L> numbers,
                                      int64_t usual) {
  using Words = Vector<int64_t, L>;
  if constexpr (L == 1)
    return numbers == 0 ? others : others | (bit_cast<int64_t>(numbers) ^ usual);
#if defined(__AVX512F__)  // GCC makes a vector of the mask first
  if constexpr (L == 8) {
    constexpr int either = 0xf6;  // a | (b ^ c)
    const __mmask8 some =
        _mm512_cmp_pd_mask(bit_cast<__m512d>(numbers), _mm512_setzero_pd(), _CMP_NEQ_UQ);
    return bit_cast<Words>(_mm512_mask_ternarylogic_epi64(bit_cast<__m512i>(others), some,
                                                          bit_cast<__m512i>(numbers),
                                                          _mm512_set1_epi64(usual), either));
  }
#endif
  return others | ((bit_cast<Words>(numbers) ^ usual) & Words(numbers != 0));
}

}  // namespace
}  // namespace cumsum
