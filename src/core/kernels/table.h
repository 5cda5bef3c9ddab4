// What a target offers: for every pair of element types, the kernels that scan and copy them.
#pragma once

#include <cstdint>

#include "element.h"

namespace cumsum {

// The order of additions, which is what the bits of a result depend on (docs/accuracy.md):
// the axis is cut in tiles, a tile in groups; a group's prefix sums form a fixed tree.
inline constexpr int64_t tile_size = 4096;
inline constexpr int group_size = 8;

// How a kernel walks: along lines that lie in memory one way or the other, or across them.
enum class Walk { rows, reversed, columns };
inline constexpr int walk_count = 3;

struct Exactly;  // checked.h

// A piece of several lines. Strides are in bytes. `position` is the index of the first element on
// its line, a multiple of group_size. `carry` and `chain` hold a sum (two for complex numbers) a
// line: up to this tile, and inside it. Null means fresh lines, whole.
struct Piece {
  const char* x;
  char* y;
  int64_t x_scan, y_scan;
  int64_t x_line, y_line;
  int64_t length, lines;
  int64_t position;
  char* carry;
  char* chain;
  bool exclusive;    // y[i] is without x[i]
  bool adds_up;      // columns: nothing is stored, see KernelSet
  bool carried;      // the carry may be other than zero in the first tile
  bool stream;       // write past the cache
  bool staged;       // rows: gathered first
  bool skipna;       // NaN adds nothing
  const char* mask;  // of the first element: what adds nothing has a zero byte; null if all do
  int64_t mask_scan, mask_line;
  const char* decay;  // of the first element, a float64 or complex128
  bool own_decays;    // or of the result's type
  int64_t decay_scan, decay_line;
  const Exactly* exactly;  // exact sums
  int64_t plane;           // bytes from plane to plane of the chains, where they consist of several
  int64_t x_ahead;  // where what is read next begins, from x; 0 where that is nowhere to be known
  // Columns without a carry: such pieces follow each other, so many, so far apart.
  int64_t repeats, x_repeat, y_repeat, mask_repeat;
};

using ScanPiece = void (*)(const Piece&);
// Carries become the values, as many for each line as it has channels, `stride` bytes apart.
using SetCarries = void (*)(char* carry, const char* values, int64_t stride, int64_t lines);
// Carries move on by what a tile adds to them. False, and nothing is changed, if that can't be
// known but by a scan of the tile.
using Fold = bool (*)(char* carry, const char* totals, int64_t lines);

// How one pair (input, result) is scanned. A carry, chain or total whose bytes are zero is one that
// nothing has been added to, and an element that is zero adds nothing: the walk clears and fills
// memory by itself.
struct KernelSet {
  ScanPiece scan[walk_count];  // null where x must be packed first
  // What lines that are whole tiles add to carries, which goes to `carry`; null where an axis can't
  // be shared out.
  ScanPiece add_up[walk_count];
  Fold fold;
  SetCarries set;
  int carry_size, chain_size, total_size;  // bytes of one line's
  int planes;                              // of the chains: equal parts, each of all lines
  int channels;                            // lines that one is to columns, as for complex numbers
  bool filters;      // whether elements may add nothing; else they must be packed
  bool any_strides;  // nothing else need be
};

// A line cut into segments: segment s is the elements [offsets[s], offsets[s + 1]) from x, each
// beside the last one in memory. Those of [first, last) are scanned, until one has too many
// elements for this to be quick; its number is returned.
struct ShortSegments {
  const char* x;
  char* y;
  const int64_t* offsets;
  int64_t first, last;
  bool exclusive;
};
using ScanShort = int64_t (*)(const ShortSegments&);

// Elements that add nothing, where kernels don't read zeros there: they become zeros on their way
// into a buffer, or NaN on the way out of one. Rows lie side by side, from x to y, which may be the
// same; masks have a byte for each element, zero where it adds nothing. Strides are in bytes.
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
using MaskElements = void (*)(const MaskRows&);
struct CheckedKernels;

struct Kernels {
  const char* name;
  KernelSet pairs[dtype_count][dtype_count];        // null functions where x must be packed first
  KernelSet compensated[2];                         // float64 and complex128, carried as pairs
  ScanShort segments[dtype_count][dtype_count][2];  // forward, reverse; null as in pairs
  ScanPiece copy[dtype_count][dtype_count];         // a piece, cast element by element
  // The length of so many segments if it is that of all; 0 if it is not; -1 if there are offsets
  // less than those before them, or than 0.
  int64_t (*spacing)(const int64_t* offsets, int64_t segments);
  void (*copy_past_cache)(char* y, const char* x, int64_t bytes);
  MaskElements fill[dtype_count], show[dtype_count];
  KernelSet decays[dtype_count], complex_decays[dtype_count];  // by the kind of the decays
  const CheckedKernels* exact;
  const KernelSet* checked;  // exact sums of integers of any type
};

// Sets for scans whose decays are complex, the same on every target.
extern const KernelSet complex64_decays, complex128_decays;

}  // namespace cumsum
