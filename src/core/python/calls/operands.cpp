#include "operands.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "cuts.h"
#include "number.h"

namespace cumsum {
namespace {

constexpr int64_t no_strides[most_dims] = {};

// The strides of an operand repeated to a shape, as NumPy and torch broadcast it.
bool broadcast(const ArrayView& operand, int dims, const int64_t* shape, int64_t* strides) {
  const int added = dims - operand.dims;
  if (added < 0) return false;
  std::fill_n(strides, added, 0);
  for (int d = 0; d < operand.dims; ++d) {
    const int64_t size = operand.shape[d];
    if (size != 1 && size != shape[added + d]) return false;
    strides[added + d] = size == 1 ? 0 : operand.strides[d];
  }
  return true;
}

// The same to the lines of x: its shape with one element along the axis, or without it.
bool broadcast_to_lines(const ArrayView& operand, const ArrayView& x, int axis, int64_t* strides) {
  int64_t shape[most_dims];
  std::copy_n(x.shape, x.dims, shape);
  if (operand.dims == x.dims) {
    shape[axis] = 1;
    return broadcast(operand, x.dims, shape, strides);
  }
  std::copy(shape + axis + 1, shape + x.dims, shape + axis);
  if (!broadcast(operand, x.dims - 1, shape, strides)) return false;
  std::copy_backward(strides + axis, strides + x.dims - 1, strides + x.dims);
  strides[axis] = 0;
  return true;
}

// Whether each element lies where its type may.
bool is_aligned(const ArrayView& view) {
  const int64_t size = item_size(view.dtype);
  int64_t places = reinterpret_cast<intptr_t>(view.data);
  for (int d = 0; d < view.dims; ++d) places |= view.strides[d];
  return places % size == 0;  // sizes are powers of two
}

// The next line of those that an operand differs in; false after the last.
bool advance(const ArrayView& x, int axis, const int64_t* strides, int64_t* index) {
  for (int d = x.dims - 1; d >= 0; --d) {
    if (d != axis && strides[d] != 0 && ++index[d] < x.shape[d]) return true;
    index[d] = 0;
  }
  return false;
}

bool is_float(DType dtype) { return dtype >= DType::float16; }

}  // namespace

bool Lent::hold(PyObject* object, int flags) {
  held_ = PyObject_GetBuffer(object, &buffer_, flags) == 0;
  if (!held_) PyErr_Clear();
  return held_ && view_buffer(buffer_, view);
}

bool CallOperands::read(Request& request) {
  return read_initial(request) && read_where(request) && read_cuts(request) && read_decay(request);
}

bool CallOperands::are_apart_from(const ArrayView& y) const {
  if (options_.initial && !is_number(options_.initial) && !are_apart(initial_.view, y)) {
    return false;
  }
  if (options_.where && !are_apart(where_.view, y)) return false;
  return !options_.decay || is_number(options_.decay) || are_apart(decay_.view, y);
}

// Python code has copied what lies where its type may not, and made bytes that are no bool one.
bool CallOperands::can_be_read(const ArrayView& view) const {
  return options_.is_prepared || (view.dtype != DType::boolean && is_aligned(view));
}

bool CallOperands::read_initial(Request& request) {
  if (!options_.initial) return true;
  if (is_number(options_.initial)) return read_first_number(request);
  const bool exact = options_.is_exact();
  if ((exact && !options_.is_prepared) || !lend_(options_.initial, initial_)) return false;
  const ArrayView& view = initial_.view;
  if (view.dtype != (exact ? DType::int64 : result_) || !can_be_read(view) ||
      !broadcast_to_lines(view, x_, axis_, initial_strides_)) {
    return false;
  }
  request.initial = border_ = {view.data, initial_strides_};
  return true;
}

Range CallOperands::firsts() const {
  Range range{0, 0};
  for (int d = 0; d < x_.dims; ++d) {
    if (d != axis_ && x_.shape[d] == 0) return range;  // there may be none
  }
  if (!border_.data) return range;
  int64_t index[most_dims] = {};
  bool is_first = true;
  do {
    const char* place = border_.data;
    for (int d = 0; d < x_.dims; ++d) place += index[d] * border_.strides[d];
    Wide first;
    std::memcpy(&first, place, sizeof first);
    range = {is_first ? first : std::min(range.least, first),
             is_first ? first : std::max(range.most, first)};
    is_first = false;
  } while (advance(x_, axis_, border_.strides, index));
  return range;
}

bool CallOperands::read_first_number(Request& request) {
  char* const first = reinterpret_cast<char*>(first_);
  border_ = request.initial = {first, no_strides};
  return options_.is_exact() ? store_words(options_.initial, first_)
                             : store_number(options_.initial, result_, first);
}

bool CallOperands::read_where(Request& request) {
  request.skipna = options_.skipna && is_float(x_.dtype);  // no integer is NaN
  if (options_.nan && !is_float(result_)) return false;
  if (options_.where) {
    const ArrayView& view = where_.view;
    if (!lend_(options_.where, where_) || view.dtype != DType::boolean ||
        !broadcast(view, x_.dims, x_.shape, where_strides_)) {
      return false;
    }
    request.where = {view.data, where_strides_};
  }
  request.nan = options_.nan && (options_.where || request.skipna);
  return true;
}

bool CallOperands::read_cuts(Request& request) {
  if (options_.cuts() == 0) return true;
  PyObject* given = options_.offsets   ? options_.offsets
                    : options_.lengths ? options_.lengths
                                       : options_.reset;
  int64_t listed[most_listed];
  Lent lent;
  if (options_.is_prepared) return read_offsets(request);
  if (!view_list(given, listed, lent.view) && !lend_(given, lent)) return false;
  const ArrayView& cuts = lent.view;
  if (cuts.dims != 1 || cuts.shape[0] > most_cuts) return false;
  offsets_.reset(new (std::nothrow) int64_t[cuts.shape[0] + 2]);
  request.offsets = offsets_.get();
  if (!offsets_) return false;
  const int64_t size = x_.shape[axis_];
  const auto read = options_.offsets   ? copy_offsets
                    : options_.lengths ? offsets_of_lengths
                                       : offsets_of_starts;
  return read(cuts, size, offsets_.get(), request.segments);
}

bool CallOperands::read_offsets(Request& request) {
  Lent lent;
  const ArrayView& offsets = lent.view;
  if (!lend_(options_.offsets, lent) || offsets.dtype != DType::int64 || offsets.dims != 1 ||
      offsets.shape[0] == 0 || !is_contiguous(offsets)) {
    return false;
  }
  request.offsets = reinterpret_cast<const int64_t*>(offsets.data);
  request.segments = offsets.shape[0] - 1;
  return true;
}

bool CallOperands::read_decay(Request& request) {
  if (!options_.decay) return true;
  const bool has_decays = is_float(result_) && item_size(result_) <= item_size(DType::complex128) &&
                          result_ != DType::longdouble;
  const bool is_half = item_size(result_) == 2;  // libraries differ in their casts to it
  if (!has_decays || (is_half && x_.dtype != result_)) return false;
  if (!is_number(options_.decay)) return read_decays(request);
  if (!store_number(options_.decay, DType::float64, reinterpret_cast<char*>(&decay_number_))) {
    return false;
  }
  request.decay = {reinterpret_cast<const char*>(&decay_number_), no_strides};
  request.decay_dtype = DType::float64;
  return true;
}

bool CallOperands::read_decays(Request& request) {
  const ArrayView& view = decay_.view;
  if (!lend_(options_.decay, decay_) || !can_be_read(view) ||
      !broadcast(view, x_.dims, x_.shape, decay_strides_)) {
    return false;
  }
  const bool is_complex = result_ >= DType::complex64;
  if (view.dtype != DType::float64 && view.dtype != (is_complex ? DType::complex128 : result_)) {
    return false;
  }
  request.decay = {view.data, decay_strides_};
  request.decay_dtype = view.dtype;
  return true;
}

}  // namespace cumsum
