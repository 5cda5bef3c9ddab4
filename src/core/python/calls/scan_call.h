// The scan that a call of a public function asks for, the same for arrays and tensors.
#pragma once

#include <optional>

#include "exact.h"
#include "operands.h"

namespace cumsum {

// Of x, which has been read, with results of a known type. The functions return false without an
// exception for what Python code has to deal with.
class ScanCall {
 public:
  ScanCall(const Options& options, const ArrayView& x, int axis, DType result, Lend lend);

  // First of all: the operands.
  bool read() { return operands_.read(request_); }

  // The axis along which the result is one longer, or -1.
  int longer() const { return options_.include_initial ? request_.axis : -1; }

  // Where the result goes; memory that is new has no element in common with another.
  bool take(const ArrayView& y, bool is_new, int threads);

  // These return false with an exception, too. Where a sum that does not fit is an error, nothing
  // is written before all have been looked at.
  bool check();
  bool run();

  // Where the sum is for which check() returned false without an exception; the position is that in
  // the result. These return false with an exception.
  bool find_overflow(std::optional<Excess>& excess);

  // From states on, in the place of run(); see states.h.
  bool resume(const char* states, char* after, int64_t position);

  const Request& request() const { return request_; }

 private:
  bool fits_by_bounds();
  bool look_for_overflow(const Request& request, std::optional<Excess>& excess);
  Request of_border(Overflow overflow) const;
  bool write_border();

  const Options& options_;
  const ArrayView& x_;
  Request request_;
  CallOperands operands_;
  int64_t lines_[most_dims];  // the shape of the border
  bool fits_ = false;         // no sum can leave the result's type
  char* border_ = nullptr;    // of a result that has one
};

// Whether all elements are in a range, which contains 0; false with an exception, too.
bool all_within(const Request& request, const Range& range);

}  // namespace cumsum
