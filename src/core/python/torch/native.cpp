// torch, asked without Python: some 5 ns a question, and a new tensor for a third of the price.
//
// Nothing is linked and no header of torch is used. Its functions are found by their names in the
// libraries that Python has loaded, and prove themselves before they are relied on.
#include <dlfcn.h>

#include "torch.h"

namespace cumsum {
namespace {

// libtorch's Tensor is one pointer, to a TensorImpl.
struct Tensor {
  void* impl;
};

// The names are C's, or what g++ and clang++ make of C++'s.
struct Library {
  void* loaded;

  template <class Result, class... Arguments>
  bool find(Result (*&function)(Arguments...), const char* name) const {
    function = reinterpret_cast<Result (*)(Arguments...)>(dlsym(loaded, name));
    return function != nullptr;
  }
};

// The dtypes a result may have, by torch's names for them.
constexpr struct {
  DType dtype;
  const char* number;
} results[] = {
    {DType::uint8, "aoti_torch_dtype_uint8"},
    {DType::int8, "aoti_torch_dtype_int8"},
    {DType::int16, "aoti_torch_dtype_int16"},
    {DType::int32, "aoti_torch_dtype_int32"},
    {DType::int64, "aoti_torch_dtype_int64"},
    {DType::float16, "aoti_torch_dtype_float16"},
    {DType::bfloat16, "aoti_torch_dtype_bfloat16"},
    {DType::float32, "aoti_torch_dtype_float32"},
    {DType::float64, "aoti_torch_dtype_float64"},
    {DType::complex64, "aoti_torch_dtype_complex64"},
    {DType::complex128, "aoti_torch_dtype_complex128"},
};

bool is_result(DType dtype) {
  for (const auto& result : results) {
    if (result.dtype == dtype) return true;
  }
  return false;
}

// Larger results are left to torch.empty_like, whose price they do not notice, so that it is torch
// who says that memory has run out.
constexpr int64_t most_elements = 1 << 16;

// Whether a function of libtorch did not throw.
template <class Call>
bool succeeds(Call call) {
  try {
    call();
    return true;
  } catch (...) {
    PyErr_Clear();
    return false;
  }
}

class NativeTorch final : public Torch {
 public:
  using Torch::Torch;

  bool find(const Library& library);
  bool prove();

  bool view(PyObject* tensor, ArrayView& view) const override {
    dlpack::Tensor raw;
    return succeeds([&] { to_dlpack_(in(tensor), &raw, false); }) && view_dlpack(raw, view);
  }
  bool requires_grad(PyObject* tensor) const override { return requires_grad_(in(tensor).impl); }
  bool is_neg(PyObject* tensor) const override { return is_neg_(in(tensor)); }
  bool is_conj(PyObject* tensor) const override { return is_conj_(in(tensor)); }
  bool is_inference(PyObject* tensor) const override { return is_inference_(in(tensor)); }
  bool is_copied_on_write(PyObject* tensor) const override {
    const char* const storage = pointer_at(in(tensor).impl, storage_);
    return storage && is_copied_on_write_(storage + data_);
  }
  bool is_grad_enabled() const override { return is_grad_enabled_(); }
  bool bump_version(PyObject* tensor) const override {
    return succeeds([&] { bump_version_(in(tensor)); });
  }
  bool is_intercepted() const override {
    void* const* transforms = transforms_();
    return function_modes_() != 0 || dispatch_modes_() != 0 || transforms[0] != transforms[1] ||
           *tracing_() != nullptr || profiled_() || is_included_(pre_dispatch());
  }
  PyObject* make_result(PyObject* input, const ArrayView& x, PyObject* dtype,
                        int longer) const override;

 private:
  const Tensor& in(PyObject* tensor) const {
    return *reinterpret_cast<const Tensor*>(reinterpret_cast<const char*>(tensor) + offset_);
  }
  PyObject* make(const ArrayView& like, DType dtype, Tensor& made) const;
  static const char* pointer_at(const void* object, size_t offset) {
    return *reinterpret_cast<const char* const*>(static_cast<const char*>(object) + offset);
  }
  static bool find_pointer(const void* object, const void* pointer, size_t& offset);
  bool locate(PyObject* tensor, Tensor made);
  bool locate_storage(PyObject* tensor);
  bool agrees(PyObject* tensor, const ArrayView& wanted) const;

  Py_ssize_t offset_ = 0;  // of its Tensor in a tensor of Python
  size_t storage_ = 0;     // of the pointer to its StorageImpl in a TensorImpl
  size_t data_ = 0;        // of the DataPtr in that
  int32_t cpu_;
  int32_t numbers_[dtype_count];  // torch's for its dtypes

  int32_t (*empty_strided_)(int64_t dims, const int64_t* shape, const int64_t* strides,
                            int32_t dtype, int32_t device, int32_t index, Tensor** made);
  int32_t (*delete_tensor_)(Tensor*);
  PyObject* (*wrap_)(const Tensor&);
  // Before torch 2.14 without the last argument, which then nobody reads.
  void (*to_dlpack_)(const Tensor&, dlpack::Tensor*, bool read_only);
  bool (*requires_grad_)(const void* impl);
  bool (*is_neg_)(const Tensor&);
  bool (*is_conj_)(const Tensor&);
  bool (*is_inference_)(const Tensor&);
  bool (*is_copied_on_write_)(const void* data_ptr);
  bool (*is_grad_enabled_)();
  void (*bump_version_)(const Tensor&);
  int64_t (*function_modes_)();
  int64_t (*dispatch_modes_)();
  void* const* (*transforms_)();  // a std::vector, which begins with its begin and its end
  void* const* (*tracing_)();     // a std::shared_ptr, which begins with the pointer
  bool (*profiled_)();
  bool (*is_included_)(uint16_t key);  // among the dispatch keys of this thread
};

bool NativeTorch::find(const Library& library) {
  int32_t (*number)();
  if (!library.find(number, "aoti_torch_device_type_cpu")) return false;
  cpu_ = number();
  for (const auto& result : results) {
    if (!library.find(number, result.number)) return false;
    numbers_[static_cast<int>(result.dtype)] = number();
  }
  return library.find(empty_strided_, "aoti_torch_empty_strided") &&
         library.find(delete_tensor_, "aoti_torch_delete_tensor_object") &&
         library.find(wrap_, "_Z16THPVariable_WrapRKN2at10TensorBaseE") &&
         (library.find(to_dlpack_, "_ZN2at17toDLPackNonOwningERKNS_6TensorEP8DLTensor") ||
          library.find(to_dlpack_, "_ZN2at17toDLPackNonOwningERKNS_6TensorEP8DLTensorb")) &&
         library.find(requires_grad_, "_ZNK3c1010TensorImpl13requires_gradEv") &&
         library.find(is_neg_, "_ZN2at6native6is_negERKNS_6TensorE") &&
         library.find(is_conj_, "_ZN2at6native7is_conjERKNS_6TensorE") &&
         library.find(is_inference_, "_ZN2at6native12is_inferenceERKNS_6TensorE") &&
         library.find(is_copied_on_write_, "_ZN3c104impl3cow15is_cow_data_ptrERKNS_7DataPtrE") &&
         library.find(is_grad_enabled_, "_ZN3c108GradMode10is_enabledEv") &&
         library.find(bump_version_, "_ZN5torch8autograd4impl12bump_versionERKN2at6TensorE") &&
         library.find(function_modes_, "_ZN2at4impl22PythonTorchFunctionTLS9stack_lenEv") &&
         library.find(dispatch_modes_, "_ZN3c104impl20TorchDispatchModeTLS9stack_lenEv") &&
         library.find(transforms_, "_ZN2at9functorch20getDynamicLayerStackEv") &&
         library.find(tracing_, "_ZN5torch3jit6tracer15getTracingStateEv") &&
         library.find(profiled_, "_ZN5torch8profiler4impl15profilerEnabledEv") &&
         library.find(is_included_, "_ZN3c104impl28tls_is_dispatch_key_includedENS_11DispatchKeyE");
}

PyObject* NativeTorch::make(const ArrayView& like, DType dtype, Tensor& made) const {
  int64_t strides[most_dims];
  int64_t stride = 1;
  for (int d = like.dims - 1; d >= 0; --d) {
    strides[d] = stride;
    stride *= like.shape[d];
  }
  Tensor* owner;
  if (empty_strided_(like.dims, like.shape, strides, numbers_[static_cast<int>(dtype)], cpu_, 0,
                     &owner) != 0) {
    return nullptr;
  }
  made = *owner;
  PyObject* tensor = nullptr;
  succeeds([&] { tensor = wrap_(*owner); });
  delete_tensor_(owner);
  return tensor;
}

PyObject* NativeTorch::make_result(PyObject* input, const ArrayView& x, PyObject* dtype,
                                   int longer) const {
  const int64_t count = element_count(x);
  DType result;
  const bool small = count > 0 && count <= most_elements;
  if (!small || !result_of(x, dtype, result) || !is_result(result)) {
    return Torch::make_result(input, x, dtype, longer);
  }
  Tensor made;
  if (longer < 0) return make(x, result, made);
  ArrayView like = x;
  ++like.shape[longer];
  return make(like, result, made);
}

bool NativeTorch::locate(PyObject* tensor, Tensor made) {
  PyObject* answer = PyObject_GetAttrString(tensor_type(), "__basicsize__");
  const Py_ssize_t size = answer ? PyLong_AsSsize_t(answer) : 0;
  Py_XDECREF(answer);
  for (offset_ = sizeof(PyObject); offset_ + Py_ssize_t{sizeof(Tensor)} <= size;
       offset_ += sizeof(Tensor)) {
    if (in(tensor).impl == made.impl) return true;
  }
  PyErr_Clear();
  return false;
}

// Both objects are of more than eight words.
bool NativeTorch::find_pointer(const void* object, const void* pointer, size_t& offset) {
  for (offset = 0; offset < 8 * sizeof(void*); offset += sizeof(void*)) {
    if (pointer_at(object, offset) == pointer) return true;
  }
  return false;
}

bool NativeTorch::locate_storage(PyObject* tensor) {
  PyObject* storage = PyObject_CallMethod(tensor, "untyped_storage", nullptr);
  PyObject* address = storage ? PyObject_GetAttrString(storage, "_cdata") : nullptr;
  const void* impl = address ? PyLong_AsVoidPtr(address) : nullptr;
  Py_XDECREF(address);
  Py_XDECREF(storage);
  PyErr_Clear();
  ArrayView view;
  return impl && Torch::view(tensor, view) && find_pointer(in(tensor).impl, impl, storage_) &&
         find_pointer(impl, view.data, data_);
}

// Whether a tensor made here is in Python's eyes what was wanted, and in both the same.
bool NativeTorch::agrees(PyObject* tensor, const ArrayView& wanted) const {
  ArrayView theirs, ours;
  return is_tensor(tensor) && Py_REFCNT(tensor) == 1 && Torch::view(tensor, theirs) &&
         view(tensor, ours) && ours.data == theirs.data && ours.dtype == theirs.dtype &&
         theirs.dtype == wanted.dtype && same_shape(ours, theirs) && same_shape(theirs, wanted) &&
         is_contiguous(ours) && is_contiguous(theirs) && !requires_grad(tensor) &&
         !is_neg(tensor) && !is_conj(tensor) && !is_copied_on_write(tensor);
}

bool NativeTorch::prove() {
  for (const auto& result : results) {
    const ArrayView wanted{result.dtype, 2, nullptr, {2, 3}, {}};
    Tensor made;
    PyObject* tensor = make(wanted, result.dtype, made);
    if (!tensor) return false;
    const bool good = locate(tensor, made) && locate_storage(tensor) && agrees(tensor, wanted);
    Py_DECREF(tensor);
    if (!good) return false;
  }
  return is_copied_on_write(copied_on_write()) && is_intercepted() == Torch::is_intercepted();
}

}  // namespace

std::unique_ptr<Torch> make_native_torch(const TorchParts& parts, const char* library) {
  auto torch = std::make_unique<NativeTorch>(parts);
  const Library loaded{dlopen(library, RTLD_NOLOAD | RTLD_LAZY)};
  if (!loaded.loaded || !torch->find(loaded) || !torch->prove()) return nullptr;
  return torch;
}

}  // namespace cumsum
