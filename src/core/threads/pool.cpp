#include "pool.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>

#include "pause.h"
#include "placement.h"
#include "policy.h"

namespace cumsum {
namespace {

class Pool {
 public:
  // False if another caller's job is running.
  bool run(int workers, Job job, void* context, Patience& patience) {
    static thread_local bool inside =
        false;  // a signal's handler may call again from the same thread
    if (inside) return false;
    std::unique_lock busy(busy_, std::try_to_lock);
    if (!busy.owns_lock()) return false;
    start_threads(workers - 1);
    if (threads_ == 0) return false;
    inside = true;
    placement_.keep_apart();
    patience.share();
    {
      std::lock_guard lock(mutex_);
      job_ = job;
      context_ = context;
      places_ = workers - 1;
      generation_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    job(context, 0);
    inside = false;
    if (!patience.has_forked()) wait_for_others(patience);
    return true;
  }

  const pid_t owner = getpid();

 private:
  // Handlers of signals run without the lock, as one may fork: a child never sees it free again if
  // another thread holds it then.
  void wait_for_others(Patience& patience) {
    std::unique_lock lock(mutex_);
    places_ = 0;  // those who were not awake in time are not waited for
    job_ = nullptr;
    lock.unlock();
    const auto all_left = [this] { return active_.load(std::memory_order_acquire) == 0; };
    spin(all_left);
    lock.lock();
    while (!left_.wait_for(lock, Patience::period, all_left)) {
      lock.unlock();
      patience.is_over(0);
      if (patience.has_forked()) return;
      lock.lock();
    }
  }

  void start_threads(int wanted) {
    if (threads_ >= wanted) return;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // signals belong to the program's own threads
    try {
      placement_.make_room(wanted);
      for (; threads_ < wanted; ++threads_) {
        std::thread made(&Pool::work, this, threads_ + 1);
        placement_.add(made.native_handle());
        made.detach();
      }
    } catch (...) {  // the system's limit: go on with those there are
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  // Falling asleep and being woken takes longer than a small scan: wait awake for a moment first.
  template <class Condition>
  static void spin(Condition met) {
    for (int i = 0; i < policy::spins_before_sleep && !met(); ++i) pause();
  }

  void work(int worker) noexcept {
    unsigned long seen = 0;
    std::unique_lock lock(mutex_);
    for (;;) {
      lock.unlock();
      spin([&] { return generation_.load(std::memory_order_acquire) != seen; });
      lock.lock();
      wake_.wait(lock, [&] { return generation_ != seen; });
      seen = generation_;
      if (!job_ || worker > places_) continue;
      Job job = job_;
      void* context = context_;
      ++active_;
      lock.unlock();
      job(context, worker);
      lock.lock();
      if (--active_ == 0) left_.notify_one();
    }
  }

  std::mutex busy_;  // held by the caller for the length of a job
  Placement placement_;
  std::mutex mutex_;  // guards all below
  std::condition_variable wake_, left_;
  Job job_ = nullptr;
  void* context_ = nullptr;
  int places_ = 0, threads_ = 0;
  // Written under the lock, so that nobody falls asleep past a change; read without it to spin.
  std::atomic<int> active_{0};
  std::atomic<unsigned long> generation_{0};
};

// A forked child has the memory of the pool but none of its threads, and its locks may be held for
// ever: it leaves the old pool alone and makes a new one. Pools are leaked on purpose: their
// threads may still be asleep in them when the process ends.
Pool* pool() {
  static std::atomic<Pool*> current{nullptr};
  Pool* found = current.load(std::memory_order_acquire);
  if (found && found->owner == getpid()) return found;
  Pool* made = new (std::nothrow) Pool;
  if (made && current.compare_exchange_strong(found, made)) return made;
  delete made;  // another caller was quicker
  return found;
}

}  // namespace

void run_parallel(int workers, Job job, void* context, Patience& patience) noexcept {
  if (workers > 1) {
    Pool* shared = pool();
    if (shared && shared->run(workers, job, context, patience)) return;
  }
  job(context, 0);
}

}  // namespace cumsum
