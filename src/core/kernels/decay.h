// What a target offers for decayed scans: y[i] = decay[i] * y[i - 1] + x[i].
#pragma once

#include <cstdint>

namespace cumsum {

// The decays: one float64 for each line; one for each element, of the result's type or of float64;
// or complex, complex128.
enum class Decays { constant, own, wide, complex };

// What lines carry from group to group: an array of each, with an element for each line. `total` is
// the last result. `local` is what it would be had the tile begun with zero, `product` that of the
// tile's decays.
struct DecayState {
  double *total, *local, *product;
  const double* decay;  // where it is constant
};

// Elements of some lines, all in one tile, from the beginning of a group on. Nothing is stored
// where y is null. Strides are in bytes.
struct DecayPiece {
  const char *x, *decay;
  char* y;
  int64_t x_scan, y_scan, decay_scan;
  int64_t x_line, y_line, decay_line;
  int64_t length, lines;
  bool stream;  // write past the cache
  DecayState state;
};

using ScanDecayed = void (*)(const DecayPiece&);

// The kernels of one dtype, indexed by Decays; constant, own and wide.
struct DecayKernels {
  ScanDecayed rows[3];      // scan strides are one element
  ScanDecayed reversed[3];  // scan strides are minus one element
  ScanDecayed columns[3];   // line strides are one element
  ScanDecayed shared;       // columns whose decays are wide and the same for all lines
};

}  // namespace cumsum
