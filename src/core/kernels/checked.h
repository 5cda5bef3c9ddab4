// Sums of integers that never wrap round: what a target offers for them, and what they need besides
// a piece.
#pragma once

#include <atomic>
#include <cstdint>

#include "policy.h"
#include "range.h"
#include "table.h"

namespace cumsum {

// How a piece is scanned exactly: sums that are not in the range become the nearest that is or,
// where nothing is stored, are found out.
struct Exactly {
  Range range;
  DType x;
  const KernelSet *direct, *packed;  // of elements as they are, and as int64
  ScanPiece pack, store;             // elements to int64, and int64 to results
  const CheckedKernels* kernels;
  std::atomic<bool>* exceeded;
};

// A line so far: the sum of its elements, and the least and the greatest of its sums on the way.
struct Survey {
  Wide sum, least, most;
};

// Sums of some lines, each counted from the beginning of a tile. Strides are in elements, that of
// neighbours is 1.
struct Sums {
  int64_t* at;
  int64_t scan, line;
  int64_t length, lines;
};

// Elements that a tile of whatever size can add up in 63 bits, and what its sums don't reach.
inline constexpr Wide near = Wide{1} << 52, far = near * policy::exact_length;

// The same of greater elements: sums of their upper and of their lower halves, the latter unsigned.
// A sum is upper * 2^32 + lower. Strides are those of both.
struct Halves {
  Sums lower;
  int64_t* upper;
};

struct CheckedKernels {
  // By DType: whether all elements, in any order, are in the range, which contains 0.
  bool (*within[integer_count])(const char* x, int64_t stride, int64_t count, Range range);
  // Go on with the surveys of lines; but for their sums, which are left alone.
  void (*survey)(const Sums& sums, Survey* lines);
  // Make each sum that of its line, clamped to the range; which is that of 64-bit integers at most,
  // unsigned ones by their bits.
  void (*clamp)(const Sums& sums, const Wide* carries, Range range);
  // The same for halves; clamped sums replace the lower ones.
  void (*survey_halves)(const Halves& sums, Survey* lines);
  void (*clamp_halves)(const Halves& sums, const Wide* carries, Range range);
  // Elements into halves, in place of the lower ones.
  void (*halve)(int64_t* elements, int64_t* upper, int64_t count, bool is_signed);
};

// Of integers of any type, for any target: exact sums, and whether all elements are in the range.
extern const KernelSet checked_set, within_set;

}  // namespace cumsum
