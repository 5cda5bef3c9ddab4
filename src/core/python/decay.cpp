#include "arguments.h"
#include "functions.h"

namespace cumsum {

PyObject* scan_decayed(PyObject*, PyObject* args) {
  PyObject *of_scan, *strides;
  unsigned long long decay;
  int dtype;
  Arguments a;
  int64_t decay_strides[most_dims];
  if (!PyArg_ParseTuple(args, "O!KiO!", &PyTuple_Type, &of_scan, &decay, &dtype, &PyTuple_Type,
                        &strides) ||
      !read_arguments(of_scan, a) || !is_dtype(dtype) ||
      !read_sizes(strides, a.x.dims, decay_strides)) {
    return nullptr;
  }
  a.request.decay = {reinterpret_cast<const char*>(decay), decay_strides};
  a.request.decay_dtype = static_cast<DType>(dtype);
  if (!can_scan(a.request)) {
    PyErr_SetString(PyExc_ValueError, "element type or kind of decays out of range");
    return nullptr;
  }
  return scan_released(a.request) ? Py_NewRef(Py_None) : nullptr;
}

}  // namespace cumsum
