// A segment of an axis, as the walk reads it.
#pragma once

#include <algorithm>

#include "request.h"

namespace cumsum {

struct Cut {
  int64_t begin, end;  // elements, as they are in memory

  int64_t length() const { return end - begin; }
};

// Segment `s`, whose offsets are read once and kept within the axis: what another thread writes
// there in the middle of a scan spoils sums, but nothing outside of the arrays.
inline Cut cut_at(const Request& request, int64_t s) {
  const int64_t size = request.shape[request.axis];
  const auto given = [&](int64_t at) {
    return __atomic_load_n(request.offsets + at, __ATOMIC_RELAXED);
  };
  const int64_t begin = std::clamp<int64_t>(given(s), 0, size);
  return {begin, std::clamp(given(s + 1), begin, size)};
}

}  // namespace cumsum
