#include <cstring>

#include "decay_run.h"

namespace cumsum {
#if defined(__x86_64__)
namespace avx512 {
extern const DecayTable decays;
}
namespace avx2 {
extern const DecayTable decays;
}
#endif
#if defined(__aarch64__)
namespace neon {
extern const DecayTable decays;
}
namespace always = neon;
#else
namespace baseline {
extern const DecayTable decays;
}
namespace always = baseline;
#endif

const DecayTable& decay_table(const Kernels& target) {
#if defined(__x86_64__)
  for (const DecayTable* table : {&avx512::decays, &avx2::decays}) {
    if (std::strcmp(table->name, target.name) == 0) return *table;
  }
#endif
  return always::decays;
}

}  // namespace cumsum
