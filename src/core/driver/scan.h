// The whole interface of the core: scan x into y.
#pragma once

#include "patience.h"
#include "plan.h"

namespace cumsum {

// The memory of a scan. `initial` are the values that the sums begin with, or the records that they
// go on from, those of their end go to `records`, and `mask` has a byte for each element, zero
// where it adds nothing: if the plan has been made for any.
struct Operands {
  const char* x;
  char* y;
  const char* initial = nullptr;
  const char* mask = nullptr;
  char* records = nullptr;
};

Status run(const Plan& plan, const Kernels& kernels, const Operands& operands,
           Interrupted interrupted = nullptr, void* context = nullptr) noexcept;

// Whether scan() takes what a request asks for; a result that lies as others do, or no option, may
// help.
bool can_scan(const Request& request, const Kernels& kernels);

// Write the result to request.y. `overflowed`, with nothing written, where a sum does not fit and
// that is an error.
Status scan(const Request& request, const Kernels& kernels, Interrupted interrupted = nullptr,
            void* context = nullptr) noexcept;

}  // namespace cumsum
