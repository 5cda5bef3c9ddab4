#include "placement.h"

namespace cumsum {

void Placement::keep_apart() {
#if defined(__linux__)
  const int caller = sched_getcpu();
  cpu_set_t allowed;
  if (caller < 0 || caller >= CPU_SETSIZE) return;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  if (CPU_COUNT(&allowed) > 1) CPU_CLR(caller, &allowed);
  if (placed_ == threads_.size() && CPU_EQUAL(&allowed, &given_)) return;
  for (const pthread_t thread : threads_) {
    pthread_setaffinity_np(thread, sizeof(allowed), &allowed);
  }
  given_ = allowed;
  placed_ = threads_.size();
#endif
}

}  // namespace cumsum
