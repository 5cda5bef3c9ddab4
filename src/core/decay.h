// The decayed scan: y[i] = decay[i] * y[i - 1] + x[i], from the initial value on.
//
// The order of its operations (docs/decay.md) is cut in the same tiles and groups as that of the
// plain scan. All is computed in float64 (complex decays in pairs of them) and rounded once, on the
// store.
#pragma once

#include "scan.h"

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

// float16, bfloat16, float32, float64.
struct DecayTable {
  const char* name;
  DecayKernels of[4];
};

// The table of the target in use.
const DecayTable& decay_table(const Kernels& target);

// An operand: where its first element in scan order lies, and its strides in bytes.
struct DecayOperand {
  char* data;
  int64_t outer, scan, inner;
};

struct DecayProblem {
  DType dtype;  // of x and y
  Decays decays;
  int64_t outer, length, inner;
  DecayOperand x, y, decay;
  const double* initial;  // outer * inner values, or pairs of them; or null
  int threads;            // at most
};

Status run_decay(const DecayProblem& problem, Interrupted interrupted, void* context) noexcept;

// The same where decays are complex: one element after another.
Status run_complex_decay(const DecayProblem& problem, Interrupted interrupted,
                         void* context) noexcept;

}  // namespace cumsum
