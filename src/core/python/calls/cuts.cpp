#include "cuts.h"

#include <cstring>

#include "segments.h"

namespace cumsum {
namespace {

template <class T>
int64_t element_as(const char* place) {
  T value;
  std::memcpy(&value, place, sizeof value);
  return value;
}

int64_t element(const ArrayView& view, int64_t i) {
  const char* place = view.data + i * view.strides[0];
  return view.dtype == DType::int64 ? element_as<int64_t>(place) : element_as<int32_t>(place);
}

bool are_integers(const ArrayView& view) {
  return view.dtype == DType::int64 || view.dtype == DType::int32;
}

}  // namespace

bool view_list(PyObject* list, int64_t* elements, ArrayView& view) {
  const Py_ssize_t count = PyList_CheckExact(list) ? PyList_Size(list) : 0;
  if (count == 0 || count > most_listed) return false;  // an empty one has no type
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* number = PyList_GetItem(list, i);
    int overflow = 0;
    if (!PyLong_CheckExact(number)) return false;
    elements[i] = PyLong_AsLongLongAndOverflow(number, &overflow);
    if (overflow) return false;
  }
  view.dtype = DType::int64;
  view.dims = 1;
  view.data = reinterpret_cast<char*>(elements);
  view.shape[0] = count;
  view.strides[0] = sizeof(int64_t);
  return true;
}

bool copy_offsets(const ArrayView& given, int64_t size, int64_t* offsets, int64_t& segments) {
  if (!are_integers(given) || given.shape[0] == 0) return false;
  for (int64_t i = 0; i < given.shape[0]; ++i) offsets[i] = element(given, i);
  segments = given.shape[0] - 1;
  int64_t fault;
  return find_fault(offsets, segments, size, 1, fault) == Status::done && fault < 0;
}

bool offsets_of_lengths(const ArrayView& lengths, int64_t size, int64_t* offsets,
                        int64_t& segments) {
  if (!are_integers(lengths)) return false;
  segments = lengths.shape[0];
  offsets[0] = 0;
  for (int64_t i = 0; i < segments; ++i) {
    const int64_t length = element(lengths, i);
    if (length < 0 || length > size - offsets[i]) return false;
    offsets[i + 1] = offsets[i] + length;
  }
  return offsets[segments] == size;
}

bool offsets_of_starts(const ArrayView& starts, int64_t size, int64_t* offsets, int64_t& segments) {
  if (starts.dtype != DType::boolean || starts.shape[0] != size) return false;
  segments = 0;
  offsets[0] = 0;
  for (int64_t i = 1; i < size; ++i) {
    if (starts.data[i * starts.strides[0]]) offsets[++segments] = i;
  }
  if (size > 0) offsets[++segments] = size;
  return true;
}

}  // namespace cumsum
