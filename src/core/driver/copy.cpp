#include "copy.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "pool.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace cumsum {
namespace {

constexpr int64_t line = 64, page = 4096;
// A thread that loses its core delays no more than this.
constexpr int64_t most_bytes = 1 << 20;

struct Copy {
  char* target;
  const char* source;
  int64_t bytes, piece;
  bool past_cache;
  Patience patience;
  std::atomic<int64_t> next{0};
};

void copy_past_cache(char* target, const char* source, int64_t bytes) {
#if defined(__x86_64__)
  const int64_t head = std::min<int64_t>(bytes, -reinterpret_cast<uintptr_t>(target) % line);
  std::memcpy(target, source, head);
  int64_t done = head;
  for (; done + line <= bytes; done += line) {
    for (int64_t i = done; i < done + line; i += sizeof(__m128i)) {
      const __m128i value = _mm_loadu_si128(reinterpret_cast<const __m128i*>(source + i));
      _mm_stream_si128(reinterpret_cast<__m128i*>(target + i), value);
    }
  }
  _mm_sfence();
#else
  const int64_t done = 0;
#endif
  std::memcpy(target + done, source + done, bytes - done);
}

void work(void* context, int worker) noexcept {
  Copy& copy = *static_cast<Copy*>(context);
  for (;;) {
    const int64_t begin = copy.next.fetch_add(copy.piece, std::memory_order_relaxed);
    if (begin >= copy.bytes || copy.patience.is_over(worker)) return;
    const int64_t bytes = std::min(copy.piece, copy.bytes - begin);
    if (copy.past_cache) {
      copy_past_cache(copy.target + begin, copy.source + begin, bytes);
    } else {
      std::memcpy(copy.target + begin, copy.source + begin, bytes);
    }
  }
}

}  // namespace

Status copy_memory(char* target, const char* source, int64_t bytes, int workers, bool past_cache,
                   Interrupted interrupted, void* context) noexcept {
  const int64_t share = (bytes / workers / page + 1) * page;
  Copy copy{target, source, bytes, std::min(share, most_bytes), past_cache, {interrupted, context}};
  run_parallel(workers, work, &copy, copy.patience);
  return copy.patience.status(false);
}

}  // namespace cumsum
