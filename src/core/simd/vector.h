// Vectors of this target: their types, and how many lanes they have.
#pragma once

#include <stdint.h>

#include <type_traits>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "element.h"

namespace cumsum {
namespace {

#if defined(__AVX512F__) && !defined(CUMSUM_HALF_VECTORS)
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
template <class T, int L>
struct VectorOf<Twice<T>, L> {
  using type = Twice<Vector<T, L>>;
};
template <class T>
struct VectorOf<Twice<T>, 1> {
  using type = Twice<T>;
};

// An unsigned word of so many bytes.
template <int size>
using WordOf = std::conditional_t<
    size == 8, uint64_t,
    std::conditional_t<size == 4, uint32_t, std::conditional_t<size == 2, uint16_t, uint8_t>>>;

// Lanes of the accumulator A in one vector, at most `most`.
template <class A, int most>
inline constexpr int lanes_of =
    static_cast<int>(vector_bytes / sizeof(A)) < most ? static_cast<int>(vector_bytes / sizeof(A))
                                                      : most;
template <int most>
inline constexpr int lanes_of<long double, most> = 1;
template <class T, int most>
inline constexpr int lanes_of<Twice<T>, most> = lanes_of<T, most>;

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

}  // namespace
}  // namespace cumsum
