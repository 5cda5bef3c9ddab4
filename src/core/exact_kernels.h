// What a target offers for sums of integers that never wrap round, for every integer type.
#pragma once

#include <cstdint>

#include "element.h"

namespace cumsum {

// Holds the sum of any 2^63 integers of 64 bits.
using Wide = __int128;
inline constexpr Wide widest = static_cast<Wide>(~static_cast<unsigned __int128>(0) >> 1);

struct Range {
  Wide least, most;
};

// A line so far: the sum of its elements, and the least and the greatest of its sums on the way.
struct Survey {
  Wide sum, least, most;
};

// Elements of some lines, strides in bytes.
struct Tile {
  const char* x;
  int64_t x_scan, x_line;
  int64_t length, lines;
  bool columns;  // to be walked across the lines, which lie side by side
};

// Of a tile at most: what is known of each line, and each sum, stays in the first-level cache.
inline constexpr int64_t exact_lines = 128, exact_length = 1024, exact_elements = 4096;

// How elements of one type are surveyed and scanned.
struct ExactKernels {
  // Whether all of them are in the range; an unordered run of elements.
  bool (*within)(const char* x, int64_t stride, int64_t count, Range range);
  // Go on with the surveys of the tile's lines.
  void (*survey)(const Tile& tile, Survey* lines);
  // Go on with the sums of the tile's lines, and write each, clamped to the range of a result, to
  // y: element by element along the lines, or across them as the tile is walked. The range is that
  // of 64-bit integers at most; unsigned ones are written by their bits.
  void (*clamp)(const Tile& tile, Wide* sums, Range range, bool exclusive, int64_t* y);
};

inline constexpr int integer_count = static_cast<int>(DType::int64) + 1;

struct ExactTarget {
  const char* name;
  ExactKernels of[integer_count];  // by DType
};

}  // namespace cumsum
