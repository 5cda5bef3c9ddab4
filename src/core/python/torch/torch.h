// What the short way asks of torch: in Python, which every torch from 2.10 on understands, or of
// libtorch itself, at a tenth of the price, where its functions are found.
#pragma once

#include <memory>

#include "call.h"

namespace cumsum {

// What cumsum/torch.py registers. All of it is kept for good.
struct TorchParts {
  PyTypeObject* tensor_type;
  PyObject* dtypes;  // the core's numbers of torch's dtypes
  const dlpack::ExchangeApi* exchange;
  PyObject* empty_like;
  PyObject* as_contiguous;  // keywords of empty_like for a contiguous result of the input's dtype
  PyObject* as_int64;       // the same, of int64
  PyObject* get_num_threads;
  PyObject* increment_version;
  PyObject* forward_ad;  // the names of the module that holds _current_level
  PyObject* is_neg;
  PyObject* is_conj;
  PyObject* is_inference;
  PyObject* is_grad_enabled;
  PyObject* record;  // scans a tensor along an axis as a node of the graph of gradients
  PyObject* is_copied_on_write;
  PyObject* copied_on_write;  // a tensor that is
  PyObject* mode_depths[3];   // functions that answer 0 while no mode, and no profiler, is on
  PyObject* states[2];        // functions that answer None while no transform or tracing is on
  PyObject* first_modes;      // a list of what sees calls before any of torch does, None while off
  uint16_t pre_dispatch;      // torch's number of the dispatch key that they turn on
};

// The questions, put in Python. What cannot be answered is answered as if it were not plain, and no
// exception is left behind. A tensor is an exact torch.Tensor.
class Torch {
 public:
  explicit Torch(const TorchParts& parts);
  virtual ~Torch() = default;
  Torch(const Torch&) = delete;
  Torch& operator=(const Torch&) = delete;

  bool is_tensor(PyObject* object) const { return Py_TYPE(object) == parts_.tensor_type; }
  int num_threads() const;
  bool is_watched() const { return is_intercepted() || is_forward_mode(); }
  PyObject* record(PyObject* tensor, int axis) const {
    return PyObject_CallFunction(parts_.record, "Oi", tensor, axis);
  }

  // The DType of the scan of x, by its torch.dtype or, if that is null, by default.
  bool result_of(const ArrayView& x, PyObject* dtype, DType& result) const;

  virtual bool view(PyObject* tensor, ArrayView& view) const;
  virtual bool requires_grad(PyObject* tensor) const;
  virtual bool is_neg(PyObject* tensor) const;
  virtual bool is_conj(PyObject* tensor) const;
  virtual bool is_inference(PyObject* tensor) const;
  // Whether memory is shared until one of its owners asks for it, which the questions above do.
  virtual bool is_copied_on_write(PyObject* tensor) const;
  virtual bool is_grad_enabled() const;
  virtual bool is_intercepted() const;  // whether a mode, transform, tracing or profiler is on
  virtual bool bump_version(PyObject* tensor) const;
  // A new tensor of `dtype`, or of the default one if that is null, for the scan of `input`, one
  // longer along an axis if that is not -1; or null, perhaps without an exception.
  virtual PyObject* make_result(PyObject* input, const ArrayView& x, PyObject* dtype,
                                int longer) const;

 protected:
  PyObject* copied_on_write() const { return parts_.copied_on_write; }
  PyObject* tensor_type() const { return reinterpret_cast<PyObject*>(parts_.tensor_type); }
  uint16_t pre_dispatch() const { return parts_.pre_dispatch; }

 private:
  bool is_forward_mode() const;

  TorchParts parts_;
  PyObject* requires_grad_;
  PyObject* current_level_;
};

// Integers widen to int64.
constexpr DType tensor_result(DType x) { return x < DType::int64 ? DType::int64 : x; }

// Answers by libtorch's own functions, looked up in the loaded `library` and those it depends on.
// Null if one is missing, or if what they answer is not what Python does.
std::unique_ptr<Torch> make_native_torch(const TorchParts& parts, const char* library);

}  // namespace cumsum
