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

// Blocks for each worker, at least, where an axis is shared out.
inline constexpr int64_t least_blocks = 4;

// Results larger than this are written past the cache, where nothing reads them back soon.
inline constexpr int64_t stream_bytes = 1 << 23;

// Fewer lines side by side than this are gathered and scanned as rows.
inline constexpr int64_t least_columns = 2;

// Lines side by side in one panel: their carries stay in the first-level cache.
inline constexpr int64_t panel_bytes = 1 << 12;

// Shorter runs of results than this are not worth it.
inline constexpr int64_t least_streamed_row = 512;

// Panels narrower than this are not worth it where lines are long: their tiles are shared out
// instead. float32, 20 million, two threads of a Zen 5: 0.47 and 0.21 ns an element in 128 columns,
// 0.34 and 0.30 in 200.
inline constexpr int64_t least_panel_row = 1 << 10;

// Results of a group of rows, or of several where lines are few, before they are written past the
// cache.
inline constexpr int64_t stage_bytes = 8 * panel_bytes;

// Result bytes of a unit, at most, for many to be handed to the kernel at once: what it costs to
// start one by one is as much as the scan of some hundred elements.
inline constexpr int64_t most_repeated = stage_bytes / 4;

// What is gathered at a time when lines don't lie along the axis of memory. By rows: so many lines,
// and bytes. Transposed (4096, 4096) float32, two threads of a Zen 5, ns an element: 0.42 with 64
// lines and 2^15 bytes, 0.37 with 128, 0.34 with 128 and 2^17, 0.37 to 0.5 with 256 lines. By
// columns: so many elements of each line (16: 0.34, 64: 0.39), and bytes (2^15: 0.30; a third more
// with 2^16, twice as much with 2^17).
inline constexpr int64_t packed_lines = 128;
inline constexpr int64_t packed_lines_bytes = 1 << 17;
inline constexpr int64_t packed_rows = 16;
inline constexpr int64_t packed_rows_bytes = 1 << 15;

// Bytes between gathered lines, so that they don't all fall into the same sets of the cache.
inline constexpr int64_t packed_padding = 64;

// Elements scanned between two looks at whether the user wants to stop.
inline constexpr int64_t piece_elements = 1 << 22;

// Looks for more work before a worker falls asleep, and for the last worker before its caller does.
inline constexpr int spins_before_sleep = 1 << 10;

// Looks at a predecessor's carry before its block is added up in its place.
inline constexpr int spins_before_help = 1 << 10;

}  // namespace cumsum::policy
