// What the offsets of segments say of all of them.
#include "kinds.h"
#include "vector.h"

namespace cumsum {
namespace {

// The sign bits are looked at, as comparisons would not be vectorised.
int64_t spacing(const int64_t* offsets, int64_t segments) {
  const uint64_t first = offsets[segments > 0] - static_cast<uint64_t>(offsets[0]);
  uint64_t signs = offsets[0], unlike = 0;
  for (int64_t s = 0; s < segments; ++s) {
    const uint64_t end = offsets[s + 1], length = end - static_cast<uint64_t>(offsets[s]);
    signs |= end | length;
    unlike |= length ^ first;
  }
  if (static_cast<int64_t>(signs) < 0) return -1;
  return unlike == 0 ? static_cast<int64_t>(first) : 0;
}

}  // namespace

void CUMSUM_TARGET::add_offsets(Kernels& kernels) { kernels.spacing = spacing; }

}  // namespace cumsum
