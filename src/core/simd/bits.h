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

// Whether lanes are cleared in one instruction, by the bits of a word.
#if defined(__AVX512BW__) && defined(__AVX512VL__)
template <class T, int L>
inline constexpr bool clears_lanes =
    (sizeof(T) == 4 || sizeof(T) == 8) && sizeof(T) * L >= 16 && sizeof(T) * L <= 64;

// The lanes of v whose bits are set, zeros in the others.
template <class T, int L>
inline Vector<T, L> lanes_where(unsigned taken, Vector<T, L> v) {
  using V = Vector<T, L>;
  constexpr bool wide = sizeof(T) == 8;  // as floats: GCC 12 fails on integers
  if constexpr (sizeof(v) == 64 && wide) {
    return bit_cast<V>(_mm512_maskz_mov_pd(taken, bit_cast<__m512d>(v)));
  } else if constexpr (sizeof(v) == 64) {
    return bit_cast<V>(_mm512_maskz_mov_ps(taken, bit_cast<__m512>(v)));
  } else if constexpr (sizeof(v) == 32 && wide) {
    return bit_cast<V>(_mm256_maskz_mov_pd(taken, bit_cast<__m256d>(v)));
  } else if constexpr (sizeof(v) == 32) {
    return bit_cast<V>(_mm256_maskz_mov_ps(taken, bit_cast<__m256>(v)));
  } else if constexpr (wide) {
    return bit_cast<V>(_mm_maskz_mov_pd(taken, bit_cast<__m128d>(v)));
  } else {
    return bit_cast<V>(_mm_maskz_mov_ps(taken, bit_cast<__m128>(v)));
  }
}

// A bit for each of L bytes: whether it is not zero.
template <int L>
inline unsigned bits_of_bytes(const char* bytes) {
  __m128i all;
  if constexpr (L == 16) {
    all = read<__m128i>(bytes);
  } else {
    all = _mm_cvtsi64_si128(read<WordOf<L>>(bytes));
  }
  return _mm_test_epi8_mask(all, all);
}

// A bit for each lane: whether it is a number.
template <class T, int L>
inline unsigned bits_of_numbers(Vector<T, L> v) {
  constexpr int number = _CMP_ORD_Q;
  constexpr bool wide = sizeof(T) == 8;
  if constexpr (sizeof(v) == 64 && wide) {
    return _mm512_cmp_pd_mask(bit_cast<__m512d>(v), bit_cast<__m512d>(v), number);
  } else if constexpr (sizeof(v) == 64) {
    return _mm512_cmp_ps_mask(bit_cast<__m512>(v), bit_cast<__m512>(v), number);
  } else if constexpr (sizeof(v) == 32 && wide) {
    return _mm256_cmp_pd_mask(bit_cast<__m256d>(v), bit_cast<__m256d>(v), number);
  } else if constexpr (sizeof(v) == 32) {
    return _mm256_cmp_ps_mask(bit_cast<__m256>(v), bit_cast<__m256>(v), number);
  } else if constexpr (wide) {
    return _mm_cmp_pd_mask(bit_cast<__m128d>(v), bit_cast<__m128d>(v), number);
  } else {
    return _mm_cmp_ps_mask(bit_cast<__m128>(v), bit_cast<__m128>(v), number);
  }
}
#else
template <class T, int L>
inline constexpr bool clears_lanes = false;
template <class T, int L>
Vector<T, L> lanes_where(unsigned taken, Vector<T, L> v);
template <int L>
unsigned bits_of_bytes(const char* bytes);
template <class T, int L>
unsigned bits_of_numbers(Vector<T, L> v);
#endif

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
