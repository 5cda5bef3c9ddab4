// Scans of lines that are cut into segments, each of which begins anew.
#pragma once

#include "scan.h"

namespace cumsum {

// Segment s is the elements [offsets[s], offsets[s + 1]) of the scan axis; there are `count`.
struct Segments {
  const int64_t* offsets;
  int64_t count;
};

// The first number that is no offset of an axis of `size` elements: less than the one before, or
// not 0 in the first place or `size` in the last. -1 if there is none.
Status find_fault(const Segments& segments, int64_t size, int threads, int64_t& fault,
                  Interrupted interrupted = nullptr, void* context = nullptr) noexcept;

// Whether the memory is as the kernels take it; else x must be copied to such a y, and scanned
// there in place.
bool can_take(const Problem& problem, const Segments& segments, const Kernels& kernels);

// Scan x into y, whose offsets have no fault.
Status run_segments(const Problem& problem, const Segments& segments, const Kernels& kernels,
                    const Operands& operands, Interrupted interrupted = nullptr,
                    void* context = nullptr) noexcept;

}  // namespace cumsum
