// The border of a result: the sums of no elements, before the first or after the last.
#pragma once

#include "views.h"

namespace cumsum {

// Write the elements of `first`, or zeros if there is none, each of `size` bytes.
Status write_border(const Operand& first, int64_t size, int dims, const int64_t* shape,
                    char* border, const int64_t* strides);

}  // namespace cumsum
