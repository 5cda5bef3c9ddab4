// What the core is asked to do: arrays as pointers and strides, and how to scan them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#include "range.h"

namespace cumsum {

enum class Kind { inclusive, exclusive };
enum class Direction { forward, reverse };

// compensated: float64 and complex128 results are carried as an unevaluated pair.
enum class Precision { standard, compensated };

// What becomes of sums of integers that the result's type does not hold. Exact sums are of integers
// alone, bool among them, which is 0 or 1.
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
  Range range = {};  // of exact sums; scan() knows it
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
  // Not zero where lines go on from others: `initial` are then their states (states.h), of so many
  // bytes each, and `position` is the index of the first element on its line.
  int64_t state_size = 0, position = 0;
  // Not zero where what tiles add to carries is wanted, and nothing else (totals.h): bytes from
  // that of a tile to that of the next. The strides of `initial` are then from one line's to the
  // next one's.
  int64_t total_stride = 0;
  // Where the states of the lines' ends go, or the totals; as `initial` lies.
  char* after = nullptr;
  bool fills = false;  // there is no x, and results are sums of nothing; scan() knows that
};

inline bool has_elements(const Request& r) {
  return std::find(r.shape, r.shape + r.dims, 0) == r.shape + r.dims;
}

// From here on the request is of elements that are `count` further along the axis.
inline void advance_by(Request& r, int64_t count) {
  r.x += count * r.x_strides[r.axis];
  if (r.y) r.y += count * r.y_strides[r.axis];
  for (Operand* operand : {&r.where, &r.decay}) {
    if (operand->data) operand->data += count * operand->strides[r.axis];
  }
}

// Strides of what there is of each line, `size` bytes, in C order of the lines; and how many bytes
// that is of all.
inline int64_t line_strides(const Request& r, int64_t size, int64_t* strides) {
  for (int d = r.dims - 1; d >= 0; --d) {
    strides[d] = d == r.axis ? 0 : size;
    if (d != r.axis) size *= r.shape[d];
  }
  return size;
}

}  // namespace cumsum
