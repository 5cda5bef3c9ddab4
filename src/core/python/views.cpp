#include "views.h"

#include <unistd.h>

#include <cstring>

#include "target.h"

namespace cumsum {
namespace {

// Below this many bytes, handing the GIL over costs more than the scan.
constexpr int64_t release_bytes = 1 << 15;

unsigned long main_thread = 0;

DType sized_int(int size, bool is_signed) {
  switch (size) {
    case 1:
      return is_signed ? DType::int8 : DType::uint8;
    case 2:
      return is_signed ? DType::int16 : DType::uint16;
    case 4:
      return is_signed ? DType::int32 : DType::uint32;
    default:
      return is_signed ? DType::int64 : DType::uint64;
  }
}

// Native formats of the struct module, as NumPy writes them; '<' or '=' may stand before one.
bool parse_format(const char* format, Py_ssize_t size, DType& dtype) {
  if (!format) return false;
  if (*format == '@' || *format == '=') ++format;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  if (*format == '<') ++format;
#endif
  const bool is_complex = *format == 'Z';
  if (is_complex) ++format;
  if (format[0] == 0 || format[1] != 0) return false;
  switch (*format) {
    case '?':
      dtype = DType::boolean;
      break;
    case 'b':
    case 'h':
    case 'i':
    case 'l':
    case 'q':
      dtype = sized_int(static_cast<int>(size), true);
      break;
    case 'B':
    case 'H':
    case 'I':
    case 'L':
    case 'Q':
      dtype = sized_int(static_cast<int>(size), false);
      break;
    case 'e':
      dtype = DType::float16;
      break;
    case 'f':
      dtype = is_complex ? DType::complex64 : DType::float32;
      break;
    case 'd':
      dtype = is_complex ? DType::complex128 : DType::float64;
      break;
    case 'g':
      dtype = is_complex ? DType::clongdouble : DType::longdouble;
      break;
    default:
      return false;
  }
  return item_size(dtype) == size && (!is_complex || dtype >= DType::complex64);
}

bool parse_dlpack(dlpack::DataType type, DType& dtype) {
  enum { integer = 0, unsigned_integer = 1, floating = 2, bfloat = 4, complex = 5, boolean = 6 };
  if (type.lanes != 1) return false;
  const int size = type.bits / 8;
  switch (type.code) {
    case integer:
    case unsigned_integer:
      dtype = sized_int(size, type.code == integer);
      break;
    case floating:
      dtype = size == 2 ? DType::float16 : size == 4 ? DType::float32 : DType::float64;
      break;
    case bfloat:
      dtype = DType::bfloat16;
      break;
    case complex:
      dtype = size == 8 ? DType::complex64 : DType::complex128;
      break;
    case boolean:
      dtype = DType::boolean;
      break;
    default:
      return false;
  }
  return item_size(dtype) * 8 == type.bits;
}

// The bytes a view may touch: [low, high).
void find_extent(const ArrayView& view, const char*& low, const char*& high) {
  low = high = view.data;
  for (int d = 0; d < view.dims; ++d) {
    const int64_t reach = (view.shape[d] - 1) * view.strides[d];
    (reach < 0 ? low : high) += reach;
  }
  high += item_size(view.dtype);
}

// Before Python 3.14 a daemon thread that comes back while the interpreter ends is ended: the stack
// is unwound, past functions that must not throw and with destructors that touch Python's objects.
// It waits for the end of the process here, as since 3.14 it does in Python.
void take_gil(PyThreadState* state) {
  try {
    PyEval_RestoreThread(state);
  } catch (...) {
    for (;;) pause();
  }
}

// Whether the user pressed Ctrl-C; asked without the GIL.
bool interrupted(void* state) {
  auto* thread = static_cast<PyThreadState**>(state);
  PyEval_RestoreThread(*thread);
  const bool raised = PyErr_CheckSignals() != 0;
  *thread = PyEval_SaveThread();
  return raised;
}

}  // namespace

void set_main_thread(unsigned long ident) { main_thread = ident; }

bool view_buffer(const Py_buffer& buffer, ArrayView& view) {
  if (buffer.ndim > most_dims || !parse_format(buffer.format, buffer.itemsize, view.dtype)) {
    return false;
  }
  view.dims = buffer.ndim;
  view.data = static_cast<char*>(buffer.buf);
  for (int d = 0; d < buffer.ndim; ++d) {
    view.shape[d] = buffer.shape[d];
    view.strides[d] = buffer.strides[d];
  }
  return true;
}

bool view_dlpack(const dlpack::Tensor& tensor, ArrayView& view) {
  constexpr int32_t cpu = 1;
  if (tensor.device.type != cpu || tensor.ndim > most_dims || !tensor.strides ||
      !parse_dlpack(tensor.dtype, view.dtype)) {
    return false;
  }
  view.dims = tensor.ndim;
  view.data = static_cast<char*>(tensor.data) + tensor.byte_offset;
  const int64_t size = item_size(view.dtype);
  for (int d = 0; d < tensor.ndim; ++d) {
    view.shape[d] = tensor.shape[d];
    view.strides[d] = tensor.strides[d] * size;
  }
  return tensor.data != nullptr || element_count(view) == 0;
}

int64_t element_count(int dims, const int64_t* shape) {
  uint64_t count = 1;  // with a zero among the sizes the product of the others may wrap round
  for (int d = 0; d < dims; ++d) count *= static_cast<uint64_t>(shape[d]);
  return static_cast<int64_t>(count);
}

int64_t element_count(const ArrayView& view) { return element_count(view.dims, view.shape); }

bool same_shape(const ArrayView& a, const ArrayView& b) {
  return a.dims == b.dims && std::memcmp(a.shape, b.shape, a.dims * sizeof(int64_t)) == 0;
}

bool is_contiguous(const ArrayView& view) {
  int64_t stride = item_size(view.dtype);
  for (int d = view.dims - 1; d >= 0; --d) {
    if (view.shape[d] != 1 && view.strides[d] != stride) return false;
    stride *= view.shape[d];
  }
  return true;
}

bool are_apart(const ArrayView& a, const ArrayView& b) {
  const char *a_low, *a_high, *b_low, *b_high;
  find_extent(a, a_low, a_high);
  find_extent(b, b_low, b_high);
  return a_high <= b_low || b_high <= a_low;
}

bool is_safe(const ArrayView& x, const ArrayView& y) {
  const bool same = x.data == y.data && x.dtype == y.dtype &&
                    std::memcmp(x.strides, y.strides, x.dims * sizeof(int64_t)) == 0;
  return same || are_apart(x, y);
}

Request request_of(const ArrayView& x, const ArrayView& y, int axis, int threads) {
  Request r{x.dtype, y.dtype, x.dims, x.shape, x.data, x.strides, y.data, y.strides, axis};
  r.threads = threads;
  return r;
}

bool run_released(int64_t bytes, Work work, const void* job) {
  Status status;
  if (bytes < release_bytes) {
    status = work(job, nullptr, nullptr);
  } else {
    // Signals are handled on the main thread alone; another must not even ask, as the interpreter
    // may be shutting down around it.
    const bool asks = PyThread_get_thread_ident() == main_thread;
    PyThreadState* state = PyEval_SaveThread();
    do {
      status = work(job, asks ? interrupted : nullptr, &state);
    } while (status == Status::forked);
    take_gil(state);
  }
  if (status == Status::out_of_memory) PyErr_NoMemory();
  if (status == Status::torn) {
    PyErr_SetString(PyExc_RuntimeError,
                    "cumsum(): a signal's handler has forked while threads were scanning in place; "
                    "in the child the array is part input, part sums. Scan into another array, or "
                    "on one thread, where handlers fork");
  }
  return status == Status::done;
}

bool scan_released(const Request& request) {
  const int64_t count = element_count(request.dims, request.shape);
  const int64_t bytes = count * (item_size(request.x_dtype) + item_size(request.y_dtype));
  return run_released(bytes, [&](Interrupted stop, void* context) {
    return scan(request, current_target(), stop, context);
  });
}

}  // namespace cumsum
