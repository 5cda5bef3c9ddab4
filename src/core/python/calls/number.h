// Numbers of Python as elements, where NumPy and torch make the same of them without a word.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "element.h"

namespace cumsum {

// An int or a float, and neither a bool nor a number of a library.
bool is_number(PyObject* object);

// These return false, without an exception, for a number that has no such form, or that one of the
// libraries warns of, refuses, or rounds in a way of its own.
bool store_number(PyObject* number, DType dtype, char* element);
bool store_words(PyObject* number, int64_t words[2]);  // of a 128-bit integer, the lower first

}  // namespace cumsum
