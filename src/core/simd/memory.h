// Vectors loaded from and stored to any element type.
#pragma once

#include "convert.h"
#include "two_sum.h"

namespace cumsum {
namespace {

// ---- loads and stores -----------------------------------------------------------------------

// What vectors of elements are made of.
template <class T>
using Storage = std::conditional_t<std::is_same_v<T, Bool>, uint8_t,
                                   std::conditional_t<is_half<T>, uint16_t, T>>;

// Two elements or more, from what they are stored as.
template <class A, int L, class X>
inline Vector<A, L> from_storage(Vector<Storage<X>, L> raw) {
#if defined(__aarch64__)
  if constexpr (__is_same(X, Bool)) {  // GCC 12 compares short vectors lane by lane
    return bit_cast<Vector<A, L>>(widen<A, L, uint8_t>(raw) != 0) & 1;
  }
#endif
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

template <class A, int L, class X>
inline Vector<A, L> load(const char* p) {
  if constexpr (is_twice<A>) {
    using Part = typename A::part;
    return {load<Part, L, X>(p), Vector<Part, L>{}};
  } else if constexpr (L == 1 && __is_same(A, long double)) {
    return read<X>(p);
  } else if constexpr (L == 1 && __is_same(X, Storage<X>)) {
    return static_cast<A>(read<X>(p));
  } else if constexpr (L == 1) {  // by way of two lanes, so that each cast is written once
    char pair[2 * sizeof(X)];
    __builtin_memcpy(pair, p, sizeof(X));
    __builtin_memcpy(pair + sizeof(X), p, sizeof(X));
    return load<A, 2, X>(pair)[0];
  } else {
    return from_storage<A, L, X>(read<Vector<Storage<X>, L>>(p));
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
  } else if constexpr (__is_same(A, uint32_t) && sizeof(R) == 1) {
    return bit_cast<Vector<R, L>>(low_bytes<L>(sum));
  } else if constexpr (__is_same(A, uint32_t) && sizeof(R) == 2) {
    return bit_cast<Vector<R, L>>(low_halves<L>(sum));
  } else {
    return __builtin_convertvector(sum, Vector<R, L>);
  }
}

template <class R, class A, int L>
inline void store(char* p, Vector<A, L> sum) {
  if constexpr (is_twice<A>) {
    store<R, typename A::part, L>(p, round(sum));
  } else if constexpr (L == 1 && __is_same(A, long double)) {
    write<R>(p, sum);
  } else if constexpr (L == 1 && __is_same(R, Storage<R>)) {
    write<R>(p, static_cast<R>(sum));
  } else if constexpr (L == 1) {
    write<Storage<R>>(p, narrow<R, A, 2>(Vector<A, 2>{sum, sum})[0]);
  } else {
    write(p, narrow<R, A, L>(sum));
  }
}

#if defined(__x86_64__)
// Past the cache; p is a multiple of the vector's size.
inline void stream(char* p, Vector<char, vector_bytes> v) {
#if defined(__AVX512F__)
  if constexpr (sizeof(v) == 64) {
    return _mm512_stream_si512(reinterpret_cast<__m512i*>(p), bit_cast<__m512i>(v));
  }
#endif
#if defined(__AVX2__)
  if constexpr (sizeof(v) == 32) {
    return _mm256_stream_si256(reinterpret_cast<__m256i*>(p), bit_cast<__m256i>(v));
  }
#endif
  if constexpr (sizeof(v) == 16) {
    _mm_stream_si128(reinterpret_cast<__m128i*>(p), bit_cast<__m128i>(v));
  }
}
#endif

// Past the cache, where a whole number of 16-byte stores allows it; p is then a multiple of 16.
template <class R, class A, int L>
inline void store_stream(char* p, Vector<A, L> sum) {
  if constexpr (is_twice<A>) {
    store_stream<R, typename A::part, L>(p, round(sum));
    return;
  }
#if defined(__x86_64__)
  else if constexpr (L > 1 && sizeof(R) * L % 16 == 0) {
    auto out = narrow<R, A, L>(sum);
    char bytes[sizeof(out)];
    __builtin_memcpy(bytes, &out, sizeof(out));
    for (unsigned i = 0; i < sizeof(out); i += 16) {
      _mm_stream_si128(reinterpret_cast<__m128i*>(p + i), read<__m128i>(bytes + i));
    }
    return;
  }
#endif
  else {
    store<R, A, L>(p, sum);
  }
}

// Whole cache lines of y are written without being read first.
inline void copy_past_cache(char* y, const char* x, int64_t bytes) {
#if defined(__x86_64__)
  constexpr int64_t line = 64, piece = vector_bytes;
  const int64_t head = -reinterpret_cast<intptr_t>(y) & (line - 1);
  if (bytes >= head + line) {
    __builtin_memcpy(y, x, head);
    int64_t i = head;
    for (; i + line <= bytes; i += line) {
#pragma GCC unroll 4
      for (int64_t j = i; j < i + line; j += piece) stream(y + j, read<Vector<char, piece>>(x + j));
    }
    x += i, y += i, bytes -= i;
  }
#endif
  __builtin_memcpy(y, x, bytes);
}

}  // namespace
}  // namespace cumsum
