// What every walk over much memory asks now and then: whether it is to end early.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>

namespace cumsum {

// forked: a handler of a signal has forked, this is the child, and workers that are not here had a
// part in the scan: it is to be made again. torn: nor can it be, as results lie over the input.
enum class Status { done, interrupted, out_of_memory, forked, torn, overflowed };

// Asked now and then by the calling thread during long scans; true ends the scan early. Handlers of
// signals run meanwhile.
using Interrupted = bool (*)(void* context);

class Patience {
 public:
  Patience(Interrupted interrupted, void* context);

  // Whether to stop, after so many elements. The calling thread alone, worker 0, finds that out,
  // and does not look at the clock for a few of them.
  bool is_over(int worker, int64_t elements = often) {
    if (worker == 0 && interrupted_ && (unasked_ += elements) >= often) ask();
    return over_.load(std::memory_order_relaxed);
  }

  // From now on other threads take part.
  void share() { shared_ = true; }
  bool has_forked() const { return forked_; }

  // How a walk has ended that read from what it wrote to, or did not.
  Status status(bool in_place) const;

  static constexpr std::chrono::milliseconds period{50};  // between two looks

 private:
  static constexpr int64_t often = 1 << 18;

  void ask();

  const Interrupted interrupted_;
  void* const context_;
  const pid_t process_;
  int64_t unasked_ = 0;
  std::chrono::steady_clock::time_point last_asked_;
  std::atomic<bool> over_{false};
  bool shared_ = false, forked_ = false, stopped_ = false;
};

}  // namespace cumsum
