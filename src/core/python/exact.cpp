#include "exact.h"

#include "arguments.h"
#include "functions.h"
#include "target.h"

namespace cumsum {
namespace {

PyObject* as_long(Wide value) {
  unsigned char bytes[sizeof value];
  for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(value), value >>= 8;
  PyObject* const type = reinterpret_cast<PyObject*>(&PyLong_Type);
  PyObject* method = PyObject_GetAttrString(type, "from_bytes");
  PyObject* positional = Py_BuildValue("(y#s)", bytes, Py_ssize_t{sizeof bytes}, "little");
  PyObject* named = Py_BuildValue("{s:O}", "signed", Py_True);
  PyObject* number =
      method && positional && named ? PyObject_Call(method, positional, named) : nullptr;
  Py_XDECREF(method);
  Py_XDECREF(positional);
  Py_XDECREF(named);
  return number;
}

// The request of exact sums, for integers alone.
bool read_exact(PyObject* args, Arguments& a, Overflow overflow) {
  if (!read_arguments(args, a)) return false;
  if (int(a.x.dtype) >= integer_count || int(a.y.dtype) >= integer_count) {
    PyErr_SetString(PyExc_ValueError, "exact sums are of integers");
    return false;
  }
  a.request.overflow = overflow;
  return element_count(a.x) > 0;
}

int64_t bytes_of(const ArrayView& x) { return element_count(x) * item_size(x.dtype); }

}  // namespace

PyObject* find_excess(PyObject*, PyObject* args) {
  Arguments a;
  if (!read_exact(args, a, Overflow::raise)) return PyErr_Occurred() ? nullptr : Py_NewRef(Py_None);
  std::optional<Excess> excess;
  const bool done = run_released(bytes_of(a.x), [&](Interrupted stop, void* context) {
    const Status status = scan(a.request, current_target(), stop, context);
    if (status != Status::overflowed) return status;
    return find_overflow(a.request, current_target(), excess, stop, context);
  });
  if (!done) return nullptr;
  if (!excess) Py_RETURN_NONE;
  PyObject* value = as_long(excess->value);
  if (!value) return nullptr;
  return Py_BuildValue("LLN", (long long)excess->line, (long long)excess->position, value);
}

PyObject* saturate(PyObject*, PyObject* args) {
  Arguments a;
  if (!read_exact(args, a, Overflow::saturate)) {
    return PyErr_Occurred() ? nullptr : Py_NewRef(Py_None);
  }
  return scan_released(a.request) ? Py_NewRef(Py_None) : nullptr;
}

PyObject* all_within(PyObject*, PyObject* args) {
  unsigned long long data, most;
  long long least;
  int dtype, threads;
  PyObject *sizes, *steps;
  if (!PyArg_ParseTuple(args, "KiO!O!LKi", &data, &dtype, &PyTuple_Type, &sizes, &PyTuple_Type,
                        &steps, &least, &most, &threads)) {
    return nullptr;
  }
  ArrayView x;
  const Py_ssize_t dims = PyTuple_Size(sizes);
  if (dims > most_dims || dtype < 0 || dtype >= integer_count || threads < 1) {
    PyErr_SetString(PyExc_ValueError, "dims, element type or thread count out of range");
    return nullptr;
  }
  x.dims = static_cast<int>(dims);
  if (!read_sizes(sizes, x.dims, x.shape) || !read_sizes(steps, x.dims, x.strides)) return nullptr;
  x.dtype = static_cast<DType>(dtype);
  x.data = reinterpret_cast<char*>(data);
  const Request request = request_of(x, x, 0, threads);
  bool within = true;
  const bool done = run_released(bytes_of(x), [&](Interrupted stop, void* context) {
    const Status status = look_within(request, {least, most}, current_target(), stop, context);
    within = status != Status::overflowed;
    return within ? status : Status::done;
  });
  return done ? PyBool_FromLong(within) : nullptr;
}

}  // namespace cumsum
