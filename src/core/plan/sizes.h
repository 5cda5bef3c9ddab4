// Sizes that follow from the caches of the processor.
#pragma once

#include <cstdint>

namespace cumsum {

struct Sizes {
  // Bytes (read and written) a worker claims at a time: half of the second-level cache. Small
  // enough that a piece of a long line is still there when it is read again, large enough that
  // claiming costs nothing. float32, 10 million, two threads of a Zen 5 (1 MiB): 0.31, 0.23, 0.21,
  // 0.21, 0.20 ns an element at 2^16, 17, 18, 19, 20; read through a buffer (every second element),
  // 2^20 and 2^21 are slower again.
  int64_t claim;
  // Results larger than this are written past the cache, where nothing reads them back soon: half
  // of the third-level cache. float64 (150 thousand, 10) and (1500, 1000) along dim 1, 12 million
  // bytes, two threads of a Zen 5 (32 MiB): 0.53 and 0.28 ns an element with 2^23, 0.22 and 0.12
  // with 2^24; 20 million and more are as fast or slower with 2^25. One thread of an Emerald
  // Rapids, through the cache and past it: float64 (3000, 1000) along dim 0, 24 million bytes, 1.26
  // and 1.09; int8 -> int64, 24 and 48 million bytes, 0.44 and 0.44, 1.25 and 0.68.
  int64_t stream;
  // Bytes of a row of results in one panel of columns: its carries, some times as many, are well
  // off in the second-level cache. float32 (4096, 4096) along dim 0, one thread of a Zen 4: 0.55 ns
  // an element with 2^11, 0.50 with 2^12, 0.45 with 2^14.
  int64_t panel;
  // What is gathered at a time when lines don't lie along the axis of memory: in lines, and in rows
  // of columns.
  int64_t packed_lines, packed_rows;
};

const Sizes& sizes();

}  // namespace cumsum
