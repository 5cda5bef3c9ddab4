#include "memory.h"

namespace cumsum {
namespace {

bool read_sizes(PyObject* tuple, int dims, int64_t* out) {
  if (PyTuple_Size(tuple) != dims) return refuse("shape and strides must be of one length");
  for (int d = 0; d < dims; ++d) {
    out[d] = PyLong_AsLongLong(PyTuple_GetItem(tuple, d));
    if (out[d] == -1 && PyErr_Occurred()) return false;
  }
  return true;
}

}  // namespace

bool refuse(const char* message) {
  PyErr_SetString(PyExc_ValueError, message);
  return false;
}

bool is_dtype(int number) {
  return (number >= 0 && number < dtype_count) || refuse("no such element type");
}

bool read_memory(PyObject* memory, ArrayView& view) {
  unsigned long long data;
  int dtype;
  PyObject *shape, *strides;
  if (!PyTuple_Check(memory)) return refuse("an operand is no Memory");
  if (!PyArg_ParseTuple(memory, "KiO!O!", &data, &dtype, &PyTuple_Type, &shape, &PyTuple_Type,
                        &strides) ||
      !is_dtype(dtype)) {
    return false;
  }
  const Py_ssize_t dims = PyTuple_Size(shape);
  if (dims > most_dims) return refuse("there are more than 64 dims");
  view.dtype = static_cast<DType>(dtype);
  view.dims = static_cast<int>(dims);
  view.data = reinterpret_cast<char*>(data);
  return read_sizes(shape, view.dims, view.shape) && read_sizes(strides, view.dims, view.strides);
}

bool lend_memory(PyObject* memory, Lent& lent) { return read_memory(memory, lent.view); }

bool read_spec(PyObject* spec, Options& options, const ArrayView& x, int& axis) {
  if (!PyTuple_Check(spec) || !read_options(spec, options)) {
    PyErr_Clear();
    return refuse("the spec is none of src/cumsum/spec.py");
  }
  const long given = PyLong_AsLong(PyTuple_GetItem(spec, 0));
  if (given == -1 && PyErr_Occurred()) return false;
  options.is_prepared = true;
  for (PyObject** operand : {&options.initial, &options.where, &options.offsets, &options.decay}) {
    if (*operand == Py_None) *operand = nullptr;
  }
  if (resolve_axis(x, given, axis)) return true;
  PyErr_Format(PyExc_IndexError, "dim %ld is not in [-%d, %d)", given, x.dims, x.dims);
  return false;
}

}  // namespace cumsum
