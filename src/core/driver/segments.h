// Lines that are cut into segments, each of which begins anew: a line of its own to the walk.
#pragma once

#include "run.h"

namespace cumsum {

// The first number that is no offset of an axis of `size` elements: less than the one before, or
// not 0 in the first place or `size` in the last. -1 if there is none.
Status find_fault(const int64_t* offsets, int64_t segments, int64_t size, int threads,
                  int64_t& fault, Interrupted interrupted = nullptr,
                  void* context = nullptr) noexcept;

// The scan of a request whose offsets have no fault.
Status run_segments(Run& scan, const Kernels& kernels, const Request& request,
                    Interrupted interrupted, void* context);

}  // namespace cumsum
