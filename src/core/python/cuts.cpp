#include "cuts.h"

#include <cstring>

#include "segments.h"

namespace cumsum {
namespace {

int64_t element(const ArrayView& view, int64_t i) {
  int64_t value;
  std::memcpy(&value, view.data + i * view.strides[0], sizeof value);
  return value;
}

}  // namespace

bool copy_offsets(const ArrayView& given, int64_t size, int64_t* offsets, int64_t& segments) {
  if (given.shape[0] == 0) return false;
  for (int64_t i = 0; i < given.shape[0]; ++i) offsets[i] = element(given, i);
  segments = given.shape[0] - 1;
  int64_t fault;
  return find_fault(offsets, segments, size, 1, fault) == Status::done && fault < 0;
}

bool offsets_of_lengths(const ArrayView& lengths, int64_t size, int64_t* offsets,
                        int64_t& segments) {
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
  if (starts.shape[0] != size) return false;
  segments = 0;
  offsets[0] = 0;
  for (int64_t i = 1; i < size; ++i) {
    if (starts.data[i * starts.strides[0]]) offsets[++segments] = i;
  }
  if (size > 0) offsets[++segments] = size;
  return true;
}

}  // namespace cumsum
