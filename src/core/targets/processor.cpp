#include "processor.h"

#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace cumsum {
namespace {

// The family of a processor of AMD's; 0 for others.
int amd_family() {
#if defined(__x86_64__)
  unsigned a, b, c, d;
  if (!__get_cpuid(0, &a, &b, &c, &d) || b != signature_AMD_ebx) return 0;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
  return static_cast<int>((a >> 8 & 15) + (a >> 20 & 255));
#else
  return 0;
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
  constexpr int zen3_or_4 = 0x19;  // of these only a Zen 4 has vectors of 64 bytes
  const bool halves = amd_family() == zen3_or_4;
  return {halves, !halves, cache_size(caches[0], 1 << 15), cache_size(caches[1], 1 << 19),
          cache_size(caches[2], 1 << 23)};
}

}  // namespace

const Processor& processor() {
  static const Processor found = look();
  return found;
}

}  // namespace cumsum
