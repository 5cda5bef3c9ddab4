// Whether all elements of an array of integers are in a range, whatever their order.
#pragma once

#include "scan.h"

namespace cumsum {

// `overflowed` if one of x is not in the request's range, which contains 0.
Status look_within(const Request& request, const Kernels& kernels, Interrupted interrupted,
                   void* context) noexcept;

}  // namespace cumsum
