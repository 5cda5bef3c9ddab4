#include "thread_count.h"

#include <atomic>

namespace cumsum {
namespace {

thread_local int in_context = 0;  // belongs to the Python thread that entered the context
std::atomic<int> elsewhere[4];

}  // namespace

int thread_setting(ThreadSource source) {
  if (source == ThreadSource::context) return in_context;
  return elsewhere[static_cast<int>(source)].load(std::memory_order_relaxed);
}

void set_thread_setting(ThreadSource source, int threads) {
  if (source == ThreadSource::context) {
    in_context = threads;
  } else {
    elsewhere[static_cast<int>(source)].store(threads, std::memory_order_relaxed);
  }
}

int chosen_threads() {
  if (in_context) return in_context;
  if (int threads = thread_setting(ThreadSource::set)) return threads;
  return thread_setting(ThreadSource::environment);
}

}  // namespace cumsum
