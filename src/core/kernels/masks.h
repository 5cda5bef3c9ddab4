// Elements that add nothing. Where x and its mask lie as the kernels of rows and columns want them,
// they are read as zeros; else they become zeros on their way into a buffer. Where NaN is to stand
// in their places, it is put there on the way out of one.
#pragma once

#include <cstdint>

namespace cumsum {

// Rows of elements side by side, from x to y, which may be the same. Strides are in bytes. Masks
// have a byte for each element, zero where it adds nothing.
struct MaskRows {
  const char* x;
  char* y;
  const char* mask;    // null where only NaN adds nothing
  const char* source;  // show without a mask: where NaN is looked for
  char* kept;          // fill: a mask of what does add something; null where nobody asks
  int64_t x_row, y_row, mask_row, source_row, kept_row;
  int64_t rows, count;
  bool one_for_row;  // fill: the mask has one byte for a row
  bool skipna;       // fill
  bool past_cache;   // show: write past the cache
};

}  // namespace cumsum
