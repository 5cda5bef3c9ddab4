// The whole interface of the core: scan x into y.
#pragma once

#include "plan.h"

namespace cumsum {

enum class Status { done, interrupted, out_of_memory };

// Asked now and then by the calling thread during long scans; true ends the scan early.
using Interrupted = bool (*)(void* context);

// `initial` are the values that the sums begin with, and `mask` has a byte for each element, zero
// where it adds nothing; if the plan has been made for any.
Status run(const Plan& plan, const Kernels& kernels, const void* x, void* y,
           const void* initial = nullptr, Interrupted interrupted = nullptr,
           void* context = nullptr, const void* mask = nullptr) noexcept;

}  // namespace cumsum
