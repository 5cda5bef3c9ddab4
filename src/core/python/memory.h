// What Python code hands to the core: where arrays lie, and how to scan them.
#pragma once

#include "call.h"
#include "operands.h"

namespace cumsum {

// A `Memory` of src/cumsum/spec.py, whose owner the caller keeps. False with an exception.
bool read_memory(PyObject* memory, ArrayView& view);

// The same as an operand of a call.
bool lend_memory(PyObject* memory, Lent& lent);

// A DType's number; false with an exception.
bool is_dtype(int number);

// A `Spec` of the same file, and the dim that it names of x. Operands that the options have already
// are objects, or None.
bool read_spec(PyObject* spec, Options& options, const ArrayView& x, int& axis);

// Returns false.
bool refuse(const char* message);

}  // namespace cumsum
