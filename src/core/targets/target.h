// The instruction sets this build has kernels for, and the one in use.
#pragma once

#include "table.h"

namespace cumsum {

// The targets this machine can run, best first; null-terminated.
const Kernels* const* runnable_targets();

// The target in use: the best one, unless another was chosen.
const Kernels& current_target();

// Choose by name, before any scan; false if this machine has no such target.
bool choose_target(const char* name);

}  // namespace cumsum
