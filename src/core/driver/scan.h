// The whole interface of the core: scan x into y.
#pragma once

#include <optional>

#include "patience.h"
#include "plan.h"

namespace cumsum {

// Whether scan() takes what a request asks for; a result that lies as others do, or no option, may
// help.
bool can_scan(const Request& request);

// Write the result to request.y. `overflowed`, with nothing written, where a sum does not fit and
// that is an error.
Status scan(const Request& request, const Kernels& kernels, Interrupted interrupted = nullptr,
            void* context = nullptr) noexcept;

// The same by a plan of that request, which has neither segments nor states.
Status run(const Plan& plan, const Kernels& kernels, const Request& request,
           Interrupted interrupted = nullptr, void* context = nullptr) noexcept;

}  // namespace cumsum
