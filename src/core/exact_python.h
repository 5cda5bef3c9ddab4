// Exact sums of integers, for Python: functions of cumsum._core, described in src/cumsum/_core.pyi.
#pragma once

#include "arrays.h"

namespace cumsum {

PyObject* all_within(PyObject* module, PyObject* args);
PyObject* find_excess(PyObject* module, PyObject* args);
PyObject* saturate(PyObject* module, PyObject* args);

}  // namespace cumsum
