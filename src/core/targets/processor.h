// What this processor says of itself, where a choice depends on it. No choice changes a bit of a
// result.
#pragma once

#include <cstdint>

namespace cumsum {

struct Processor {
  // Does instructions for 64 bytes in two halves, as a Zen 4 does: what lies across the halves then
  // takes longer than with vectors of 32 bytes.
  bool halves_vectors;
  // Is quicker if large results are written past the cache though as many bytes are read meanwhile.
  bool writes_past_cache;
  // Bytes of the caches that one core reaches.
  int64_t first_level, second_level, third_level;
};

const Processor& processor();

}  // namespace cumsum
