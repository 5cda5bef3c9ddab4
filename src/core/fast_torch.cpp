// Plain torch.Tensor objects on the CPU, by the DLPack exchange table of torch >= 2.10.
//
// Plain means that nothing would see or change the call: no gradient to record, no mode, transform,
// tracing or forward-mode level active, no lazy negation or conjugation, no subclass. The checks
// cost some 30 ns each and none may be left out: the exchange table exports such tensors' raw data.
#include <initializer_list>

#include "fast.h"
#include "policy.h"
#include "thread_count.h"

namespace cumsum {
namespace {

struct Torch {
  PyTypeObject* tensor_type;
  const dlpack::ExchangeApi* exchange;
  PyObject* empty_like;
  PyObject* as_contiguous;  // keywords of empty_like for a contiguous result of the input's dtype
  PyObject* as_int64;       // the same, of int64
  PyObject* get_num_threads;
  PyObject* increment_version;
  PyObject* forward_ad;  // the module that holds _current_level
  PyObject* is_neg;
  PyObject* is_conj;
  PyObject* is_inference;
  PyObject* mode_depths[2];  // functions that answer 0 while no mode is on
  PyObject* states[2];       // functions that answer None while no transform or tracing is on
};
Torch torch;
PyObject* requires_grad;
PyObject* current_level;

// The truth of a call's answer; a call that fails is not plain.
bool holds(PyObject* answer) {
  if (!answer) {
    PyErr_Clear();
    return true;
  }
  const int truth = PyObject_IsTrue(answer);
  Py_DECREF(answer);
  if (truth < 0) PyErr_Clear();
  return truth != 0;
}

bool has_grad(PyObject* tensor) { return holds(PyObject_GetAttr(tensor, requires_grad)); }

bool is_watched() {
  for (PyObject* depth : torch.mode_depths) {
    if (holds(PyObject_CallNoArgs(depth))) return true;
  }
  for (PyObject* state : torch.states) {
    PyObject* answer = PyObject_CallNoArgs(state);
    if (!answer) PyErr_Clear();
    Py_XDECREF(answer);
    if (answer != Py_None) return true;
  }
  PyObject* level = PyObject_GetAttr(torch.forward_ad, current_level);
  const long value = level ? PyLong_AsLong(level) : 0;
  Py_XDECREF(level);
  if (PyErr_Occurred()) PyErr_Clear();
  return value >= 0;
}

bool view_memory(PyObject* tensor, ArrayView& view) {
  dlpack::Tensor raw;
  if (torch.exchange->tensor_from_object(tensor, &raw) != 0) {
    PyErr_Clear();
    return false;
  }
  return view_dlpack(raw, view);
}

// The same for a tensor that others made, whose memory may not be all there is to it.
bool view_tensor(PyObject* tensor, ArrayView& view) {
  if (Py_TYPE(tensor) != torch.tensor_type || has_grad(tensor) || !view_memory(tensor, view)) {
    return false;
  }
  if (view.dtype >= DType::complex64) {
    return !holds(PyObject_CallFunctionObjArgs(torch.is_conj, tensor, nullptr)) &&
           !holds(PyObject_CallFunctionObjArgs(torch.is_neg, tensor, nullptr));
  }
  return view.dtype < DType::float32 || view.dtype > DType::float64 ||
         !holds(PyObject_CallFunctionObjArgs(torch.is_neg, tensor, nullptr));
}

bool is_integer(DType dtype) { return dtype <= DType::int64; }

// What torch has a scan for; the rest is refused, with torch's words, by the slow way.
bool is_scanned(DType dtype) {
  return dtype != DType::boolean && dtype != DType::uint16 && dtype != DType::uint32 &&
         dtype != DType::uint64;
}

// Whether torch.empty_like, which keeps strides, would give those of a new tensor.
bool has_own_strides(const ArrayView& x) {
  int64_t stride = item_size(x.dtype);
  for (int d = x.dims - 1; d >= 0; --d) {
    if (x.strides[d] != stride) return false;
    stride *= x.shape[d] > 0 ? x.shape[d] : 1;
  }
  return true;
}

PyObject* make_result(PyObject* input, const ArrayView& x) {
  const bool widen = is_integer(x.dtype) && x.dtype != DType::int64;
  PyObject* keywords = widen ? torch.as_int64 : has_own_strides(x) ? nullptr : torch.as_contiguous;
  if (!keywords) return PyObject_CallFunctionObjArgs(torch.empty_like, input, nullptr);
  PyObject* args = PyTuple_Pack(1, input);
  if (!args) return nullptr;
  PyObject* result = PyObject_Call(torch.empty_like, args, keywords);
  Py_DECREF(args);
  return result;
}

// torch's own setting counts for tensors; asked for only when a scan is long enough to share out.
int threads_for_tensors(const ArrayView& x) {
  if (const int threads = chosen_threads()) return threads;
  if (element_count(x) * item_size(x.dtype) * 16 < policy::parallel_bytes) return 1;
  PyObject* answer = PyObject_CallNoArgs(torch.get_num_threads);
  const long threads = answer ? PyLong_AsLong(answer) : 1;
  Py_XDECREF(answer);
  if (PyErr_Occurred()) PyErr_Clear();
  return threads > 0 ? static_cast<int>(threads) : 1;
}

// Inference tensors have no version, and outside their mode must not be written.
bool bump_version(PyObject* tensor) {
  if (holds(PyObject_CallFunctionObjArgs(torch.is_inference, tensor, nullptr))) return false;
  PyObject* one = PyTuple_Pack(1, tensor);
  PyObject* done =
      one ? PyObject_CallFunctionObjArgs(torch.increment_version, one, nullptr) : nullptr;
  Py_XDECREF(one);
  if (!done) PyErr_Clear();
  Py_XDECREF(done);
  return done != nullptr;
}

}  // namespace

PyObject* scan_tensor(const PlainCall& call) {
  ArrayView x, y;
  int axis;
  if (!torch.exchange || !view_tensor(call.input, x) || !resolve_axis(x, call.dim, axis) ||
      is_watched()) {
    return nullptr;
  }
  PyObject* out = call.out;
  if (out) {
    const bool discards = x.dtype >= DType::complex64;  // torch warns of a real result
    if (!view_tensor(out, y) || !is_scanned(y.dtype) || (discards && y.dtype < DType::complex64) ||
        !same_shape(x, y) || !is_contiguous(y) || !is_safe(x, y) || !bump_version(out)) {
      return nullptr;
    }
    Py_INCREF(out);
  } else {
    out = make_result(call.input, x);
    if (!out) return nullptr;
    if (!view_memory(out, y)) {
      Py_DECREF(out);
      return nullptr;
    }
  }
  if (!scan_views(x, y, axis, Kind::inclusive, Direction::forward, Precision::standard,
                  threads_for_tensors(x))) {
    Py_DECREF(out);
    return nullptr;
  }
  return out;
}

PyObject* register_torch(PyObject*, PyObject* args) {
  PyObject *type, *capsule;
  Torch t{};
  if (!PyArg_ParseTuple(args, "OOOO!O!OOOOOO(OO)(OO)", &type, &capsule, &t.empty_like, &PyDict_Type,
                        &t.as_contiguous, &PyDict_Type, &t.as_int64, &t.get_num_threads,
                        &t.increment_version, &t.forward_ad, &t.is_neg, &t.is_conj, &t.is_inference,
                        &t.mode_depths[0], &t.mode_depths[1], &t.states[0], &t.states[1])) {
    return nullptr;
  }
  auto* exchange =
      static_cast<const dlpack::ExchangeApi*>(PyCapsule_GetPointer(capsule, "dlpack_exchange_api"));
  if (!exchange) return nullptr;
  if (exchange->header.major != 1) {
    PyErr_SetString(PyExc_ImportError, "torch's DLPack exchange table is not of version 1");
    return nullptr;
  }
  requires_grad = PyUnicode_InternFromString("requires_grad");
  current_level = PyUnicode_InternFromString("_current_level");
  if (!requires_grad || !current_level) return nullptr;
  for (PyObject* kept : {type, t.empty_like, t.as_contiguous, t.as_int64, t.get_num_threads,
                         t.increment_version, t.forward_ad, t.is_neg, t.is_conj, t.is_inference,
                         t.mode_depths[0], t.mode_depths[1], t.states[0], t.states[1]}) {
    Py_INCREF(kept);
  }
  t.tensor_type = reinterpret_cast<PyTypeObject*>(type);
  t.exchange = exchange;
  torch = t;
  Py_RETURN_NONE;
}

}  // namespace cumsum
