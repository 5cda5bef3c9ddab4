// Sums of integers that never wrap round: whether they fit a result's type, and what is nearest to
// them there. Elements and results are of the integer types, bool among them, which is 0 or 1.
#pragma once

#include <cstring>
#include <optional>

#include "checked.h"
#include "patience.h"
#include "plan.h"

namespace cumsum {

// The numbers that a type holds.
Range range_of(DType dtype);

struct Elements {
  DType dtype;
  int dims;
  const int64_t* shape;
  const int64_t* strides;
  const char* x;
};

// Whether all elements are in the range, which contains 0.
Status all_within(const Elements& elements, Range range, int threads, bool& within,
                  Interrupted interrupted, void* context) noexcept;

// In a problem of this header, `y_dtype` is the type that the results have to fit, and the initial
// values are pairs of 64-bit words, the lower first.
inline Wide read_wide(const char* p) {
  int64_t words[2];
  std::memcpy(words, p, sizeof words);
  return (Wide{words[1]} << 64) + static_cast<uint64_t>(words[0]);
}

// Whether all sums fit, unless the walk ends early; y's strides don't matter.
bool all_fit(const Problem& problem, const char* x, const char* initial, Patience& patience);

struct Excess {
  int64_t line, position;  // in C order of the lines; along the axis
  Wide value;
};

// The first sum that does not fit, of the first line that has one.
Status find_excess(const Problem& problem, const char* x, const char* initial,
                   std::optional<Excess>& found, Interrupted interrupted, void* context) noexcept;

// Write the sums to y, each that does not fit as the nearest number that does.
Status saturate(const Problem& problem, const char* x, char* y, const char* initial,
                Interrupted interrupted, void* context) noexcept;

}  // namespace cumsum
