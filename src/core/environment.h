// The floating-point settings of a thread, which a program may have changed.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace cumsum {

// While one lives, its thread rounds to nearest and keeps subnormal numbers, as the order of
// additions supposes: otherwise the bits would depend on the settings of whichever thread does the
// work.
class StandardFloats {
 public:
#if defined(__x86_64__)
  StandardFloats() : before_(_mm_getcsr()) {
    if ((before_ & settings) != 0) _mm_setcsr(before_ & ~settings);
  }
  ~StandardFloats() {
    if ((before_ & settings) != 0) _mm_setcsr(before_);
  }

 private:
  static constexpr unsigned settings = 0xe040;  // flush to zero, rounding, denormals are zeros
  const unsigned before_;
#endif
};

}  // namespace cumsum
