// What a scan will do, decided from shapes, strides and types alone.
#pragma once

#include "request.h"
#include "table.h"

namespace cumsum {

// One axis of the arrays, strides in bytes; the last ones are those of the operands.
struct Axis {
  int64_t size, x_stride, y_stride, initial_stride, mask_stride, decay_stride;
};

// What goes from element to element.
enum class Operator { sum, decay, complex_decay, checked };

// What is false or zero where a request has no options.
struct PlannedOptions {
  Operator op;
  bool carried;     // the sums begin with other values than zero
  bool resumed;     // they go on from states
  bool stepped;     // with fewer elements than a group
  bool masked;      // elements add nothing by a mask
  bool skipna;      // or where they are NaN
  bool nan;         // y is packed, and NaN put there
  bool filters;     // the kernels read zeros there; else x is packed with zeros there
  bool pack_decay;  // by way of a buffer of float64
  bool own_decays;  // they are of y's type
  bool segmented;   // lines are cut into segments
  bool alone;       // an axis is one worker's
  bool fills;       // there is no x: sums of nothing are zeros
  DType decay_dtype;
  int64_t
      total_stride;  // bytes from the totals of a tile to the next one's; nothing else is wanted
  int64_t position;  // of the first element on its line
  int64_t mask_offset, decay_offset;  // of the first element in scan order, in bytes

  bool has_gaps() const { return masked || skipna; }
};

struct Plan : PlannedOptions {
  Walk walk;
  bool exclusive, reverse;
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

// Of a request that is not empty.
Plan make_plan(const Request& request, const Kernels& kernels);

// How sums of this type are carried where that precision is asked for.
Precision precision_for(DType dtype, Precision precision);

// The kernels of elements of type x and results of type y; empty where x must be packed first.
const KernelSet& set_of(const Kernels& kernels, DType x, DType y, Precision precision);

// The kernels that a plan is for; and those of its operator for elements of type x.
const KernelSet& set_of(const Kernels& kernels, const Plan& plan);
const KernelSet& set_of(const Kernels& kernels, const Plan& plan, DType x);

// Lines gathered at a time, and elements of each, when packing.
struct PackShape {
  int64_t lines, length;
  bool dense;  // whole lines follow each other without gaps
};
PackShape pack_shape(const Plan& plan);

inline int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace cumsum
