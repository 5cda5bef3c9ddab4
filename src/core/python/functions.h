// Functions of the module cumsum._core; each is described in src/cumsum/_core.pyi.
#pragma once

#include "views.h"

namespace cumsum {

PyObject* add_up_tiles(PyObject* module, PyObject* args);
PyObject* advance_records(PyObject* module, PyObject* args);
PyObject* total_bytes(PyObject* module, PyObject* args);
PyObject* scan_decayed(PyObject* module, PyObject* args);
PyObject* all_within(PyObject* module, PyObject* args);
PyObject* find_excess(PyObject* module, PyObject* args);
PyObject* saturate(PyObject* module, PyObject* args);
PyObject* add_objects(PyObject* module, PyObject* args);
PyObject* resume_scan(PyObject* module, PyObject* args);
PyObject* record_bytes(PyObject* module, PyObject* args);
PyObject* begin_records_at(PyObject* module, PyObject* args);
PyObject* find_fault(PyObject* module, PyObject* args);
PyObject* scan_segments(PyObject* module, PyObject* args);

}  // namespace cumsum
