// Segments for Python; described in src/cumsum/_core.pyi.
#pragma once

#include "arrays.h"

namespace cumsum {

PyObject* find_fault(PyObject* self, PyObject* args);
PyObject* scan_segments(PyObject* self, PyObject* args);

}  // namespace cumsum
