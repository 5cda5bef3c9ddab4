// torch, asked in Python: some 20 to 60 ns a question.
#include "torch.h"

namespace cumsum {
namespace {

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

bool holds_of(PyObject* question, PyObject* tensor) {
  return holds(PyObject_CallFunctionObjArgs(question, tensor, nullptr));
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

}  // namespace

Torch::Torch(const TorchParts& parts)
    : parts_(parts),
      requires_grad_(PyUnicode_InternFromString("requires_grad")),
      current_level_(PyUnicode_InternFromString("_current_level")) {}

bool Torch::view(PyObject* tensor, ArrayView& view) const {
  dlpack::Tensor raw;
  if (parts_.exchange->tensor_from_object(tensor, &raw) != 0) {
    PyErr_Clear();
    return false;
  }
  return view_dlpack(raw, view);
}

bool Torch::requires_grad(PyObject* tensor) const {
  return holds(PyObject_GetAttr(tensor, requires_grad_));
}

bool Torch::is_neg(PyObject* tensor) const { return holds_of(parts_.is_neg, tensor); }

bool Torch::is_conj(PyObject* tensor) const { return holds_of(parts_.is_conj, tensor); }

bool Torch::is_inference(PyObject* tensor) const { return holds_of(parts_.is_inference, tensor); }

bool Torch::is_copied_on_write(PyObject* tensor) const {
  return holds_of(parts_.is_copied_on_write, tensor);
}

bool Torch::is_grad_enabled() const { return holds(PyObject_CallNoArgs(parts_.is_grad_enabled)); }

bool Torch::is_intercepted() const {
  for (PyObject* depth : parts_.mode_depths) {
    if (holds(PyObject_CallNoArgs(depth))) return true;
  }
  for (PyObject* state : parts_.states) {
    PyObject* answer = PyObject_CallNoArgs(state);
    if (!answer) PyErr_Clear();
    Py_XDECREF(answer);
    if (answer != Py_None) return true;
  }
  for (Py_ssize_t i = 0; i < PyList_Size(parts_.first_modes); ++i) {
    if (PyList_GetItem(parts_.first_modes, i) != Py_None) return true;
  }
  return false;
}

bool Torch::is_forward_mode() const {
  PyObject* level = PyDict_GetItemWithError(parts_.forward_ad, current_level_);
  const long value = level ? PyLong_AsLong(level) : 0;
  if (PyErr_Occurred()) PyErr_Clear();
  return value >= 0;
}

bool Torch::bump_version(PyObject* tensor) const {
  PyObject* one = PyTuple_Pack(1, tensor);
  PyObject* done =
      one ? PyObject_CallFunctionObjArgs(parts_.increment_version, one, nullptr) : nullptr;
  Py_XDECREF(one);
  if (!done) PyErr_Clear();
  Py_XDECREF(done);
  return done != nullptr;
}

bool Torch::result_of(const ArrayView& x, PyObject* dtype, DType& result) const {
  if (dtype) return resolve_dtype(parts_.dtypes, dtype, x.dtype, result);
  result = tensor_result(x.dtype);
  return true;
}

PyObject* Torch::make_result(PyObject* input, const ArrayView& x, PyObject* dtype,
                             int longer) const {
  if (longer >= 0) return nullptr;  // empty_like keeps the shape
  if (dtype) {
    PyObject* keywords = PyDict_Copy(parts_.as_contiguous);
    PyObject* args = keywords ? PyTuple_Pack(1, input) : nullptr;
    const bool ready = args && PyDict_SetItemString(keywords, "dtype", dtype) == 0;
    PyObject* result = ready ? PyObject_Call(parts_.empty_like, args, keywords) : nullptr;
    Py_XDECREF(args);
    Py_XDECREF(keywords);
    return result;
  }
  PyObject* keywords = tensor_result(x.dtype) != x.dtype ? parts_.as_int64
                       : has_own_strides(x)              ? nullptr
                                                         : parts_.as_contiguous;
  if (!keywords) return PyObject_CallFunctionObjArgs(parts_.empty_like, input, nullptr);
  PyObject* args = PyTuple_Pack(1, input);
  if (!args) return nullptr;
  PyObject* result = PyObject_Call(parts_.empty_like, args, keywords);
  Py_DECREF(args);
  return result;
}

int Torch::num_threads() const {
  PyObject* answer = PyObject_CallNoArgs(parts_.get_num_threads);
  const long threads = answer ? PyLong_AsLong(answer) : 1;
  Py_XDECREF(answer);
  if (PyErr_Occurred()) PyErr_Clear();
  return threads > 0 ? static_cast<int>(threads) : 1;
}

}  // namespace cumsum
