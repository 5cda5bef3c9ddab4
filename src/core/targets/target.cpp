#include "target.h"

#include <atomic>
#include <cstring>
#include <utility>

#include "kinds.h"
#include "processor.h"

namespace cumsum {

// Each is there if the build asked for it (CUMSUM_TARGETS).
namespace avx512 {
CUMSUM_EACH_KIND(CUMSUM_DECLARE)
}
namespace avx512_256 {
CUMSUM_EACH_WIDE_KIND(CUMSUM_DECLARE)
}
namespace avx2 {
CUMSUM_EACH_KIND(CUMSUM_DECLARE)
}
namespace baseline {
CUMSUM_EACH_KIND(CUMSUM_DECLARE)
}
namespace neon {
CUMSUM_EACH_KIND(CUMSUM_DECLARE)
}
#define CUMSUM_ADD(kind) add_##kind(kernels);
#define CUMSUM_ADD_TARGET(name)     \
  add(#name, [](Kernels& kernels) { \
    using namespace name;           \
    CUMSUM_EACH_KIND(CUMSUM_ADD)    \
  })
#define CUMSUM_CHANGE_ROWS(name)      \
  [](Kernels& kernels) {              \
    using namespace name;             \
    CUMSUM_EACH_WIDE_KIND(CUMSUM_ADD) \
  }

namespace {

struct Targets {
  Kernels tables[5] = {};
  const Kernels* list[6] = {};
  int count = 0;

  void add(const char* name, void (*fill)(Kernels&)) {
    Kernels& kernels = tables[count];
    kernels.name = name;
#ifdef CUMSUM_HAS_baseline
    baseline::add_casts(kernels);  // all of them; others have their own of some
#endif
    fill(kernels);
    list[count++] = &kernels;
  }

  // The table before, with other kernels for some of it.
  [[maybe_unused]] void add_changed(const char* name, void (*change)(Kernels&)) {
    Kernels& kernels = tables[count];
    kernels = *list[count - 1];
    kernels.name = name;
    change(kernels);
    list[count++] = &kernels;
  }

  Targets() {
#if defined(__x86_64__)
    __builtin_cpu_init();
#endif
#ifdef CUMSUM_HAS_avx512
    if (__builtin_cpu_supports("x86-64-v4")) CUMSUM_ADD_TARGET(avx512);
#ifdef CUMSUM_HAS_avx512_256
    if (count > 0) add_changed("avx512_256", CUMSUM_CHANGE_ROWS(avx512_256));
    if (count > 0 && processor().halves_vectors) std::swap(list[0], list[1]);
#endif
#endif
#ifdef CUMSUM_HAS_avx2
    if (__builtin_cpu_supports("x86-64-v3")) CUMSUM_ADD_TARGET(avx2);
#endif
#ifdef CUMSUM_HAS_baseline
    CUMSUM_ADD_TARGET(baseline);
#endif
#ifdef CUMSUM_HAS_neon
    CUMSUM_ADD_TARGET(neon);
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
  if (!kernels) chosen.store(kernels = targets().list[0], std::memory_order_release);
  return *kernels;
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
