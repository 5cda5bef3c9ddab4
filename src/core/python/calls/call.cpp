#include "call.h"

#include <string>

namespace cumsum {
namespace {

// A public function: its Python twin, and whether it writes into its input.
struct Function {
  PyMethodDef definition;
  std::string doc;
  PyObject* slow;
};
Function functions[2];  // cumsum, cumsum_

PyObject* call_slow(PyObject* slow, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  PyObject* positional = PyTuple_New(count);
  PyObject* keywords = names ? PyDict_New() : nullptr;
  PyObject* result = nullptr;
  if (positional && (keywords || !names)) {
    bool ready = true;
    for (Py_ssize_t i = 0; i < count; ++i) {
      Py_INCREF(args[i]);
      PyTuple_SetItem(positional, i, args[i]);
    }
    for (Py_ssize_t i = 0; names && i < PyTuple_Size(names); ++i) {
      ready = ready && PyDict_SetItem(keywords, PyTuple_GetItem(names, i), args[count + i]) == 0;
    }
    if (ready) result = PyObject_Call(slow, positional, keywords);
  }
  Py_XDECREF(positional);
  Py_XDECREF(keywords);
  return result;
}

template <bool in_place>
PyObject* answer(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  Call call;
  if (read_call(args, count, names, in_place, call)) {
    PyObject* result = scan_array(call);
    if (!result && !PyErr_Occurred()) result = scan_tensor(call);
    if (result || PyErr_Occurred()) return result;
  }
  return call_slow(functions[in_place].slow, args, count, names);
}

using FastCall = PyObject* (*)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*);

PyCFunction as_c_function(FastCall function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

}  // namespace

bool resolve_dtype(PyObject* dtypes, PyObject* dtype, DType x, DType& result) {
  PyObject* code = dtypes ? PyDict_GetItemWithError(dtypes, dtype) : nullptr;
  if (!code) {
    PyErr_Clear();  // it may not even be hashable
    return false;
  }
  result = static_cast<DType>(PyLong_AsLong(code));
  const bool from_integer = x < DType::float16, to_integer = result < DType::float16;
  const bool from_complex = x >= DType::complex64, to_complex = result >= DType::complex64;
  return (from_integer || !to_integer) && (!from_complex || to_complex);
}

bool resolve_axis(const ArrayView& x, long dim, int& axis) {
  if (dim < -x.dims || dim >= x.dims) return false;
  axis = static_cast<int>(dim < 0 ? dim + x.dims : dim);
  return true;
}

PyObject* make_function(PyObject* module, PyObject* args) {
  PyObject* slow;
  const char* doc;
  int in_place;
  if (!PyArg_ParseTuple(args, "Osp", &slow, &doc, &in_place) || !intern_keywords()) return nullptr;
  Function& function = functions[in_place];
  Py_INCREF(slow);
  Py_XDECREF(function.slow);
  function.slow = slow;
  function.doc = doc;
  function.definition = {in_place ? "cumsum_" : "cumsum",
                         as_c_function(in_place ? answer<true> : answer<false>),
                         METH_FASTCALL | METH_KEYWORDS, function.doc.c_str()};
  PyObject* home = PyUnicode_FromString("cumsum");
  if (!home) return nullptr;
  PyObject* result = PyCFunction_NewEx(&function.definition, module, home);
  Py_DECREF(home);
  return result;
}

}  // namespace cumsum
