// Which processors the pool's threads may run on.
#pragma once

#include <pthread.h>
#if defined(__linux__)
#include <sched.h>
#endif

#include <vector>

namespace cumsum {

// Keeps threads off the processor of the caller, who is about to wake them. Where a virtual
// processor that has nothing to do is taken for busy, a thread is woken on the very processor that
// woke it, and waits there until its work has been done by others: float32 (1000, 1000), two
// threads of a Zen 5, 170 us a call for bursts of 1 ms, 170 on one thread, and 95 where they are
// apart. What else the caller may use is all that they get.
class Placement {
 public:
  void make_room(int threads) { threads_.reserve(threads); }
  void add(pthread_t thread) { threads_.push_back(thread); }
  void keep_apart();

 private:
  std::vector<pthread_t> threads_;
  size_t placed_ = 0;  // of these threads
#if defined(__linux__)
  cpu_set_t given_ = {};  // what they may use
#endif
};

}  // namespace cumsum
