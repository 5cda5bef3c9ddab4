#include <cstdint>
#include <cstring>

#include "functions.h"

namespace cumsum {
namespace {

constexpr int64_t looked_after = 1 << 12;  // objects; the first look at signals is not at once

// Places of lines, and of what is in them.
struct Table {
  unsigned long long data;
  long long line, step;
  char* at(int64_t l, int64_t i) const {
    return reinterpret_cast<char*>(data) + l * line + i * step;
  }
};

// What stands at a place of an array of objects: nothing is None.
PyObject* object_at(const char* place) {
  PyObject* object;
  std::memcpy(&object, place, sizeof(object));
  return Py_NewRef(object ? object : Py_None);
}

void put(PyObject* object, char* place) {
  PyObject* old;
  std::memcpy(&old, place, sizeof(old));
  std::memcpy(place, &object, sizeof(object));
  Py_XDECREF(old);
}

struct Lines {
  Table x, y, kept;
  long long count, length;
  int exclusive;
  PyObject* zero;  // the sum of nothing

  bool counts(int64_t line, int64_t i) const { return !kept.data || *kept.at(line, i); }

  // One line, from `total` on, which may be nothing and is given away. False with an exception.
  bool add_up(int64_t line, PyObject* total) const {
    for (int64_t i = 0; i < length; ++i) {
      PyObject* const before = exclusive ? Py_NewRef(total ? total : zero) : nullptr;
      if (counts(line, i)) {
        PyObject* sum = object_at(x.at(line, i));
        if (total) {
          PyObject* const element = sum;
          sum = PyNumber_Add(total, element);
          Py_DECREF(element);
          Py_DECREF(total);
        }
        total = sum;
      }
      if (PyErr_Occurred() || (i % looked_after == looked_after - 1 && PyErr_CheckSignals())) {
        Py_XDECREF(before);
        Py_XDECREF(total);
        return false;
      }
      put(before ? before : Py_NewRef(total ? total : zero), y.at(line, i));
    }
    Py_XDECREF(total);
    return true;
  }
};

}  // namespace

PyObject* add_objects(PyObject*, PyObject* args) {
  Lines lines;
  PyObject* firsts;
  Table &x = lines.x, &y = lines.y, &kept = lines.kept;
  if (!PyArg_ParseTuple(args, "(KLL)(KLL)(KLL)LLpOO", &x.data, &x.line, &x.step, &y.data, &y.line,
                        &y.step, &kept.data, &kept.line, &kept.step, &lines.count, &lines.length,
                        &lines.exclusive, &lines.zero, &firsts)) {
    return nullptr;
  }
  for (int64_t line = 0; line < lines.count; ++line) {
    PyObject* first = nullptr;
    if (firsts != Py_None) {
      first = PyList_GetItem(firsts, line);
      if (!first) return nullptr;
      Py_INCREF(first);
    }
    if (!lines.add_up(line, first)) return nullptr;
  }
  Py_RETURN_NONE;
}

}  // namespace cumsum
