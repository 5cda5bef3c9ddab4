// Exact sums of integers: what their kernels are given, and the questions that they raise.
#pragma once

#include <atomic>
#include <optional>

#include "checked.h"
#include "scan.h"

namespace cumsum {

// What kernels of exact sums need to know: elements become int64, and sums in the range, results.
Exactly exactly_by(const Request& request, const Range& range, const Kernels& kernels,
                   std::atomic<bool>* exceeded);

// Whether all elements of x, which are integers, are in a range, which contains 0: `overflowed` if
// not. Nothing else of the request is looked at but its threads.
Status look_within(const Request& request, const Range& range, const Kernels& kernels,
                   Interrupted interrupted, void* context) noexcept;

struct Excess {
  int64_t line, position;  // in C order of the lines; along the axis
  Wide value;
};

// The first sum that the result's type does not hold, of the first line that has one; looked for
// line by line, once it is known that there is one.
Status find_overflow(const Request& request, const Kernels& kernels, std::optional<Excess>& found,
                     Interrupted interrupted, void* context) noexcept;

}  // namespace cumsum
