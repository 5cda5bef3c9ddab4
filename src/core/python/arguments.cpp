#include "arguments.h"

namespace cumsum {

bool is_dtype(int number) {
  if (number >= 0 && number < dtype_count) return true;
  PyErr_SetString(PyExc_ValueError, "no such element type");
  return false;
}

bool read_sizes(PyObject* tuple, int dims, int64_t* out) {
  if (!PyTuple_Check(tuple) || PyTuple_Size(tuple) != dims) {
    PyErr_SetString(PyExc_ValueError, "shape and strides must be tuples of one length");
    return false;
  }
  for (int d = 0; d < dims; ++d) {
    out[d] = PyLong_AsLongLong(PyTuple_GetItem(tuple, d));
    if (out[d] == -1 && PyErr_Occurred()) return false;
  }
  return true;
}

bool read_arguments(PyObject* args, Arguments& a) {
  unsigned long long x_data, y_data;
  int x_dtype, y_dtype, axis, threads, exclusive, reverse, compensated;
  unsigned long long initial;
  PyObject *shape, *x_strides, *y_strides, *initial_strides;
  if (!PyArg_ParseTuple(args, "KiKiO!O!O!ipppiKO!", &x_data, &x_dtype, &y_data, &y_dtype,
                        &PyTuple_Type, &shape, &PyTuple_Type, &x_strides, &PyTuple_Type, &y_strides,
                        &axis, &exclusive, &reverse, &compensated, &threads, &initial,
                        &PyTuple_Type, &initial_strides)) {
    return false;
  }
  const Py_ssize_t dims = PyTuple_Size(shape);
  if (dims > most_dims || axis < 0 || axis >= dims || x_dtype < 0 || x_dtype >= dtype_count ||
      y_dtype < 0 || y_dtype >= dtype_count || threads < 1) {
    PyErr_SetString(PyExc_ValueError, "axis, element type or thread count out of range");
    return false;
  }
  a.x.dims = a.y.dims = static_cast<int>(dims);
  a.x.dtype = static_cast<DType>(x_dtype);
  a.y.dtype = static_cast<DType>(y_dtype);
  a.x.data = reinterpret_cast<char*>(x_data);
  a.y.data = reinterpret_cast<char*>(y_data);
  const bool read = read_sizes(shape, a.x.dims, a.x.shape) &&
                    read_sizes(shape, a.y.dims, a.y.shape) &&
                    read_sizes(x_strides, a.x.dims, a.x.strides) &&
                    read_sizes(y_strides, a.y.dims, a.y.strides) &&
                    (!initial || read_sizes(initial_strides, a.x.dims, a.initial_strides));
  a.request = request_of(a.x, a.y, axis, threads);
  a.request.kind = exclusive ? Kind::exclusive : Kind::inclusive;
  a.request.direction = reverse ? Direction::reverse : Direction::forward;
  a.request.precision = precision_of(compensated);
  if (initial) a.request.initial = {reinterpret_cast<const char*>(initial), a.initial_strides};
  return read;
}

}  // namespace cumsum
