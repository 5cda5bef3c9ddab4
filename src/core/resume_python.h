// Streams for Python; described in src/cumsum/_core.pyi.
#pragma once

#include "arrays.h"

namespace cumsum {

PyObject* resume_scan(PyObject* self, PyObject* args);
PyObject* record_bytes(PyObject* self, PyObject* args);
PyObject* begin_records_at(PyObject* self, PyObject* args);

}  // namespace cumsum
