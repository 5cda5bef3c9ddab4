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

Patience::Patience(Interrupted interrupted, void* context)
    : interrupted_(interrupted), context_(context), last_asked_(std::chrono::steady_clock::now()) {}

bool Patience::is_over(int worker) {
  constexpr std::chrono::milliseconds period{50};
  if (worker == 0 && interrupted_) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_asked_ > period) {
      last_asked_ = now;
      if (interrupted_(context_)) over_.store(true, std::memory_order_relaxed);
    }
  }
  return over_.load(std::memory_order_relaxed);
}

}  // namespace cumsum
