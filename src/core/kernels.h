// What a target offers: for every pair of element types, the kernels that scan and copy them.
#pragma once

#include <cstdint>

#include "element.h"

namespace cumsum {

// The order of additions, which is what the bits of a result depend on (docs/accuracy.md):
// the axis is cut in tiles, a tile in groups; a group's prefix sums form a fixed tree.
inline constexpr int64_t tile_size = 4096;
inline constexpr int group_size = 8;

// What a kernel stores: y[i] with or without x[i], or nothing (the aggregates alone are wanted).
enum class Store { inclusive, exclusive, nothing };

// A piece of several lines. Strides are in bytes. `position` is the index of the first element on
// its line, a multiple of group_size. `carry` and `chain` hold a sum (two for complex numbers) a
// line: up to this tile, and inside it. Null means fresh lines, whole. Where nothing is stored,
// lines are whole tiles, and `carry` receives their sums, as wide as chains.
struct Piece {
  const char* x;
  char* y;
  int64_t x_scan, y_scan;
  int64_t x_line, y_line;
  int64_t length, lines;
  int64_t position;
  char* carry;
  char* chain;
  bool carried;      // the carry may be other than zero in the first tile
  bool stream;       // write past the cache
  bool staged;       // rows: gathered first
  const char* mask;  // of the first element, where x is filled
  int64_t mask_scan, mask_line;
  int64_t x_ahead;  // where what is read next begins, from x; 0 where that is nowhere to be known
  // Columns without a carry: such pieces follow each other, so many, so far apart.
  int64_t repeats, x_repeat, y_repeat;
};

using ScanPiece = void (*)(const Piece&);
// Carries become the values, as many for each line as it has channels, `stride` bytes apart.
using SetCarries = void (*)(char* carry, const char* values, int64_t stride, int64_t lines);
using AddCarries = void (*)(char* carry, const char* aggregate, int64_t lines);

// How one pair (input, result) is scanned. Entries are indexed by Store.
struct PairKernels {
  ScanPiece rows[3];      // scan strides are one element
  ScanPiece reversed[3];  // scan strides are minus one element
  ScanPiece columns[3];   // line strides are one element
  AddCarries add;
  SetCarries set;
  int carry_size, chain_size;  // bytes of one line's
};

// A line cut into segments: segment s is the elements [offsets[s], offsets[s + 1]) from x, each
// beside the last one in memory. Those of [first, last) are scanned, until one has too many
// elements for this to be quick; its number is returned.
struct ShortSegments {
  const char* x;
  char* y;
  const int64_t* offsets;
  int64_t first, last;
};
using ScanShort = int64_t (*)(const ShortSegments&);

struct SegmentKernels {
  ScanShort scan[dtype_count][dtype_count][2][2];  // exclusive, reverse; null where x is packed
  void (*copy_past_cache)(char* y, const char* x, int64_t bytes);
};

struct HoleKernels;

struct Kernels {
  const char* name;
  const SegmentKernels* segments;
  PairKernels pairs[dtype_count][dtype_count];  // null functions where x must be packed first
  PairKernels compensated[2];                   // float64 and complex128, carried as pairs
  ScanPiece copy[dtype_count][dtype_count];     // a piece, cast element by element
  const HoleKernels* holes;
};

}  // namespace cumsum
