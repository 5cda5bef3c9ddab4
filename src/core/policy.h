// The tuning numbers, each with the measurement that chose it. None of them changes a bit of a
// result.
#pragma once

#include <cstdint>

namespace cumsum::policy {

// A scan of fewer bytes (read and written) than this runs on the calling thread: waking a worker
// costs about 10 us, in which one core moves some 200 KiB.
inline constexpr int64_t parallel_bytes = 1 << 19;

// Bytes (read and written) a worker claims at a time. Small enough that a piece of a long line is
// still in the second-level cache when it is read again, large enough that claiming costs nothing.
// float32, 10 million, two threads of a Zen 5: 0.31, 0.23, 0.21, 0.21, 0.20 ns an element at 2^16,
// 17, 18, 19, 20; read through a buffer (every second element), 2^20 and 2^21 are slower again.
inline constexpr int64_t claim_bytes = 1 << 19;

// Results larger than this are written past the cache, where nothing reads them back soon.
inline constexpr int64_t stream_bytes = 1 << 23;

// Fewer lines side by side than this are gathered and scanned as rows.
inline constexpr int64_t least_columns = 2;

// Lines side by side in one panel: their carries stay in the first-level cache.
inline constexpr int64_t panel_bytes = 1 << 12;

// Shorter runs of results than this are not worth it.
inline constexpr int64_t least_streamed_row = 512;

// Results of a group of rows, or of several where lines are few, before they are written past the
// cache.
inline constexpr int64_t stage_bytes = 8 * panel_bytes;

// What is gathered at a time when lines don't lie along the axis of memory: lines, for a walk by
// rows; elements of each, for a walk by columns; and bytes. Transposed (4096, 4096) float32, on the
// same machine: by columns 0.34 ns an element with 16 elements, 0.39 with 64; by rows 0.36 to 0.42
// whatever the lines; 2^16 and 2^17 bytes cost columns a third more, and up to twice as much.
inline constexpr int64_t packed_lines = 64;
inline constexpr int64_t packed_rows = 16;
inline constexpr int64_t packed_bytes = 1 << 15;

// Bytes between gathered lines, so that they don't all fall into the same sets of the cache.
inline constexpr int64_t packed_padding = 64;

// Elements scanned between two looks at whether the user wants to stop.
inline constexpr int64_t piece_elements = 1 << 22;

// Looks at a predecessor's carry before the processor is offered to others.
inline constexpr int spins_before_yield = 1 << 10;

}  // namespace cumsum::policy
