// What stands beside x in a call - initial, where, offsets and the like - as the core takes it.
#pragma once

#include <memory>

#include "options.h"
#include "views.h"

namespace cumsum {

// An object's memory; a buffer is held on to, so that it stays where it is.
class Lent {
 public:
  Lent() = default;
  ~Lent() {
    if (held_) PyBuffer_Release(&buffer_);
  }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
  bool hold(PyObject* object, int flags);

  ArrayView view;

 private:
  Py_buffer buffer_;
  bool held_ = false;
};

// Reads an object of one library; false, without an exception, if that is not plain.
using Lend = bool (*)(PyObject* object, Lent& lent);

// The operands of one scan. What their functions are given has to outlive them; false is without an
// exception, and for whatever Python code has to deal with.
class CallOperands {
 public:
  CallOperands(const Options& options, const ArrayView& x, int axis, DType result, Lend lend)
      : options_(options), x_(x), axis_(axis), result_(result), lend_(lend) {}

  // Complete a request for x, but for the result.
  bool read(Request& request);

  // Whether none of them is where y is written.
  bool are_apart_from(const ArrayView& y) const;

  // The least and the greatest number that exact sums begin with.
  Range firsts() const;

  // What stands at the result's border, of its type, or of words that begin with it; nothing if
  // that is zero.
  Operand border() const { return border_; }

 private:
  bool can_be_read(const ArrayView& view) const;
  bool read_initial(Request& request);
  bool read_first_number(Request& request);
  bool read_where(Request& request);
  bool read_cuts(Request& request);
  bool read_offsets(Request& request);
  bool read_decay(Request& request);
  bool read_decays(Request& request);

  const Options& options_;
  const ArrayView& x_;
  const int axis_;
  const DType result_;
  const Lend lend_;
  Lent initial_, where_, decay_;
  int64_t initial_strides_[most_dims], where_strides_[most_dims], decay_strides_[most_dims];
  alignas(16) int64_t first_[4];  // of any type, the widest of which is complex
  double decay_number_;
  Operand border_;
  std::unique_ptr<int64_t[]> offsets_;
};

}  // namespace cumsum
