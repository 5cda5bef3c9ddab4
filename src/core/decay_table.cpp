#include <cstring>

#include "built.h"
#include "decay_run.h"

namespace cumsum {
#define CUMSUM_DECLARE(target)    \
  namespace target {              \
  extern const DecayTable decays; \
  }
CUMSUM_EACH_TARGET(CUMSUM_DECLARE)
#define CUMSUM_ADDRESS(target) &target::decays,

const DecayTable& decay_table(const Kernels& target) {
  for (const DecayTable* table : {CUMSUM_EACH_TARGET(CUMSUM_ADDRESS)}) {
    if (std::strcmp(table->name, target.name) == 0) return *table;
  }
  __builtin_unreachable();  // a target is one of those built
}

}  // namespace cumsum
