// The tuning numbers, each with the measurement that chose it. None of them changes a bit of a
// result.
#pragma once

#include <cstdint>

namespace cumsum::policy {

// A scan of fewer bytes (read and written) than this runs on the calling thread: waking a worker
// costs about 10 us, in which one core moves some 200 KiB.
inline constexpr int64_t parallel_bytes = 1 << 19;

// The same where lines are so few that their axis is shared out: all but the first worker read
// their part twice. float32, two threads of a Zen 4, both cores free: 100 thousand elements take 40
// us on one and 43 on two, 200 thousand 79 and 75, 1 million 390 and 307.
inline constexpr int64_t parallel_axis_bytes = 1 << 21;

// Blocks for each worker, or claims of lines, at least: with fewer one worker has nothing to do at
// the end. float32, 100 thousand along one axis, two threads: 0.185, 0.167, 0.169 ns an element
// with 2, 4, 8 blocks.
inline constexpr int64_t least_blocks = 4;

// Fewer lines side by side than this are gathered and scanned as rows.
inline constexpr int64_t least_columns = 2;

// Shorter runs of results than this are not worth it.
inline constexpr int64_t least_streamed_row = 512;

// Panels narrower than this are not worth it where lines are long: their tiles are shared out
// instead. float32, 20 million, two threads of a Zen 5: 0.47 and 0.21 ns an element in 128 columns,
// 0.34 and 0.30 in 200.
inline constexpr int64_t least_panel_row = 1 << 10;

// Results of a group of rows, or of several where lines are few, before they are written past the
// cache. int8 -> int64 (4096, 4096) along dim 0: 0.42 ns an element where eight rows are written at
// once, 0.27 row by row; float64 0.56 and 0.46. int64, with rows of 2^7 to 2^11 bytes: 0.46, 0.47,
// 0.45 to 0.65, 0.58, 0.53.
inline constexpr int64_t stage_bytes = 1 << 15;

// Bytes of a line of results, at most, for it to be gathered like that where lines are rows, and
// bytes of a result, at least. (1 million, 10) along dim 1, one thread: float64 4.6 ns an element
// if each line is written past the cache by itself, 0.7 gathered; float32 0.30 and 0.50. Two
// threads, with 2^11, 2^12, 2^13, 2^14 bytes gathered at a time: 0.32, 0.37, 0.44, 0.48.
inline constexpr int64_t most_staged_line = 1 << 11;
inline constexpr int64_t least_staged_result = 8;

// Elements of a line of 16-bit floats, at least, for its last ones to be converted one by one.
// float16 (10 thousand, 15) along dim 1: 3.1 ns an element so, 0.6 where whole lines are converted.
inline constexpr int64_t least_unwidened = 128;

// Result bytes of a unit, at most, for many to be handed to the kernel at once: what it costs to
// start one by one is as much as the scan of some hundred elements. float32 (1 million, 4, 3) along
// dim 1: 2.6 ns an element one by one, 0.95 together.
inline constexpr int64_t most_repeated = stage_bytes / 4;

// Elements of a small item, at most, for the longest axis of such to be taken first, and for many
// rows to be packed though they could be scanned where they lie.
inline constexpr int64_t few_elements = 1 << 7;

// Bytes of sums in the buffer where short lines are woven. Two threads, ns an element with 2^12 and
// 2^13: int64 (1 million, 7) along dim 1 0.30 and 0.34, float32 (1 million, 8) 0.15 and 0.16; one
// thread without weaving, float32 (1 million, 6): 0.67, and 0.19 with it.
inline constexpr int64_t woven_bytes = 1 << 12;

// Elements of a segment, all lines taken together, for it to be scanned like an array of its own,
// bytes of results of shorter segments that are gathered where they lie over the input, and
// elements of a segment that is scanned in whole groups, over what follows it: float32 segments of
// 7, 100 and 300 elements took 3.7, 34 and 90 ns on one thread, by the kernels of rows 12, 67 and
// 176.
inline constexpr int64_t least_segment = 1 << 17;
inline constexpr int64_t segment_stage_bytes = 1 << 13;
inline constexpr int64_t longest_short = 512;

// Segments whose offsets are read at a time.
inline constexpr int64_t segments_together = 1 << 9;

// What is gathered at a time when lines don't lie along the axis of memory. By rows: so many lines,
// and bytes. Transposed (4096, 4096) float32, two threads of a Zen 5, ns an element: 0.42 with 64
// lines and 2^15 bytes, 0.37 with 128, 0.34 with 128 and 2^17, 0.37 to 0.5 with 256 lines. By
// columns: so many elements of each line, and bytes. Every second column: 0.30 with 16 elements,
// 0.32 with 64. Where memory runs along the lines (transposed): 0.30, 0.33, 0.25, 0.23 to 0.26 with
// 16, 32, 64, 128 elements, and half as much again with 2^16 bytes.
inline constexpr int64_t packed_lines = 128;
inline constexpr int64_t packed_rows = 16;
inline constexpr int64_t packed_rows_along = 64;

// Elements of lines that the kernels themselves read past a mask, at least: shorter ones are
// quicker woven, from a buffer. float32 along dim 1, one thread: (1 million, 10) 0.85 ns an element
// past a mask, 0.45 by way of the buffer; (1 million, 15) 1.46 and 0.60; (500 thousand, 20) 0.79
// and 0.70.
inline constexpr int64_t least_filled = 16;

// Bytes that pass by a buffer at a time where there are holes, and elements where they pass by two.
// float32, 10 million, one thread: 0.50, 0.48, 0.49, 0.47 ns an element with 2^12, 13, 14, 15
// bytes.
inline constexpr int64_t filled_bytes = 1 << 13;
inline constexpr int64_t filled_elements = 1 << 12;

// Bytes that are gathered on the stack, where a scan needs nothing else. Every second of 16
// float32: 1.6 us with memory of its own, 0.8 without.
inline constexpr int64_t small_bytes = 1 << 12;

// Elements of a line that a decayed scan gathers at a time, in packed_lines lines at most. float32
// (4096, 4096), two threads: transposed 0.80, 0.78, 0.83, 0.84, 0.93 ns an element with 2^7 to
// 2^11, every second element of a row 0.43, 0.47, 0.38, 0.36, 0.41.
inline constexpr int64_t packed_decayed = 1 << 9;

// Bytes of a line, at most, for lines to follow each other in the buffer as short ones do anywhere.
inline constexpr int64_t short_packed = 1 << 9;

// Lines with complex decays that go on side by side. complex64 (1000, 4000) along dim 0, two
// threads: 5.3, 2.6, 2.2 ns an element with 8, 64, 512; their sums are on the stack.
inline constexpr int64_t complex_lines = 1 << 6;

// Bytes between gathered lines, so that they don't all fall into the same sets of the cache.
inline constexpr int64_t packed_padding = 64;

// Exact sums of integers: lines and elements of each in a tile, at most, and elements of it in all.
// One thread of a Zen 5, ns an element with 32, 512, 1024 of them; 64, 512, 2048; 64, 1024, 4096;
// 128, 1024, 8192: int8 saturated along dim 0 0.96, 0.49, 0.40, 0.55 and along dim 1 0.43, 0.34,
// 0.30, 0.42; int64 of 62 bits along dim 1 1.73, 1.83, 1.66, 2.28.
inline constexpr int64_t exact_lines = 64, exact_length = 1024, exact_elements = 4096;

// Elements looked at in one go for whether they are small.
inline constexpr int64_t looked_at = 1 << 15;

// Elements scanned between two looks at whether the user wants to stop.
inline constexpr int64_t piece_elements = 1 << 22;

// How much slower other operators than sums may be: exact sums of 62 bits take 10 ns an element.
inline constexpr int64_t slow_operators = 1 << 3;

// Looks for more work before a worker falls asleep, and for the last worker before its caller does:
// some 20 us. float32, 100 thousand, call after call: 46 us without, 18 us with; a sleeping worker
// takes 50 to 70 us to begin.
inline constexpr int spins_before_sleep = 1 << 10;

// Looks at a predecessor's carry before its block is added up in its place: longer than a running
// worker needs for a block.
inline constexpr int spins_before_help = 1 << 10;

}  // namespace cumsum::policy
