#include "segments.h"

#include "arguments.h"
#include "functions.h"

namespace cumsum {

PyObject* find_fault(PyObject*, PyObject* args) {
  unsigned long long offsets;
  long long count, size;
  int threads;
  if (!PyArg_ParseTuple(args, "KLLi", &offsets, &count, &size, &threads)) return nullptr;
  int64_t fault;
  const bool done = run_released(count * int64_t{sizeof(int64_t)}, [&](Interrupted stop, void* of) {
    return find_fault(reinterpret_cast<const int64_t*>(offsets), count, size, threads, fault, stop,
                      of);
  });
  return done ? PyLong_FromLongLong(fault) : nullptr;
}

PyObject* scan_segments(PyObject*, PyObject* args) {
  PyObject* of_scan;
  unsigned long long offsets;
  long long count;
  Arguments a;
  if (!PyArg_ParseTuple(args, "O!KL", &PyTuple_Type, &of_scan, &offsets, &count)) return nullptr;
  if (!read_arguments(of_scan, a)) return nullptr;
  a.request.offsets = reinterpret_cast<const int64_t*>(offsets);
  a.request.segments = count;
  if (!scan_released(a.request)) return nullptr;
  Py_RETURN_NONE;
}

}  // namespace cumsum
