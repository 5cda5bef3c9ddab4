#include "copy.h"

#include <algorithm>
#include <cstring>

#include "claims.h"
#include "float_mode.h"

namespace cumsum {
namespace {

constexpr int64_t page = 4096;
// A thread that loses its core delays no more than this.
constexpr int64_t most_bytes = 1 << 20;

}  // namespace

Status copy_memory(const Kernels& kernels, char* target, const char* source, int64_t bytes,
                   int workers, bool past_cache, Interrupted interrupted, void* context) noexcept {
  Patience patience(interrupted, context);
  const auto copy = [&](int, int64_t first, int64_t last) {
    if (past_cache) {
      kernels.copy_past_cache(target + first, source + first, last - first);
    } else {
      std::memcpy(target + first, source + first, last - first);
    }
    return true;
  };
  const int64_t share = std::min((bytes / workers / page + 1) * page, most_bytes);
  claim_all(workers, bytes, share, patience, copy, finish_streams);
  return patience.status(false);
}

}  // namespace cumsum
