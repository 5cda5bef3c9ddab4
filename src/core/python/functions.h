// Functions of the module cumsum._core; each is described in src/cumsum/_core.pyi.
#pragma once

#include "views.h"

namespace cumsum {

// What is asked of arrays that are there as a whole (requests.cpp).
PyObject* scan_memory(PyObject* module, PyObject* args);
PyObject* plan_memory(PyObject* module, PyObject* args);
PyObject* all_within(PyObject* module, PyObject* args);
PyObject* find_fault(PyObject* module, PyObject* args);

// And of those that come in chunks (chunks.cpp).
PyObject* resume_memory(PyObject* module, PyObject* args);
PyObject* add_up_memory(PyObject* module, PyObject* args);
PyObject* advance_records(PyObject* module, PyObject* args);
PyObject* begin_records(PyObject* module, PyObject* args);
PyObject* record_bytes(PyObject* module, PyObject* args);
PyObject* total_bytes(PyObject* module, PyObject* args);

PyObject* copy_bytes(PyObject* module, PyObject* args);
PyObject* add_objects(PyObject* module, PyObject* args);

}  // namespace cumsum
