// A small pool of threads: started on first use, made anew after a fork, never joined.
#pragma once

#include "patience.h"

namespace cumsum {

// A job is called once by each worker that takes part, the caller as worker 0; it must share out
// the work by itself (by claims), because any number of the others may come late or not at all.
using Job = void (*)(void* context, int worker) noexcept;

// Run `job` on up to `workers` threads and return when every participant has left it. Runs on the
// caller alone if the pool is busy with another caller's job or threads can't be started. The
// caller goes on asking while it waits for others; in a child that a signal's handler forked it
// returns without them.
void run_parallel(int workers, Job job, void* context, Patience& patience) noexcept;

}  // namespace cumsum
