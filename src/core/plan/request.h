// What the core is asked to do: arrays as pointers and strides, and how to scan them.
#pragma once

#include <cstdint>

#include "element.h"

namespace cumsum {

enum class Kind { inclusive, exclusive };
enum class Direction { forward, reverse };

// compensated: float64 and complex128 results are carried as an unevaluated pair.
enum class Precision { standard, compensated };

// What becomes of sums of integers that the result's type does not hold.
enum class Overflow { wrap, raise, saturate };

inline constexpr int most_dims = 64;

// An array that x and y are joined by: strides in bytes, one a dim of x, zero where it is repeated.
struct Operand {
  const char* data = nullptr;  // null where there is none
  const int64_t* strides = nullptr;
};

struct Request {
  DType x_dtype, y_dtype;
  int dims;
  const int64_t* shape;
  const char* x;
  const int64_t* x_strides;
  char* y;
  const int64_t* y_strides;
  int axis;
  Kind kind = Kind::inclusive;
  Direction direction = Direction::forward;
  Precision precision = Precision::standard;
  Overflow overflow = Overflow::wrap;
  // Elements of y's type that the sums begin with; where sums are exact, pairs of 64-bit words, the
  // lower first. The stride along the axis does not matter.
  Operand initial = {};
  Operand where = {};                  // a byte for each element: zero where it adds nothing
  bool skipna = false;                 // nor does NaN
  bool nan = false;                    // and in such places NaN is to stand
  Operand decay = {};                  // constant on a line where its stride along the axis is zero
  DType decay_dtype = DType::float64;  // or that of y, or complex128
  // Segment s is elements [offsets[s], offsets[s + 1]) of the axis; null where lines are whole.
  const int64_t* offsets = nullptr;
  int64_t segments = 0;
  int threads = 1;  // at most
};

}  // namespace cumsum
