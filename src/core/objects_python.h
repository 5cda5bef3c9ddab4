// Sums of Python's objects.
#pragma once

#include "arrays.h"

namespace cumsum {

PyObject* add_objects(PyObject* module, PyObject* args);

}  // namespace cumsum
