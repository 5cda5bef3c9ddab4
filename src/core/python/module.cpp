// The Python module cumsum._core. Its functions are described in src/cumsum/_core.pyi.
#include "call.h"
#include "functions.h"
#include "processor.h"
#include "sizes.h"
#include "target.h"
#include "thread_count.h"

namespace cumsum {

namespace {

PyObject* targets(PyObject*, PyObject*) {
  PyObject* names = PyList_New(0);
  for (const Kernels* const* target = runnable_targets(); names && *target; ++target) {
    PyObject* name = PyUnicode_FromString((*target)->name);
    if (!name || PyList_Append(names, name) != 0) Py_CLEAR(names);
    Py_XDECREF(name);
  }
  return names;
}

PyObject* target(PyObject*, PyObject*) { return PyUnicode_FromString(current_target().name); }

PyObject* choices(PyObject*, PyObject*) {
  const Sizes& found = sizes();
  return Py_BuildValue(
      "{s:O,s:L,s:L,s:L}", "past_cache", processor().writes_past_cache ? Py_True : Py_False,
      "stream", static_cast<long long>(found.stream), "claim", static_cast<long long>(found.claim),
      "panel", static_cast<long long>(found.panel));
}

PyObject* choose(PyObject*, PyObject* args) {
  const char* name;
  if (!PyArg_ParseTuple(args, "s", &name)) return nullptr;
  return PyBool_FromLong(choose_target(name));
}

bool read_source(int number, ThreadSource& source) {
  if (number < 0 || number > static_cast<int>(ThreadSource::machine)) {
    PyErr_SetString(PyExc_ValueError, "no such source of a thread count");
    return false;
  }
  source = static_cast<ThreadSource>(number);
  return true;
}

PyObject* get_threads(PyObject*, PyObject* args) {
  int number;
  ThreadSource source;
  if (!PyArg_ParseTuple(args, "i", &number) || !read_source(number, source)) return nullptr;
  return PyLong_FromLong(thread_setting(source));
}

PyObject* set_threads(PyObject*, PyObject* args) {
  int number, threads;
  ThreadSource source;
  if (!PyArg_ParseTuple(args, "ii", &number, &threads) || !read_source(number, source))
    return nullptr;
  set_thread_setting(source, threads);
  Py_RETURN_NONE;
}

PyObject* set_main(PyObject*, PyObject* args) {
  unsigned long ident;
  if (!PyArg_ParseTuple(args, "k", &ident)) return nullptr;
  set_main_thread(ident);
  Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"scan", scan_memory, METH_VARARGS, nullptr},
    {"plan", plan_memory, METH_VARARGS, nullptr},
    {"all_within", all_within, METH_VARARGS, nullptr},
    {"find_fault", find_fault, METH_VARARGS, nullptr},
    {"resume", resume_memory, METH_VARARGS, nullptr},
    {"totals", add_up_memory, METH_VARARGS, nullptr},
    {"advance", advance_records, METH_VARARGS, nullptr},
    {"begin_records", begin_records, METH_VARARGS, nullptr},
    {"record_size", record_bytes, METH_VARARGS, nullptr},
    {"total_size", total_bytes, METH_VARARGS, nullptr},
    {"add_objects", add_objects, METH_VARARGS, nullptr},
    {"copy", copy_bytes, METH_VARARGS, nullptr},
    {"targets", targets, METH_NOARGS, nullptr},
    {"target", target, METH_NOARGS, nullptr},
    {"choices", choices, METH_NOARGS, nullptr},
    {"choose_target", choose, METH_VARARGS, nullptr},
    {"get_threads", get_threads, METH_VARARGS, nullptr},
    {"set_threads", set_threads, METH_VARARGS, nullptr},
    {"set_main_thread", set_main, METH_VARARGS, nullptr},
    {"make_function", make_function, METH_VARARGS, nullptr},
    {"register_numpy", register_numpy, METH_VARARGS, nullptr},
    {"register_torch", register_torch, METH_VARARGS, nullptr},
    {"scan_plain_tensor",
     reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(scan_plain_tensor)), METH_FASTCALL,
     nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          "cumsum._core",
                          nullptr,
                          -1,
                          methods,
                          nullptr,
                          nullptr,
                          nullptr,
                          nullptr};

}  // namespace
}  // namespace cumsum

PyMODINIT_FUNC PyInit__core() { return PyModule_Create(&cumsum::definition); }
