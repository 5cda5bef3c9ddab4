// Scans that go on from where others stopped, with the bits of one scan of all.
//
// What must be known of a line is its record, for each channel the carry and the chain at the
// last full group, and the sums of the group in progress, of which the tree needs at most three.
// So elements come one by one until the group is full, then in whole groups up to the end of the
// tile, then like any scan whose carry is not zero; the last ones, fewer than a group, one by one.
#pragma once

#include "scan.h"

namespace cumsum {

// Bytes of a line's record for results of this type.
int64_t record_size(DType dtype, Precision precision);

// So many bytes of records of lines that have had no element yet, and begin with `values` of the
// result's type that follow each other. Where they begin with zero, all bytes are zero.
void begin_records(DType dtype, Precision precision, char* records, const char* values,
                   int64_t bytes);

// y = the scan of x, of one element at least, from the records on. Those of its end are written to
// `records_out`, which is other memory, so that nothing is lost if the end is not reached.
Status resume(Problem problem, const Kernels& kernels, const char* x, char* y, const char* records,
              char* records_out, Interrupted interrupted, void* context) noexcept;

// The records of `lines` lines that stand between two tiles, once as many tiles have been added as
// `totals` (aggregate.h) has sums of, and then what the records in `tail`, if there are any, say of
// fewer elements from the beginning of a tile.
Status advance(DType dtype, Precision precision, const Kernels& kernels, const char* records,
               int64_t lines, const char* totals, int64_t tiles, const char* tail,
               char* records_out) noexcept;

}  // namespace cumsum
