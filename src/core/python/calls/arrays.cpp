// Plain numpy.ndarray objects, by the buffer protocol where it knows their elements.
#include <algorithm>

#include "call.h"
#include "scan_call.h"
#include "thread_count.h"

namespace cumsum {
namespace {

PyTypeObject* array_type;
PyObject *make_dtype, *empty_like;
PyObject* keep_order;                 // that of the input, as far as the shape allows
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

// Whether it is an array, or one of NumPy's own numbers, which are arrays without a dim.
bool is_plain_array(PyObject* object) {
  if (Py_TYPE(object) == array_type) return true;
  if (PyDict_GetItemWithError(dtypes, reinterpret_cast<PyObject*>(Py_TYPE(object)))) return true;
  PyErr_Clear();  // a type may have a hash of its own
  return false;
}

bool lend_array(PyObject* object, Lent& lent) {
  return is_plain_array(object) && lent.hold(object, PyBUF_FULL_RO);
}

// NumPy's description of an array for C, behind `__array_struct__`.
struct ArrayStruct {
  int two, dims;
  char kind;
  int item_size, flags;
  Py_intptr_t *shape, *strides;
  void* data;
};

// The dtype of a dtype's numbers as NumPy makes it, in this machine's byte order.
PyObject* plain_dtype(PyObject* dtype) {
  PyObject* numbers = PyObject_GetAttrString(dtype, "type");
  PyObject* plain = numbers ? PyObject_CallFunctionObjArgs(make_dtype, numbers, nullptr) : nullptr;
  Py_XDECREF(numbers);
  return plain;
}

// Whether it is the dtype of ml_dtypes, which is kept as that of results.
bool is_bfloat16(PyObject* dtype) {
  PyObject*& known = result_types[static_cast<int>(DType::bfloat16)];
  if (known) return dtype == known;
  PyObject* name = PyObject_GetAttrString(dtype, "name");
  const bool named =
      name && PyUnicode_Check(name) && PyUnicode_CompareWithASCIIString(name, "bfloat16") == 0;
  Py_XDECREF(name);
  if (named) known = plain_dtype(dtype);
  PyErr_Clear();
  return known && dtype == known;
}

// An array of bfloat16, for which buffers have no format.
bool view_bfloat16(PyObject* array, bool writable, ArrayView& view) {
  constexpr int aligned = 0x100, native = 0x200, writeable = 0x400;
  const int needed = aligned | native | (writable ? writeable : 0);
  PyObject* dtype = PyObject_GetAttrString(array, "dtype");
  const bool known = dtype && is_bfloat16(dtype);
  Py_XDECREF(dtype);
  PyObject* capsule = known ? PyObject_GetAttrString(array, "__array_struct__") : nullptr;
  const auto* found =
      capsule ? static_cast<ArrayStruct*>(PyCapsule_GetPointer(capsule, nullptr)) : nullptr;
  const bool fits = found && found->two == 2 && found->dims <= most_dims && found->item_size == 2 &&
                    (found->flags & needed) == needed;
  if (fits) {
    view.dtype = DType::bfloat16;
    view.dims = found->dims;
    view.data = static_cast<char*>(found->data);
    std::copy_n(found->shape, found->dims, view.shape);
    std::copy_n(found->strides, found->dims, view.strides);
  }
  Py_XDECREF(capsule);
  PyErr_Clear();
  return fits;
}

bool view_array(PyObject* array, int flags, Lent& lent) {
  return lent.hold(array, flags) || view_bfloat16(array, flags == PyBUF_FULL, lent.view);
}

int threads_for_arrays() {
  const int threads = chosen_threads();
  return threads ? threads : thread_setting(ThreadSource::machine);
}

// What numpy.empty_like gives, with an element more along an axis if that is not -1.
PyObject* make_result(PyObject* input, PyObject* type, const ArrayView& x, int longer) {
  if (longer < 0) return PyObject_CallFunctionObjArgs(empty_like, input, type, nullptr);
  PyObject* shape = PyTuple_New(x.dims);
  for (int d = 0; shape && d < x.dims; ++d) {
    PyObject* size = PyLong_FromLongLong(x.shape[d] + (d == longer));
    if (!size) Py_CLEAR(shape);
    if (shape) PyTuple_SetItem(shape, d, size);
  }
  if (!shape) return nullptr;
  PyObject* result =
      PyObject_CallFunctionObjArgs(empty_like, input, type, keep_order, Py_False, shape, nullptr);
  Py_DECREF(shape);
  return result;
}

// The DType of the result; false if there is none here.
bool choose_result(const Call& call, DType x, DType& result) {
  result = call.out == call.input ? x : result_of(x);
  if (call.dtype && !resolve_dtype(dtypes, call.dtype, x, result)) return false;
  return result_types[static_cast<int>(result)] && !(result == DType::float16 && rounds_twice(x));
}

}  // namespace

PyObject* scan_array(const Call& call) {
  if (Py_TYPE(call.input) != array_type || (call.out && Py_TYPE(call.out) != array_type)) {
    return nullptr;
  }
  Lent input, output;
  const ArrayView& x = input.view;
  int axis;
  DType result;
  if (!view_array(call.input, PyBUF_FULL_RO, input) || !resolve_axis(x, call.dim, axis) ||
      !choose_result(call, x.dtype, result)) {
    return nullptr;
  }
  ScanCall scan(call.options, x, axis, result, lend_array);
  if (!scan.read()) return nullptr;
  PyObject* type = result_types[static_cast<int>(result)];
  PyObject* out = call.out ? Py_NewRef(call.out) : make_result(call.input, type, x, scan.longer());
  if (out &&
      !(view_array(out, PyBUF_FULL, output) &&
        scan.take(output.view, !call.out, threads_for_arrays()) && scan.check() && scan.run())) {
    Py_CLEAR(out);
  }
  return out;
}

PyObject* register_numpy(PyObject*, PyObject* args) {
  PyObject *type, *dtype, *function, *types;
  if (!PyArg_ParseTuple(args, "OOOO!O!", &type, &dtype, &function, &PyTuple_Type, &types,
                        &PyDict_Type, &dtypes)) {
    return nullptr;
  }
  keep_order = PyUnicode_InternFromString("K");
  if (!keep_order) return nullptr;
  Py_INCREF(dtypes);
  Py_INCREF(type);
  Py_INCREF(function);
  array_type = reinterpret_cast<PyTypeObject*>(type);
  make_dtype = Py_NewRef(dtype);
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
