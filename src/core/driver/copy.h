// What the benchmark measures a scan with: a copy by the same threads.
#pragma once

#include <cstdint>

#include "patience.h"
#include "table.h"

namespace cumsum {

// Copies `bytes` on up to `workers` threads; past the cache where the processor knows how.
Status copy_memory(const Kernels& kernels, char* target, const char* source, int64_t bytes,
                   int workers, bool past_cache, Interrupted interrupted, void* context) noexcept;

}  // namespace cumsum
