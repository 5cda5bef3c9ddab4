#include "functions.h"
#include "memory.h"
#include "scan_call.h"
#include "segments.h"
#include "target.h"

namespace cumsum {
namespace {

// The arguments that scan() and plan() have in common.
struct Given {
  ArrayView x, y;
  Options options;
  int axis, threads;

  bool read(PyObject* of_x, PyObject* of_y, PyObject* spec) {
    if (!read_memory(of_x, x) || !read_memory(of_y, y) || !read_spec(spec, options, x, axis)) {
      return false;
    }
    return threads >= 1 || refuse("there must be one thread or more");
  }
};

bool refuse_operands() {
  return !PyErr_Occurred() && refuse("shapes or element types of the arrays do not go together");
}

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

}  // namespace

PyObject* scan_memory(PyObject*, PyObject* args) {
  Given given;
  Options& o = given.options;
  PyObject *x, *y, *spec;
  if (!PyArg_ParseTuple(args, "OOOi|OOOO", &x, &y, &spec, &given.threads, &o.initial, &o.where,
                        &o.offsets, &o.decay) ||
      !given.read(x, y, spec)) {
    return nullptr;
  }
  ScanCall scan(o, given.x, given.axis, given.y.dtype, lend_memory);
  if (!scan.read() || !scan.take(given.y, true, given.threads)) {
    refuse_operands();
    return nullptr;
  }
  if (!scan.check()) {
    std::optional<Excess> excess;
    if (PyErr_Occurred() || !scan.find_overflow(excess)) return nullptr;
    if (!excess) Py_RETURN_NONE;
    PyObject* value = as_long(excess->value);
    if (!value) return nullptr;
    return Py_BuildValue("LLN", (long long)excess->line, (long long)excess->position, value);
  }
  return scan.run() ? Py_NewRef(Py_None) : nullptr;
}

PyObject* plan_memory(PyObject*, PyObject* args) {
  Given given;
  PyObject *x, *y, *spec;
  if (!PyArg_ParseTuple(args, "OOOi|O", &x, &y, &spec, &given.threads, &given.options.initial) ||
      !given.read(x, y, spec)) {
    return nullptr;
  }
  ScanCall scan(given.options, given.x, given.axis, given.y.dtype, lend_memory);
  if (!scan.read() || !scan.take(given.y, true, given.threads)) {
    refuse_operands();
    return nullptr;
  }
  const Plan p = make_plan(scan.request(), current_target());
  const bool rows = p.walk != Walk::columns;
  return Py_BuildValue(
      "{s:s,s:L,s:L,s:L,s:L,s:L,s:L,s:L,s:i,s:O,s:O,s:O,s:s}", "family",
      p.split ? "long" : (rows ? "rows" : "columns"), "outer", (long long)p.outer_size, "length",
      (long long)p.scan.size, "inner", (long long)p.inner.size, "tile", (long long)tile_size,
      "panel", (long long)p.panel, "block", (long long)p.block, "units", (long long)p.units,
      "workers", p.workers, "pack_input", p.pack_x ? Py_True : Py_False, "pack_output",
      p.pack_y ? Py_True : Py_False, "stream", p.stream ? Py_True : Py_False, "precision",
      p.precision == Precision::compensated ? "compensated" : "standard");
}

PyObject* all_within(PyObject*, PyObject* args) {
  PyObject* memory;
  long long least;
  unsigned long long most;
  int threads;
  ArrayView x;
  if (!PyArg_ParseTuple(args, "OLKi", &memory, &least, &most, &threads) ||
      !read_memory(memory, x)) {
    return nullptr;
  }
  if (x.dims == 0 || int(x.dtype) >= integer_count || threads < 1) {
    refuse("dims, element type or thread count out of range");
    return nullptr;
  }
  const bool within = all_within(request_of(x, x, 0, threads), {least, most});
  return PyErr_Occurred() ? nullptr : PyBool_FromLong(within);
}

PyObject* find_fault(PyObject*, PyObject* args) {
  PyObject* memory;
  long long size;
  int threads;
  ArrayView offsets;
  if (!PyArg_ParseTuple(args, "OLi", &memory, &size, &threads) || !read_memory(memory, offsets)) {
    return nullptr;
  }
  if (offsets.dtype != DType::int64 || offsets.dims != 1 || offsets.shape[0] == 0) {
    refuse("offsets are int64, in one dim");
    return nullptr;
  }
  int64_t fault;
  const int64_t* const first = reinterpret_cast<const int64_t*>(offsets.data);
  const int64_t count = offsets.shape[0] - 1;
  const bool done = run_released(count * int64_t{sizeof(int64_t)}, [&](Interrupted stop, void* of) {
    return find_fault(first, count, size, threads, fault, stop, of);
  });
  return done ? PyLong_FromLongLong(fault) : nullptr;
}

}  // namespace cumsum
