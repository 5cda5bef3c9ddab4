// Aggregates for Python; described in src/cumsum/_core.pyi.
#pragma once

#include "arrays.h"

namespace cumsum {

PyObject* add_up_tiles(PyObject* self, PyObject* args);
PyObject* advance_records(PyObject* self, PyObject* args);
PyObject* total_bytes(PyObject* self, PyObject* args);

}  // namespace cumsum
