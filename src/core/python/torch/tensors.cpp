// Plain torch.Tensor objects on the CPU, by the DLPack exchange table of torch >= 2.10.
//
// Plain means that nothing would see or change the call but a gradient's graph: no mode, transform,
// tracing or forward-mode level active, no lazy negation or conjugation, no subclass. None of the
// checks may be left out: the exchange table exports such tensors' raw data.
#include <initializer_list>

#include "policy.h"
#include "scan_call.h"
#include "thread_count.h"
#include "torch.h"

namespace cumsum {
namespace {

std::unique_ptr<Torch> torch;

// The memory of a tensor that others made, if that and perhaps a gradient is all there is to it. Of
// memory that is copied on write, a view would be the copy.
bool view_tensor(PyObject* tensor, ArrayView& view) {
  return torch->is_tensor(tensor) && !torch->is_copied_on_write(tensor) &&
         torch->view(tensor, view) && !torch->is_neg(tensor) &&
         (view.dtype < DType::complex64 || !torch->is_conj(tensor));
}

// Whether what is done to a tensor is to be known for its gradient.
bool is_recorded(PyObject* tensor) {
  return torch->requires_grad(tensor) && torch->is_grad_enabled();
}

// An operand whose gradient nobody asks for.
bool lend_tensor(PyObject* object, Lent& lent) {
  return view_tensor(object, lent.view) && !is_recorded(object);
}

bool has_gradient(DType dtype) { return dtype >= DType::float16; }

// What torch has a scan for, or `overflow` opens; the rest is refused, with torch's words, by the
// slow way.
bool is_scanned(DType dtype, const Options& options) {
  return options.names_overflow || (dtype != DType::boolean && dtype != DType::uint16 &&
                                    dtype != DType::uint32 && dtype != DType::uint64);
}

// Whether `out` may be written with the scan of x. Inference tensors have no version, and outside
// their mode must not be written; torch warns of a complex scan with a real result.
bool view_out(const Call& call, const ArrayView& x, ArrayView& y) {
  return view_tensor(call.out, y) && !torch->requires_grad(call.out) &&
         is_scanned(y.dtype, call.options) &&
         (x.dtype < DType::complex64 || y.dtype >= DType::complex64) &&
         !torch->is_inference(call.out);
}

// torch's own setting counts for tensors; asked for only when a scan is long enough to share out.
int threads_for_tensors(const ArrayView& x) {
  if (const int threads = chosen_threads()) return threads;
  const bool is_short = element_count(x) * item_size(x.dtype) * 16 < policy::parallel_bytes;
  return is_short ? 1 : torch->num_threads();
}

}  // namespace

PyObject* scan_tensor(const Call& call) {
  ArrayView x, y;
  int axis;
  // A mode that watches must not see the questions either.
  if (!torch || !torch->is_tensor(call.input) || torch->is_watched() ||
      !view_tensor(call.input, x) || !resolve_axis(x, call.dim, axis)) {
    return nullptr;
  }
  DType result;
  if (!torch->result_of(x, call.dtype, result) || !is_scanned(result, call.options)) return nullptr;
  if (!call.recorded && is_recorded(call.input)) {
    const bool plain = !call.out && !call.dtype && call.options.is_plain();
    return plain && has_gradient(x.dtype) ? torch->record(call.input, axis) : nullptr;
  }
  if (call.out) {
    if (!view_out(call, x, y)) return nullptr;
    result = y.dtype;
  }
  ScanCall scan(call.options, x, axis, result, lend_tensor);
  if (!scan.read()) return nullptr;
  PyObject* out =
      call.out ? Py_NewRef(call.out) : torch->make_result(call.input, x, call.dtype, scan.longer());
  if (!out) return nullptr;
  const bool ready = (call.out || torch->view(out, y)) &&
                     scan.take(y, !call.out, threads_for_tensors(x)) && scan.check() &&
                     (!call.out || torch->bump_version(out));
  if (!ready || !scan.run()) Py_CLEAR(out);
  return out;
}

PyObject* scan_plain_tensor(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count != 3) {
    PyErr_SetString(PyExc_TypeError, "scan_plain_tensor(x, dim, reverse)");
    return nullptr;
  }
  Call call;
  call.input = args[0];
  call.dim = PyLong_AsLong(args[1]);
  call.options.reverse = PyObject_IsTrue(args[2]) == 1;
  call.recorded = true;
  PyObject* result = PyErr_Occurred() ? nullptr : scan_tensor(call);
  if (!result && !PyErr_Occurred()) Py_RETURN_NONE;
  return result;
}

PyObject* register_torch(PyObject*, PyObject* args) {
  PyObject *type, *capsule;
  const char* library;
  TorchParts t{};
  if (!PyArg_ParseTuple(args, "OOO!OO!O!OOO!OOOOOOO(OOO)(OO)O!Hz", &type, &capsule, &PyDict_Type,
                        &t.dtypes, &t.empty_like, &PyDict_Type, &t.as_contiguous, &PyDict_Type,
                        &t.as_int64, &t.get_num_threads, &t.increment_version, &PyDict_Type,
                        &t.forward_ad, &t.is_neg, &t.is_conj, &t.is_inference, &t.is_grad_enabled,
                        &t.record, &t.is_copied_on_write, &t.copied_on_write, &t.mode_depths[0],
                        &t.mode_depths[1], &t.mode_depths[2], &t.states[0], &t.states[1],
                        &PyList_Type, &t.first_modes, &t.pre_dispatch, &library)) {
    return nullptr;
  }
  t.exchange =
      static_cast<const dlpack::ExchangeApi*>(PyCapsule_GetPointer(capsule, "dlpack_exchange_api"));
  if (!t.exchange) return nullptr;
  if (t.exchange->header.major != 1) {
    PyErr_SetString(PyExc_ImportError, "torch's DLPack exchange table is not of version 1");
    return nullptr;
  }
  for (PyObject* kept : {type,
                         t.dtypes,
                         t.empty_like,
                         t.as_contiguous,
                         t.as_int64,
                         t.get_num_threads,
                         t.increment_version,
                         t.forward_ad,
                         t.is_neg,
                         t.is_conj,
                         t.is_inference,
                         t.is_grad_enabled,
                         t.record,
                         t.is_copied_on_write,
                         t.copied_on_write,
                         t.mode_depths[0],
                         t.mode_depths[1],
                         t.mode_depths[2],
                         t.states[0],
                         t.states[1],
                         t.first_modes}) {
    Py_INCREF(kept);
  }
  t.tensor_type = reinterpret_cast<PyTypeObject*>(type);
  std::unique_ptr<Torch> native = library ? make_native_torch(t, library) : nullptr;
  const bool is_native = native != nullptr;
  torch = is_native ? std::move(native) : std::make_unique<Torch>(t);
  return PyBool_FromLong(is_native);
}

}  // namespace cumsum
