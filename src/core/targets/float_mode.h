// The state of a processor: the floating-point settings of a thread, which a program may have
// changed, and stores under way.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <cstdint>
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
#elif defined(__aarch64__)
  StandardFloats() {
    asm volatile("mrs %0, fpcr" : "=r"(before_));
    if ((before_ & settings) != 0) set(before_ & ~settings);
  }
  ~StandardFloats() {
    if ((before_ & settings) != 0) set(before_);
  }

 private:
  static void set(uint64_t fpcr) { asm volatile("msr fpcr, %0" : : "r"(fpcr)); }

  // Another float16, one nan for all, flush to zero, rounding; and what newer processors add:
  // another way with subnormal numbers and with the upper lanes.
  static constexpr uint64_t settings = 0x7c00007;
  uint64_t before_;
#endif
};

// What was written past the cache is there for other threads from here on.
inline void finish_streams() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

}  // namespace cumsum
