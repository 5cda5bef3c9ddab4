// Elements that add nothing: zeros in their places on the way into a buffer, and NaN on the way out
// where that is asked for. Both are kernels of every target (holes.cpp).
#pragma once

#include <cstdint>

#include "element.h"

namespace cumsum {

// Rows of elements side by side, from x to y, which may be the same. Strides are in bytes. `kept`
// has a byte for each element, zero at the holes.
struct HoleRows {
  const char* x;
  char* y;
  const char* mask;  // zero at holes; null where only NaN is one
  char* kept;        // what fill finds and show shows; fill: null where nobody asks
  int64_t x_row, y_row, mask_row, kept_row;
  int64_t rows, count;
  bool one_for_row;  // the mask has one byte for a row
  bool skipna;
  bool past_cache;  // show: write past the cache
};

struct HoleKernels {
  void (*fill[dtype_count])(const HoleRows&);  // of x's type; y is of the same
  void (*show[dtype_count])(const HoleRows&);  // null for types without NaN
};

}  // namespace cumsum
