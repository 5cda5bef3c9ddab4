// Which sum of integers is the first that its type does not hold.
#pragma once

#include <optional>

#include "scan.h"

namespace cumsum {

struct Excess {
  int64_t line, position;  // in C order of the lines; along the axis
  Wide value;
};

// The first sum that is not in the request's range, of the first line that has one; looked for line
// by line, once it is known that there is one.
Status find_overflow(const Request& request, const Kernels& kernels, std::optional<Excess>& found,
                     Interrupted interrupted, void* context) noexcept;

}  // namespace cumsum
