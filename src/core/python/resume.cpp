#include "resume.h"

#include "arguments.h"
#include "functions.h"

namespace cumsum {
namespace {

// The records of lines in C order. False if so many bytes are not theirs.
bool lay_out_records(Arguments& a, int64_t bytes) {
  int64_t step = record_size(a.y.dtype, a.manner.precision);
  for (int d = a.y.dims - 1; d >= 0; --d) {
    a.initial_strides[d] = d == a.axis ? 0 : step;
    if (d != a.axis) step *= a.y.shape[d];
  }
  a.manner.extras = &a.extras;
  a.extras.initial_strides = a.initial_strides;
  return step == bytes;
}

}  // namespace

PyObject* resume_scan(PyObject*, PyObject* args) {
  PyObject* arguments;
  long long position;
  Py_buffer records, after;
  if (!PyArg_ParseTuple(args, "O!Ly*w*", &PyTuple_Type, &arguments, &position, &records, &after)) {
    return nullptr;
  }
  Arguments a;
  bool done = read_arguments(arguments, a);
  if (done && (!lay_out_records(a, records.len) || records.len != after.len || position < 0 ||
               a.manner.direction == Direction::reverse)) {
    PyErr_SetString(PyExc_ValueError, "records, direction or position out of range");
    done = false;
  }
  if (done) {
    a.manner.initial = static_cast<const char*>(records.buf);
    a.extras.position = position;
    done = resume_views(a.x, a.y, a.axis, a.manner, static_cast<char*>(after.buf), a.threads);
  }
  PyBuffer_Release(&records);
  PyBuffer_Release(&after);
  return done ? Py_NewRef(Py_None) : nullptr;
}

PyObject* record_bytes(PyObject*, PyObject* args) {
  int dtype, compensated;
  if (!PyArg_ParseTuple(args, "ip", &dtype, &compensated)) return nullptr;
  if (!is_dtype(dtype)) return nullptr;
  return PyLong_FromLongLong(record_size(static_cast<DType>(dtype), precision_of(compensated)));
}

PyObject* begin_records_at(PyObject*, PyObject* args) {
  Py_buffer records;
  unsigned long long values;
  int dtype, compensated;
  if (!PyArg_ParseTuple(args, "w*Kip", &records, &values, &dtype, &compensated)) return nullptr;
  const bool known = is_dtype(dtype);
  if (known) {
    begin_records(static_cast<DType>(dtype), precision_of(compensated),
                  static_cast<char*>(records.buf), reinterpret_cast<const char*>(values),
                  records.len);
  }
  PyBuffer_Release(&records);
  return known ? Py_NewRef(Py_None) : nullptr;
}

}  // namespace cumsum
