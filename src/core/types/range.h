// Exact integers, wider than any element.
#pragma once

#include "element.h"

namespace cumsum {

// Holds the sum of any 2^63 integers of 64 bits.
using Wide = __int128;
inline constexpr Wide widest = static_cast<Wide>(~static_cast<unsigned __int128>(0) >> 1);

struct Range {
  Wide least, most;

  bool contains(Wide value) const { return value >= least && value <= most; }
  bool contains(const Range& other) const { return contains(other.least) && contains(other.most); }
};

// The numbers that an integer type holds.
constexpr Range range_of(DType dtype) {
  if (dtype == DType::boolean) return {0, 1};
  const int bits = 8 * item_size(dtype);
  const bool is_signed = int(dtype) % 2 == 0;  // uint8, int8, uint16, ...
  if (is_signed) return {-(Wide{1} << (bits - 1)), (Wide{1} << (bits - 1)) - 1};
  return {0, (Wide{1} << bits) - 1};
}

inline constexpr int integer_count = static_cast<int>(DType::int64) + 1;

}  // namespace cumsum
