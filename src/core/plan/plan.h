// What a scan will do, decided from shapes, strides and types alone.
#pragma once

#include <cstdint>

#include "request.h"
#include "table.h"

namespace cumsum {

// One axis of the arrays, strides in bytes; the last ones are those of the initial values and of
// the mask.
struct Axis {
  int64_t size, x_stride, y_stride, initial_stride, mask_stride;
};

// What a problem may have beyond two arrays.
struct Extras {
  // Of the values that the sums begin with, elements of y's type, or null where that is zero.
  const int64_t* initial_strides = nullptr;
  // Not zero where the lines go on from where others stopped: instead of values there are records
  // (resume.h) of so many bytes, and `position` is the index of the first element on its line.
  int64_t record_size = 0;
  int64_t position = 0;
  // Not zero where nothing but the sums of tiles is wanted (aggregate.h): bytes from those of one
  // tile to those of the next. The initial strides are then from one line's to the next one's.
  int64_t total_stride = 0;
  // Holes: where the bytes of a mask are zero, if there is one, and where x is NaN.
  const int64_t* mask_strides = nullptr;
  bool skipna = false;
  bool nan = false;  // NaN is to stand there
};

struct Problem {
  DType x_dtype, y_dtype;
  int dims;
  const int64_t* shape;
  const int64_t* x_strides;
  const int64_t* y_strides;
  int axis;
  Kind kind;
  Direction direction;
  Precision precision;
  bool in_place;  // x and y are the same memory
  int threads;    // at most
  const Extras* extras = nullptr;
};

// What comes of them; nothing where there are none.
struct PlannedExtras {
  bool carried;          // the sums begin with other values than zero
  bool resumed;          // they go on from records
  bool stepped;          // with fewer elements than a group
  bool holes;            // some elements add nothing
  bool masked;           // by a mask
  bool skipna;           // those that are NaN
  bool nan;              // y is packed, and NaN put there
  bool filled;           // the kernels read zeros there; else x is packed with zeros there
  int64_t total_stride;  // as in Extras
  int64_t position;      // of the first element on its line
  int64_t mask_offset;   // of the first element in scan order, in bytes
};

struct Plan : PlannedExtras {
  Walk walk;
  Kind kind;
  Precision precision;  // standard where the result's dtype has no compensated scan
  bool pack_x, pack_y;  // by way of a buffer, because of type or strides
  DType packed;         // the type of its elements
  bool in_place;
  bool split;   // the axis itself is shared out: few lines, long ones
  bool stream;  // write past the cache
  DType x_dtype, y_dtype;
  int64_t x_offset, y_offset;  // of the first element in scan order, in bytes
  Axis scan;
  Axis inner;             // the lines side by side
  Axis outer[most_dims];  // all others
  int outer_dims;
  int64_t outer_size;
  bool outer_first;  // units that follow each other differ in the outer axes
  int64_t panel;     // lines of the inner axis in a unit
  int64_t panels;    // units along the inner axis
  int64_t block;     // elements of the scan axis in a unit: all, or whole tiles if split
  int64_t blocks;
  int64_t units;  // outer_size * panels * blocks
  int64_t grain;  // units claimed at a time
  int workers;
};

Plan make_plan(const Problem& problem, const Kernels& kernels);

// The same for a problem that may have holes, so that others take no longer.
Plan make_plan_with_holes(const Problem& problem, const Kernels& kernels);

// How sums of this type are carried where that precision is asked for.
Precision precision_for(DType dtype, Precision precision);

// The kernels of elements of type x and results of type y; empty where x must be packed first.
const KernelSet& set_of(const Kernels& kernels, DType x, DType y, Precision precision);

// The kernels that a plan is for.
const KernelSet& set_of(const Kernels& kernels, const Plan& plan);

// Lines gathered at a time, and elements of each, when packing.
struct PackShape {
  int64_t lines, length;
};
PackShape pack_shape(const Plan& plan);

}  // namespace cumsum
