// How workers share out what there is to do: each claims some of it, until all is claimed.
#pragma once

#include <algorithm>
#include <atomic>

#include "pool.h"

namespace cumsum {

// Calls body(worker, first, last) until [0, units) is done, `grain` units at a time, on up to
// `workers` threads; or until the body says false or the patience is over. `left` is called by each
// worker at its end.
template <class Body, class Left>
void claim_all(int workers, int64_t units, int64_t grain, Patience& patience, const Body& body,
               const Left& left) {
  struct Claims {
    const Body& body;
    const Left& left;
    Patience& patience;
    int64_t units, grain;
    std::atomic<int64_t> next{0};
  } claims{body, left, patience, units, grain};
  const Job job = [](void* context, int worker) noexcept {
    Claims& c = *static_cast<Claims*>(context);
    for (;;) {
      const int64_t first = c.next.fetch_add(c.grain, std::memory_order_relaxed);
      if (first >= c.units || c.patience.is_over(worker)) break;
      if (!c.body(worker, first, std::min(first + c.grain, c.units))) break;
    }
    c.left();
  };
  run_parallel(workers, job, &claims, patience);
}

}  // namespace cumsum
