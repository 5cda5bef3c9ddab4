#include "target.h"

#include <atomic>
#include <cstring>

namespace cumsum {
#if defined(__x86_64__)
namespace avx512 {
extern const Kernels kernels;
}
namespace avx2 {
extern const Kernels kernels;
}
#endif
#if defined(__aarch64__)
namespace neon {
extern const Kernels kernels;
}
namespace always = neon;
#else
namespace baseline {
extern const Kernels kernels;
}
namespace always = baseline;
#endif

namespace {

struct Targets {
  const Kernels* list[4] = {};

  Targets() {
    int count = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("x86-64-v4")) list[count++] = &avx512::kernels;
    if (__builtin_cpu_supports("x86-64-v3")) list[count++] = &avx2::kernels;
#endif
    list[count] = &always::kernels;
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
