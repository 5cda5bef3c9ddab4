// How many threads a call may use.
#pragma once

namespace cumsum {

// Where a number may come from, the first that is set (not 0) counts.
enum class ThreadSource { context, set, environment, machine };

int thread_setting(ThreadSource source);
void set_thread_setting(ThreadSource source, int threads);

// What the user chose, or 0.
int chosen_threads();

}  // namespace cumsum
