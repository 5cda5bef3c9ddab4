// Plain numpy.ndarray objects, by the buffer protocol.
#include "call.h"
#include "thread_count.h"

namespace cumsum {
namespace {

PyTypeObject* array_type;
PyObject* empty_like;
PyObject* dtypes;                     // numbers of what may be given as dtype=
PyObject* result_types[dtype_count];  // dtype objects, by the input's DType; null: not for this way

// The DType of a new result: integers widen to 64 bits, as in numpy.cumsum.
DType result_of(DType x) {
  switch (x) {
    case DType::boolean:
    case DType::int8:
    case DType::int16:
    case DType::int32:
      return DType::int64;
    case DType::uint8:
    case DType::uint16:
    case DType::uint32:
      return DType::uint64;
    default:
      return x;
  }
}

// Whether it goes to 16 bits by way of float32 and has more bits than that; NumPy rounds once.
bool rounds_twice(DType x) {
  return x == DType::float64 || x == DType::longdouble || x == DType::complex128 ||
         x == DType::clongdouble;
}

class Buffer {
 public:
  Buffer(PyObject* object, int flags) : held_(PyObject_GetBuffer(object, &buffer_, flags) == 0) {
    if (!held_) PyErr_Clear();
  }
  ~Buffer() {
    if (held_) PyBuffer_Release(&buffer_);
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  bool view(ArrayView& view) const { return held_ && view_buffer(buffer_, view); }

 private:
  Py_buffer buffer_;
  bool held_;
};

int threads_for_arrays() {
  const int threads = chosen_threads();
  return threads ? threads : thread_setting(ThreadSource::machine);
}

bool scan_buffers(const ArrayView& x, PyObject* out, int axis, DType result, bool is_new) {
  Buffer buffer(out, PyBUF_FULL);
  ArrayView y;
  if (!buffer.view(y) || y.dtype != result || !same_shape(x, y)) return false;
  if (!is_new && !(is_contiguous(y) && is_safe(x, y))) return false;
  return scan_released(request_of(x, y, axis, threads_for_arrays()));
}

}  // namespace

PyObject* scan_array(const PlainCall& call) {
  if (Py_TYPE(call.input) != array_type || (call.out && Py_TYPE(call.out) != array_type)) {
    return nullptr;
  }
  Buffer buffer(call.input, PyBUF_FULL_RO);
  ArrayView x;
  int axis;
  if (!buffer.view(x) || !resolve_axis(x, call.dim, axis)) return nullptr;
  const bool in_place = call.out == call.input;
  DType result = in_place ? x.dtype : result_of(x.dtype);
  if (call.dtype && !resolve_dtype(dtypes, call.dtype, x.dtype, result)) return nullptr;
  if (result == DType::float16 && rounds_twice(x.dtype)) return nullptr;
  PyObject* type = result_types[static_cast<int>(result)];
  PyObject* out = call.out;
  if (out) {
    Py_INCREF(out);
  } else {
    out = type ? PyObject_CallFunctionObjArgs(empty_like, call.input, type, nullptr) : nullptr;
  }
  if (out && !scan_buffers(x, out, axis, result, !call.out)) {
    Py_DECREF(out);
    return nullptr;
  }
  return out;
}

PyObject* register_numpy(PyObject*, PyObject* args) {
  PyObject *type, *function, *types;
  if (!PyArg_ParseTuple(args, "OOO!O!", &type, &function, &PyTuple_Type, &types, &PyDict_Type,
                        &dtypes)) {
    return nullptr;
  }
  Py_INCREF(dtypes);
  Py_INCREF(type);
  Py_INCREF(function);
  array_type = reinterpret_cast<PyTypeObject*>(type);
  empty_like = function;
  for (Py_ssize_t i = 0; i < dtype_count && i < PyTuple_Size(types); ++i) {
    PyObject* item = PyTuple_GetItem(types, i);
    if (item == Py_None) continue;
    Py_INCREF(item);
    result_types[i] = item;
  }
  Py_RETURN_NONE;
}

}  // namespace cumsum
