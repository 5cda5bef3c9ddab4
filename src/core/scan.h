// The whole interface of the core: scan x into y.
#pragma once

#include "plan.h"

namespace cumsum {

enum class Status { done, interrupted, out_of_memory };

// Asked now and then by the calling thread during long scans; true ends the scan early.
using Interrupted = bool (*)(void* context);

Status run(const Plan& plan, const Kernels& kernels, const void* x, void* y,
           Interrupted interrupted = nullptr, void* context = nullptr) noexcept;

}  // namespace cumsum
