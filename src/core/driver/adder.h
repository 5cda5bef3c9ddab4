// Adds up tiles of integers exactly: the plain kernels do, in 64 bits, and where those would not
// suffice, each half of the elements by itself.
#pragma once

#include <algorithm>

#include "checked.h"
#include "policy.h"
#include "table.h"

namespace cumsum {

struct Tile {
  const char* x;
  int64_t x_scan, x_line;  // in bytes
  int64_t length, lines;
  bool columns;  // lines lie side by side
};

class Adder {
 public:
  // Room for the sums of a tile, and before them those of no elements; of halves as well.
  struct Buffer {
    static constexpr int64_t size = policy::exact_elements + policy::exact_lines;
    alignas(64) int64_t sums[size], upper[size];
  };

  explicit Adder(DType x);

  // Go on with the surveys of the tile's lines.
  void survey(const Tile& tile, bool exclusive, Survey* lines, Buffer& buffer) const;

  // Go on with the sums of the tile's lines. Each of them, clamped to the range, is in the buffer,
  // as int64 or by the bits of uint64; the piece returned is to copy them from there.
  Piece clamp(const Tile& tile, bool exclusive, Range range, Wide* carries, Buffer& buffer) const;

 private:
  bool is_near(const Tile& tile) const;
  Sums add_up(const Tile& tile, Buffer& buffer) const;
  Halves add_up_halves(const Tile& tile, Buffer& buffer) const;

  const CheckedKernels& target_;
  const int64_t x_size_;
  const bool is_signed_;
  bool (*const within_)(const char*, int64_t, int64_t, Range);
  const KernelSet& direct_;  // of the elements as they are
  const KernelSet& packed_;  // of int64, which they are made by pack_
  const ScanPiece pack_;
};

}  // namespace cumsum
