// The arguments of the core's functions for Python, as src/cumsum/plan.py makes them.
#pragma once

#include "views.h"

namespace cumsum {

// What scan() and its relatives have in common.
struct Arguments {
  ArrayView x, y;
  Request request;
  int64_t initial_strides[most_dims];
};

// These return false with an exception set.
bool read_sizes(PyObject* tuple, int dims, int64_t* out);
bool read_arguments(PyObject* args, Arguments& a);
bool is_dtype(int number);

inline Precision precision_of(int compensated) {
  return compensated ? Precision::compensated : Precision::standard;
}

}  // namespace cumsum
