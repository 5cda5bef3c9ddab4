#include "options.h"

namespace cumsum {
namespace {

enum class Keyword {
  dim,
  axis,
  dtype,
  out,
  exclusive,
  reverse,
  include_initial,
  skipna,
  initial,
  offsets,
  lengths,
  reset,
  where,
  missing,
  overflow,
  decay,
  precision,
  none
};
constexpr int keyword_count = static_cast<int>(Keyword::none);
constexpr const char* spelled[keyword_count] = {
    "dim",      "axis",    "dtype",    "out",     "exclusive", "reverse", "include_initial",
    "skipna",   "initial", "offsets",  "lengths", "reset",     "where",   "missing",
    "overflow", "decay",   "precision"};
PyObject* interned[keyword_count];

// Names that stand in source code are interned, and known by their address.
Keyword keyword_of(PyObject* name) {
  for (int i = 0; i < keyword_count; ++i) {
    if (name == interned[i]) return static_cast<Keyword>(i);
  }
  for (int i = 0; i < keyword_count; ++i) {
    if (PyUnicode_Compare(name, interned[i]) == 0) return static_cast<Keyword>(i);
  }
  PyErr_Clear();
  return Keyword::none;
}

bool read_flag(PyObject* value, bool& flag) {
  flag = value == Py_True;
  return flag || value == Py_False;
}

bool is_text(PyObject* value, const char* text) {
  return PyUnicode_CheckExact(value) && PyUnicode_CompareWithASCIIString(value, text) == 0;
}

bool read_object(PyObject* value, PyObject*& object) {
  object = value == Py_None ? nullptr : value;
  return true;
}

bool read_missing(PyObject* value, Options& options) {
  options.nan = is_text(value, "nan");
  return options.nan || is_text(value, "carry");
}

bool read_overflow(PyObject* value, Options& options) {
  if (value == Py_None) return true;
  options.names_overflow = true;
  if (is_text(value, "raise")) options.overflow = Overflow::raise;
  if (is_text(value, "saturate")) options.overflow = Overflow::saturate;
  return options.is_exact() || is_text(value, "wrap");
}

bool read_precision(PyObject* value, Options& options) {
  options.compensated = is_text(value, "compensated");
  return options.compensated || value == Py_None;
}

bool read_option(Keyword name, PyObject* value, bool in_place, Options& options) {
  switch (name) {
    case Keyword::exclusive:
      return read_flag(value, options.exclusive);
    case Keyword::reverse:
      return read_flag(value, options.reverse);
    case Keyword::include_initial:
      return !in_place && read_flag(value, options.include_initial);
    case Keyword::skipna:
      return read_flag(value, options.skipna);
    case Keyword::initial:
      return read_object(value, options.initial);
    case Keyword::offsets:
      return read_object(value, options.offsets);
    case Keyword::lengths:
      return read_object(value, options.lengths);
    case Keyword::reset:
      return read_object(value, options.reset);
    case Keyword::where:
      return read_object(value, options.where);
    case Keyword::missing:
      return read_missing(value, options);
    case Keyword::overflow:
      return read_overflow(value, options);
    case Keyword::decay:
      return read_object(value, options.decay);
    case Keyword::precision:
      return read_precision(value, options);
    default:
      return false;
  }
}

// Whether the options go together; Python code words what does not.
bool are_compatible(const Options& o) {
  if (o.nan && !o.where && !o.skipna) return false;
  if (o.cuts() > 1 || (o.cuts() && o.include_initial)) return false;
  return !(o.decay && (o.is_exact() || o.compensated));
}

}  // namespace

bool intern_keywords() {
  for (int i = 0; i < keyword_count; ++i) {
    if (!interned[i]) interned[i] = PyUnicode_InternFromString(spelled[i]);
    if (!interned[i]) return false;
  }
  return true;
}

bool read_options(PyObject* spec, Options& options) {
  constexpr Keyword fields[] = {Keyword::exclusive, Keyword::reverse, Keyword::include_initial,
                                Keyword::skipna,    Keyword::missing, Keyword::overflow};
  int at = 1;  // after the dim
  for (const Keyword field : fields) {
    PyObject* value = PyTuple_GetItem(spec, at++);
    if (!value || !read_option(field, value, false, options)) return false;
  }
  PyObject* compensated = PyTuple_GetItem(spec, at);
  return compensated && read_flag(compensated, options.compensated);
}

bool read_call(PyObject* const* args, Py_ssize_t count, PyObject* names, bool in_place,
               Call& call) {
  if (count < 1 || count > 2) return false;
  call.input = args[0];
  PyObject* dim = count > 1 ? args[1] : nullptr;
  const Py_ssize_t named = names ? PyTuple_Size(names) : 0;
  for (Py_ssize_t i = 0; i < named; ++i) {
    PyObject* value = args[count + i];
    const Keyword name = keyword_of(PyTuple_GetItem(names, i));
    if (name == Keyword::dim || name == Keyword::axis) {
      if (dim) return false;
      dim = value;
    } else if (name == Keyword::dtype) {
      read_object(value, call.dtype);
    } else if (name == Keyword::out && !in_place) {
      read_object(value, call.out);
    } else if (!read_option(name, value, in_place, call.options)) {
      return false;
    }
  }
  if (!dim || !PyLong_CheckExact(dim)) return false;
  int overflow = 0;
  call.dim = PyLong_AsLongAndOverflow(dim, &overflow);
  if (in_place) call.out = call.input;
  return overflow == 0 && !(call.dtype && call.out) && are_compatible(call.options);
}

}  // namespace cumsum
