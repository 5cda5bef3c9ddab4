#include "processor.h"

#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace cumsum {
namespace {

// Zen 3 and 4 are one family, and a Zen 4 alone of it has vectors of 64 bytes.
bool is_zen4() {
#if defined(__x86_64__)
  unsigned a, b, c, d;
  if (!__get_cpuid(0, &a, &b, &c, &d) || b != signature_AMD_ebx) return false;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return false;
  const unsigned family = (a >> 8 & 15) + (a >> 20 & 255);
  return family == 0x19 && __builtin_cpu_supports("avx512f");
#else
  return false;
#endif
}

// What the system says of a cache, or what most processors have at least.
int64_t cache_size([[maybe_unused]] int name, int64_t otherwise) {
  const long size = name < 0 ? 0 : sysconf(name);
  return size > 0 ? size : otherwise;
}

#if defined(_SC_LEVEL1_DCACHE_SIZE)
constexpr int caches[3] = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
#else
constexpr int caches[3] = {-1, -1, -1};
#endif

Processor look() {
  const bool zen4 = is_zen4();
  return {zen4, !zen4, cache_size(caches[0], 1 << 15), cache_size(caches[1], 1 << 20),
          cache_size(caches[2], 1 << 25)};
}

}  // namespace

const Processor& processor() {
  static const Processor found = look();
  return found;
}

}  // namespace cumsum
