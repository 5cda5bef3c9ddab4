#include "patience.h"

#include <unistd.h>

namespace cumsum {

Patience::Patience(Interrupted interrupted, void* context)
    : interrupted_(interrupted),
      context_(context),
      process_(getpid()),
      last_asked_(std::chrono::steady_clock::now()) {}

void Patience::ask() {
  unasked_ = 0;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_asked_ <= period) return;
  last_asked_ = now;
  const bool stop = interrupted_(context_);
  forked_ = shared_ && getpid() != process_;
  if (stop || forked_) over_.store(true, std::memory_order_relaxed);
  stopped_ |= stop;
}

Status Patience::status(bool in_place) const {
  if (!over_) return Status::done;
  if (stopped_ || !forked_) return Status::interrupted;
  return in_place ? Status::torn : Status::forked;
}

}  // namespace cumsum
