#include "placement.h"

#if defined(__linux__)
#include <sched.h>
#endif

namespace cumsum {

void Placement::keep_apart() {
#if defined(__linux__)
  const int caller = sched_getcpu();
  if (caller < 0 || (caller == caller_ && placed_ == threads_.size())) return;
  cpu_set_t allowed;
  if (caller >= CPU_SETSIZE || sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  if (CPU_COUNT(&allowed) > 1) CPU_CLR(caller, &allowed);
  for (const pthread_t thread : threads_) {
    pthread_setaffinity_np(thread, sizeof(allowed), &allowed);
  }
  caller_ = caller;
  placed_ = threads_.size();
#endif
}

}  // namespace cumsum
