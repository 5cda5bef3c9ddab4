// The element types an array may hold, and the type each is carried in.
#pragma once

#include <cstdint>
#include <type_traits>

namespace cumsum {

// The numbers are shared with Python (src/cumsum/dtypes.py).
enum class DType : int {
  boolean,
  uint8,
  int8,
  uint16,
  int16,
  uint32,
  int32,
  uint64,
  int64,
  float16,
  bfloat16,
  float32,
  float64,
  longdouble,
  complex64,
  complex128,
  clongdouble,
};
inline constexpr int dtype_count = 17;

// Storage types that C++20 lacks. They are only ever read and written whole.
struct Bool {
  uint8_t byte;
};
struct Float16 {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};
template <class T>
inline constexpr bool is_half = __is_same(T, Float16) || __is_same(T, BFloat16);
template <class T>
struct Complex {
  T real, imag;
};

// A running sum kept as an unevaluated pair: its rounded value and what the rounding left over.
template <class T>
struct Twice {
  using part = T;
  T high, low;
};
template <class T>
inline constexpr bool is_twice = false;
template <class T>
inline constexpr bool is_twice<Twice<T>> = true;

constexpr int item_size(DType dtype) {
  constexpr int size[dtype_count] = {
      1, 1, 1, 2, 2, 4, 4, 8, 8, 2, 2, 4, 8, sizeof(long double), 8, 16, 2 * sizeof(long double)};
  return size[static_cast<int>(dtype)];
}

// The running sums of a result: 16-bit floats in float, the others in double, each rounded once, on
// the store; integers in unsigned words, where wrapping round is defined.
float accumulator_of(Float16);
float accumulator_of(BFloat16);
double accumulator_of(float);
double accumulator_of(double);
long double accumulator_of(long double);
uint32_t accumulator_of(int8_t);
uint32_t accumulator_of(int16_t);
uint32_t accumulator_of(int32_t);
uint64_t accumulator_of(int64_t);
uint64_t accumulator_of(Bool);
template <class Result>
using Accumulator = decltype(accumulator_of(Result{}));

// What is carried from tile to tile: the same, or a pair where one float would be too narrow.
template <class A>
using Carry = std::conditional_t<std::is_same_v<A, float>, Twice<float>, A>;

}  // namespace cumsum
