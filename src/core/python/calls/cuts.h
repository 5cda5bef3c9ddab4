// Offsets of segments, from each of the keywords that cut a dim.
#pragma once

#include "views.h"

namespace cumsum {

// Longer ones are left to Python code, whose price they do not notice.
inline constexpr int64_t most_cuts = 1 << 12;

// A list of so many integers of Python is read as well.
inline constexpr int64_t most_listed = 64;
bool view_list(PyObject* list, int64_t* elements, ArrayView& view);

// The offsets that 1-D memory of at most `most_cuts` elements stands for, on an axis of `size`: a
// copy that nobody else can change while it is read. There is room for two more than are given.
// These return false for what makes no offsets, without telling what is wrong.
bool copy_offsets(const ArrayView& given, int64_t size, int64_t* offsets, int64_t& segments);
bool offsets_of_lengths(const ArrayView& lengths, int64_t size, int64_t* offsets,
                        int64_t& segments);
bool offsets_of_starts(const ArrayView& starts, int64_t size, int64_t* offsets, int64_t& segments);

}  // namespace cumsum
