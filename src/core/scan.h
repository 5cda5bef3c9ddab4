// The whole interface of the core: scan x into y.
#pragma once

#include "plan.h"

namespace cumsum {

enum class Status { done, interrupted, out_of_memory };

// Asked now and then by the calling thread during long scans; true ends the scan early.
using Interrupted = bool (*)(void* context);

// `initial` are the values that the sums begin with, or the records that they go on from, if the
// plan has been made for any; those of their end go to `records`.
Status run(const Plan& plan, const Kernels& kernels, const void* x, void* y,
           const void* initial = nullptr, Interrupted interrupted = nullptr,
           void* context = nullptr, char* records = nullptr) noexcept;

}  // namespace cumsum
