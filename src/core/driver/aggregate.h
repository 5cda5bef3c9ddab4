// What pieces of an axis add to the carry, found out without it.
//
// The bits of a scan come from the sums of its tiles, added to the carry one after the other. So
// the aggregate of a piece that consists of tiles is their sums, a number (two for complex ones)
// for 4096 elements; and pieces can be scanned in any order, by anyone, once these are known.
#pragma once

#include "scan.h"

namespace cumsum {

// Bytes of the sum of one line's tile.
int64_t total_size(DType dtype, Precision precision, const Kernels& kernels);

// The sums of the tiles that x consists of go to `totals`: for each tile those of the lines, in
// C order, `total_size` bytes each. The problem's y_strides are not looked at, nor its extras.
Status add_up(Problem problem, const Kernels& kernels, const char* x, char* totals,
              Interrupted interrupted, void* context) noexcept;

}  // namespace cumsum
