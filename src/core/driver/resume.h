// Scans that go on from where others stopped, with the bits of one scan of all.
//
// What must be known of a line is its state, for each channel the carry and the chain at the
// last full group, and the sums of the group in progress, of which the tree needs at most three.
// So elements come one by one until the group is full, then in whole groups up to the end of the
// tile, then like any scan whose carry is not zero; the last ones, fewer than a group, one by one.
#pragma once

#include "scan.h"

namespace cumsum {

// Bytes of a line's state, of what a request asks for.
int64_t state_size(const Request& request);

// So many bytes of states of lines that have had no element yet, and begin with `values` of the
// result's type that follow each other. Where they begin with zero, all bytes are zero.
void begin_states(DType dtype, Precision precision, char* states, const char* values,
                  int64_t bytes);

// y = the scan of x, of one element at least, from the states on that `initial` points to. Those of
// its end are written to `after`, which is other memory, so that nothing is lost if the end is not
// reached. Both follow each other in C order of the lines.
Status resume(Request request, const Kernels& kernels, Interrupted interrupted,
              void* context) noexcept;

// The states of `lines` lines that stand between two tiles, once as many tiles have been added as
// `totals` (totals.h) has sums of, and then what the states in `tail`, if there are any, say of
// fewer elements from the beginning of a tile.
Status advance(DType dtype, Precision precision, const Kernels& kernels, const char* states,
               int64_t lines, const char* totals, int64_t tiles, const char* tail,
               char* after) noexcept;

}  // namespace cumsum
