// The function of the Python module for decayed scans.
#pragma once

#include "arrays.h"

namespace cumsum {

PyObject* scan_decayed(PyObject* module, PyObject* args);

}  // namespace cumsum
