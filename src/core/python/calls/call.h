// The short way in: plain arrays and tensors go from the call to the kernels without Python code.
// Whatever is not plain is left to the Python function of the same name, which also words the
// errors.
#pragma once

#include "options.h"
#include "views.h"

namespace cumsum {

// Each gives a new reference to the result, or null: with an exception if the scan failed, without
// one if the call is not for this way.
PyObject* scan_array(const Call& call);   // arrays.cpp
PyObject* scan_tensor(const Call& call);  // tensors.cpp

// The DType that `dtype` stands for in a dict of what a library calls them, if elements of type x
// are cast to it without a word: no float becomes an integer, nothing complex becomes real.
bool resolve_dtype(PyObject* dtypes, PyObject* dtype, DType x, DType& result);

// A dim in [-dims, dims), made non-negative; false for any other, and for 0-d arrays.
bool resolve_axis(const ArrayView& x, long dim, int& axis);

// Module functions; each is described in src/cumsum/_core.pyi.
PyObject* make_function(PyObject* module, PyObject* args);
PyObject* register_numpy(PyObject* module, PyObject* args);
PyObject* register_torch(PyObject* module, PyObject* args);
PyObject* scan_plain_tensor(PyObject* module, PyObject* const* args, Py_ssize_t count);

}  // namespace cumsum
