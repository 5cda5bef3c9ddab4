// Sees Python's arrays as pointers, shapes and strides: through the buffer protocol and DLPack.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "scan.h"

namespace cumsum {

// The part of DLPack 1.x (dmlc/dlpack, include/dlpack/dlpack.h) that is read here.
namespace dlpack {

struct Device {
  int32_t type;  // 1 is the CPU
  int32_t id;
};
struct DataType {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
};
struct Tensor {
  void* data;
  Device device;
  int32_t ndim;
  DataType dtype;
  int64_t* shape;
  int64_t* strides;  // in elements
  uint64_t byte_offset;
};
struct ExchangeHeader {
  uint32_t major, minor;
  ExchangeHeader* previous;
};
// The table of C functions behind `__dlpack_c_exchange_api__`.
struct ExchangeApi {
  ExchangeHeader header;
  void* allocate;
  void* managed_from_object;
  void* managed_to_object;
  int (*tensor_from_object)(void* object, Tensor* out);
  void* current_stream;
};

}  // namespace dlpack

struct ArrayView {
  DType dtype;
  int dims;
  char* data;
  int64_t shape[most_dims];
  int64_t strides[most_dims];  // in bytes
};

// False, without an exception, for element types and shapes that the core does not know.
bool view_buffer(const Py_buffer& buffer, ArrayView& view);
bool view_dlpack(const dlpack::Tensor& tensor, ArrayView& view);

// Whose calls may be interrupted by signals.
void set_main_thread(unsigned long ident);

// A request to scan x into y, which have one shape.
Request request_of(const ArrayView& x, const ArrayView& y, int axis, int threads);

// Writes the result to y, with the GIL released for long scans. False with an exception set, or
// without one for sums that do not fit where that is an error.
bool scan_released(const Request& request);

// Calls `work` with `job`, without the GIL where it moves many bytes, and with a way to find out
// whether the user wants to stop. False with an exception set.
using Work = Status (*)(const void* job, Interrupted interrupted, void* context);
bool run_released(int64_t bytes, Work work, const void* job);

// The same of job(interrupted, context).
template <class Job>
bool run_released(int64_t bytes, const Job& job) {
  const Work work = [](const void* job, Interrupted interrupted, void* context) {
    return (*static_cast<const Job*>(job))(interrupted, context);
  };
  return run_released(bytes, work, &job);
}

int64_t element_count(int dims, const int64_t* shape);
int64_t element_count(const ArrayView& view);
bool same_shape(const ArrayView& a, const ArrayView& b);

// C order, as a new result has; an axis of one element may have any stride.
bool is_contiguous(const ArrayView& view);

// Whether they have no byte in common as far as their extents tell.
bool are_apart(const ArrayView& a, const ArrayView& b);

// Whether y may be written while x is read: the same elements in the same places, or no byte in
// common as far as their extents tell.
bool is_safe(const ArrayView& x, const ArrayView& y);

}  // namespace cumsum
