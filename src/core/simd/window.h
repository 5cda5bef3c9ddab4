// Vectors whose lanes go where a table says: several short lines in one vector, each with a tree of
// its own.
#pragma once

#include "memory.h"

namespace cumsum {
namespace {

// Lanes of such a vector; 0 where a target has no instruction that takes lanes from a table.
template <class A>
inline constexpr int window =
#if defined(__AVX2__)
    std::is_same_v<A, float> || std::is_same_v<A, double> || std::is_integral_v<A> ? lanes_of<A, 8>
                                                                                   : 0;
#else
    0;
#endif

// Where each lane of a vector of L gets what it adds at one step of a tree; L == 4 has two places
// for each lane, those of its halves.
template <int L>
struct LaneSources {
  static constexpr uint8_t nowhere = 8;
  uint8_t place[8] = {nowhere, nowhere, nowhere, nowhere, nowhere, nowhere, nowhere, nowhere};

  constexpr void set(int lane, int source) {
    constexpr int parts = 8 / L;
    for (int i = 0; i < parts; ++i) place[lane * parts + i] = source * parts + i;
  }
};

// Lanes from there, or zeros.
template <class A, int L>
inline Vector<A, L> lanes_from([[maybe_unused]] const LaneSources<L>& sources, Vector<A, L> v) {
#if defined(__AVX2__)
  const __m128i places = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(sources.place));
#if defined(__AVX512VL__)
  if constexpr (sizeof(v) == 64) {
    return bit_cast<Vector<A, L>>(_mm512_permutex2var_pd(
        bit_cast<__m512d>(v), _mm512_cvtepu8_epi64(places), _mm512_setzero_pd()));
  } else if constexpr (L == 8) {
    return bit_cast<Vector<A, L>>(_mm256_permutex2var_ps(
        bit_cast<__m256>(v), _mm256_cvtepu8_epi32(places), _mm256_setzero_ps()));
  }
#endif
  if constexpr (sizeof(v) == 32) {
    const __m256i words = _mm256_cvtepu8_epi32(places);
    const __m256i moved = _mm256_permutevar8x32_epi32(bit_cast<__m256i>(v), words);
    return bit_cast<Vector<A, L>>(
        _mm256_and_si256(moved, _mm256_cmpgt_epi32(_mm256_set1_epi32(8), words)));
  }
#endif
  return v;
}

// Stores the lanes that have a bit; all of them where a target does not choose lanes quickly, for
// which there must be room.
template <class R, class A, int L>
inline void store_some(char* p, Vector<A, L> sum, [[maybe_unused]] unsigned taken) {
#if defined(__AVX512VL__)
  const auto out = narrow<R, A, L>(sum);
  if constexpr (sizeof(out) == 64) {
    _mm512_mask_storeu_pd(p, taken, bit_cast<__m512d>(out));
  } else if constexpr (sizeof(R) == 8) {
    _mm256_mask_storeu_pd(p, taken, bit_cast<__m256d>(out));
  } else if constexpr (sizeof(R) == 4 && L == 8) {
    _mm256_mask_storeu_ps(p, taken, bit_cast<__m256>(out));
  } else if constexpr (sizeof(R) == 4) {
    _mm_mask_storeu_ps(p, taken, bit_cast<__m128>(out));
  } else if constexpr (sizeof(R) == 2) {
    _mm_mask_storeu_epi16(p, taken, bit_cast<__m128i>(out));
  } else {
    _mm_mask_storeu_epi8(p, taken, _mm_cvtsi64_si128(bit_cast<int64_t>(out)));
  }
#else
  store<R, A, L>(p, sum);
#endif
}

}  // namespace
}  // namespace cumsum
