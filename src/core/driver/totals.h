// What pieces of an axis add to the carry, found out without it.
//
// The bits of a scan come from the sums of its tiles, added to the carry one after the other. So
// the aggregate of a piece that consists of tiles is their sums, a number (two for complex ones)
// for 4096 elements; and pieces can be scanned in any order, by anyone, once these are known.
#pragma once

#include "scan.h"

namespace cumsum {

// Bytes of what one line's tile adds to a carry.
int64_t total_size(DType dtype, Precision precision, const Kernels& kernels);

// The totals of the tiles that x consists of go to request.after: for each tile those of the lines,
// in C order, `total_size` bytes each. The request's y is not looked at but for its type.
Status add_up(Request request, const Kernels& kernels, Interrupted interrupted,
              void* context) noexcept;

}  // namespace cumsum
