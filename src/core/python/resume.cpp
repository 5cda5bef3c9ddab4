#include "resume.h"

#include "arguments.h"
#include "functions.h"

namespace cumsum {
namespace {

// Bytes of the states of all lines.
int64_t states_size(const Arguments& a) {
  int64_t bytes = state_size(a.request);
  for (int d = 0; d < a.y.dims; ++d) bytes *= d == a.request.axis ? 1 : a.y.shape[d];
  return bytes;
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
  if (done && (states_size(a) != records.len || records.len != after.len || position < 0 ||
               a.request.direction == Direction::reverse)) {
    PyErr_SetString(PyExc_ValueError, "records, direction or position out of range");
    done = false;
  }
  if (done) {
    a.request.initial.data = static_cast<const char*>(records.buf);
    a.request.after = static_cast<char*>(after.buf);
    a.request.position = position;
    a.request.state_size = state_size(a.request);
    done = scan_released(a.request);
  }
  PyBuffer_Release(&records);
  PyBuffer_Release(&after);
  return done ? Py_NewRef(Py_None) : nullptr;
}

PyObject* record_bytes(PyObject*, PyObject* args) {
  int dtype, compensated;
  if (!PyArg_ParseTuple(args, "ip", &dtype, &compensated)) return nullptr;
  if (!is_dtype(dtype)) return nullptr;
  Request request{};
  request.y_dtype = static_cast<DType>(dtype);
  request.precision = precision_of(compensated);
  return PyLong_FromLongLong(state_size(request));
}

PyObject* begin_records_at(PyObject*, PyObject* args) {
  Py_buffer records;
  unsigned long long values;
  int dtype, compensated;
  if (!PyArg_ParseTuple(args, "w*Kip", &records, &values, &dtype, &compensated)) return nullptr;
  const bool known = is_dtype(dtype);
  if (known) {
    begin_states(static_cast<DType>(dtype), precision_of(compensated),
                 static_cast<char*>(records.buf), reinterpret_cast<const char*>(values),
                 records.len);
  }
  PyBuffer_Release(&records);
  return known ? Py_NewRef(Py_None) : nullptr;
}

}  // namespace cumsum
