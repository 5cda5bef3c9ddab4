// The keywords of a call in the forms that most users write, read without Python code.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "request.h"

namespace cumsum {

// What src/cumsum/options.py describes; objects are borrowed, null where there is none.
struct Options {
  bool exclusive = false;
  bool reverse = false;
  bool include_initial = false;
  bool skipna = false;
  bool nan = false;  // stands where an element does not count
  bool compensated = false;
  bool names_overflow = false;
  Overflow overflow = Overflow::wrap;
  PyObject* initial = nullptr;
  PyObject* offsets = nullptr;
  PyObject* lengths = nullptr;
  PyObject* reset = nullptr;
  PyObject* where = nullptr;
  PyObject* decay = nullptr;
  // Whether Python code has made the operands: offsets that are checked, and initial values of
  // exact sums as pairs of 64-bit words.
  bool is_prepared = false;

  bool is_exact() const { return overflow != Overflow::wrap; }
  int cuts() const { return !!offsets + !!lengths + !!reset; }
  bool is_plain() const {
    return !(exclusive || reverse || include_initial || skipna || compensated || names_overflow ||
             initial || where || decay || cuts());
  }
};

// The arguments of a public function.
struct Call {
  PyObject* input = nullptr;
  PyObject* out = nullptr;    // the input itself for an in-place scan; null for a new result
  PyObject* dtype = nullptr;  // of a new result; null for the default
  long dim = 0;
  bool recorded = false;  // tensors: whoever calls sees to the gradient
  Options options;
};

// False, without an exception, for whatever else Python code can make sense of, or an error.
bool read_call(PyObject* const* args, Py_ssize_t count, PyObject* names, bool in_place, Call& call);

// The same of a `Spec` of src/cumsum/spec.py; its dim is left to the caller.
bool read_options(PyObject* spec, Options& options);

// To be called before any call is read; false with an exception.
bool intern_keywords();

}  // namespace cumsum
