
#include "arguments.h"
#include "functions.h"
#include "resume.h"
#include "target.h"
#include "totals.h"

namespace cumsum {
namespace {

int64_t size_of_total(DType dtype, int compensated) {
  return total_size(dtype, precision_of(compensated), current_target());
}

bool refuse(const char* message) {
  PyErr_SetString(PyExc_ValueError, message);
  return false;
}

// Whether x consists of tiles, and `bytes` are those of their sums.
bool are_tiles(const ArrayView& x, int axis, int64_t bytes, int64_t size) {
  int64_t tiles = x.shape[axis] / tile_size, count = tiles * size;
  for (int d = 0; d < x.dims; ++d) count *= d == axis ? 1 : x.shape[d];
  return x.shape[axis] % tile_size == 0 && bytes == count;
}

}  // namespace

PyObject* add_up_tiles(PyObject*, PyObject* args) {
  unsigned long long data;
  int x_dtype, axis, dtype, compensated, threads;
  PyObject *shape, *strides;
  Py_buffer totals;
  if (!PyArg_ParseTuple(args, "KiO!O!iipiw*", &data, &x_dtype, &PyTuple_Type, &shape, &PyTuple_Type,
                        &strides, &axis, &dtype, &compensated, &threads, &totals)) {
    return nullptr;
  }
  ArrayView x;
  x.data = reinterpret_cast<char*>(data);
  x.dims = static_cast<int>(PyTuple_Size(shape));
  bool done = is_dtype(x_dtype) && is_dtype(dtype);
  if (done && (x.dims > most_dims || axis < 0 || axis >= x.dims || threads < 1)) {
    done = refuse("axis or thread count out of range");
  }
  done = done && read_sizes(shape, x.dims, x.shape) && read_sizes(strides, x.dims, x.strides);
  if (done) {
    x.dtype = static_cast<DType>(x_dtype);
    const DType result = static_cast<DType>(dtype);
    Request request = request_of(x, x, axis, threads);
    request.y_dtype = result;
    request.precision = precision_of(compensated);
    request.after = static_cast<char*>(totals.buf);
    if (are_tiles(x, axis, totals.len, size_of_total(result, compensated))) {
      done = run_released(element_count(x) * item_size(x.dtype), [&](Interrupted stop, void* of) {
        return add_up(request, current_target(), stop, of);
      });
    } else {
      done = refuse("the elements are not those of whole tiles, or the buffer not for their sums");
    }
  }
  PyBuffer_Release(&totals);
  return done ? Py_NewRef(Py_None) : nullptr;
}

PyObject* advance_records(PyObject*, PyObject* args) {
  Py_buffer records, totals, tail, after;
  long long tiles;
  int dtype, compensated;
  PyObject* last;
  if (!PyArg_ParseTuple(args, "y*y*LOw*ip", &records, &totals, &tiles, &last, &after, &dtype,
                        &compensated)) {
    return nullptr;
  }
  const bool has_tail = last != Py_None;
  bool done = is_dtype(dtype) && (!has_tail || PyObject_GetBuffer(last, &tail, PyBUF_SIMPLE) == 0);
  if (done) {
    const DType result = static_cast<DType>(dtype);
    const Precision precision = precision_of(compensated);
    Request request{};
    request.y_dtype = result;
    request.precision = precision;
    const int64_t size = state_size(request), lines = records.len / size;
    if (records.len != lines * size || after.len != records.len || tiles < 0 ||
        totals.len != tiles * lines * size_of_total(result, compensated) ||
        (has_tail && tail.len != records.len)) {
      done = refuse("records, totals or tail are not of the same lines");
    } else if (advance(result, precision, current_target(), static_cast<char*>(records.buf), lines,
                       static_cast<char*>(totals.buf), tiles,
                       has_tail ? static_cast<char*>(tail.buf) : nullptr,
                       static_cast<char*>(after.buf)) != Status::done) {
      PyErr_NoMemory();
      done = false;
    }
    if (has_tail) PyBuffer_Release(&tail);
  }
  PyBuffer_Release(&records);
  PyBuffer_Release(&totals);
  PyBuffer_Release(&after);
  return done ? Py_NewRef(Py_None) : nullptr;
}

PyObject* total_bytes(PyObject*, PyObject* args) {
  int dtype, compensated;
  if (!PyArg_ParseTuple(args, "ip", &dtype, &compensated) || !is_dtype(dtype)) return nullptr;
  return PyLong_FromLongLong(size_of_total(static_cast<DType>(dtype), compensated));
}

}  // namespace cumsum
