#include "target.h"

#include <atomic>
#include <cstring>

namespace cumsum {
// Each is there if the build asked for it (CUMSUM_TARGETS).
namespace avx512 {
extern const Kernels kernels;
}
namespace avx2 {
extern const Kernels kernels;
}
namespace baseline {
extern const Kernels kernels;
}
namespace neon {
extern const Kernels kernels;
}

namespace {

struct Targets {
  const Kernels* list[4] = {};

  Targets() {
    int count = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
#endif
#ifdef CUMSUM_HAS_avx512
    if (__builtin_cpu_supports("x86-64-v4")) list[count++] = &avx512::kernels;
#endif
#ifdef CUMSUM_HAS_avx2
    if (__builtin_cpu_supports("x86-64-v3")) list[count++] = &avx2::kernels;
#endif
#ifdef CUMSUM_HAS_baseline
    list[count++] = &baseline::kernels;
#endif
#ifdef CUMSUM_HAS_neon
    list[count++] = &neon::kernels;
#endif
  }
};

const Targets& targets() {
  static const Targets all;
  return all;
}

std::atomic<const Kernels*> chosen{nullptr};

}  // namespace

const Kernels* const* runnable_targets() { return targets().list; }

const Kernels& current_target() {
  const Kernels* kernels = chosen.load(std::memory_order_acquire);
  return kernels ? *kernels : *targets().list[0];
}

bool choose_target(const char* name) {
  for (const Kernels* const* target = runnable_targets(); *target; ++target) {
    if (std::strcmp((*target)->name, name) == 0) {
      chosen.store(*target, std::memory_order_release);
      return true;
    }
  }
  return false;
}

}  // namespace cumsum
