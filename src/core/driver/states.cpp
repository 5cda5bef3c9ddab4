#include "states.h"

#include <algorithm>
#include <new>
#include <vector>

#include "pieces.h"
#include "record.h"
#include "run.h"

namespace cumsum {
namespace {

// Carries and chains of lines side by side, from their states or to them: each channel has its
// carry there, of so many bytes, and then its chain, so many in each plane. The group in progress
// has no element then, so the rest of a state does not matter.
template <bool back, int carry_size, int step, int planes = 1>
void move_lines(char* state, int64_t stride, int64_t lines, int channels, char* carry, char* chain,
                int64_t plane) {
  const auto move = [](char* inside, char* outside, int size) {
    __builtin_memcpy(back ? inside : outside, back ? outside : inside, size);
  };
  for (int64_t line = 0; line < lines; ++line) {
    char* at = state + line * stride;
    for (int c = 0; c < channels; ++c, carry += carry_size, at += carry_size + 4 * step) {
      move(at, carry, carry_size);
      if (!chain) continue;
      CUMSUM_UNROLL
      for (int p = 0; p < planes; ++p) {
        move(at + carry_size + p * step, chain + p * plane, step);
      }
      chain += step;
    }
  }
}

template <bool back>
void move_states(const KernelSet& set, char* state, int64_t stride, int64_t lines, char* carry,
                 char* chain, int64_t plane) {
  const int carry_size = set.carry_size / set.channels;
  const int step = set.chain_size / set.channels / set.planes;
  const auto move = step == 0         ? move_lines<back, 16, 0>
                    : set.planes > 1  ? move_lines<back, 8, 8, decay_planes>
                    : step == 16      ? move_lines<back, 16, 16>
                    : step == 8       ? move_lines<back, 8, 8>
                    : carry_size == 8 ? move_lines<back, 8, 4>
                                      : move_lines<back, 4, 4>;
  move(state, stride, lines, set.channels, carry, chain, plane);
}

}  // namespace

int64_t state_size(const Request& r) {
  if (r.overflow != Overflow::wrap) return sizeof(Wide);
  if (r.decay.data) {
    if (r.decay_dtype >= DType::complex64) return sizeof(Complex<double>);
    const int parts = r.y_dtype >= DType::complex64 ? 2 : 1;  // each a line of its own
    return parts * int64_t{sizeof(DecayRecord)};
  }
  return stepper_of(r.y_dtype, r.precision).size;
}

void begin_states(DType dtype, Precision precision, char* states, const char* values,
                  int64_t bytes) {
  stepper_of(dtype, precision).begin(states, bytes, values);
}

void Run::get_states(const Item& item, char* carry, char* chain) const {
  char* const states = const_cast<char*>(item.initial);
  const int64_t stride = plan_.inner.initial_stride, plane = plan_.panel * chain_step_;
  move_states<false>(set_, states, stride, item.lines, carry, chain, plane);
}

void Run::put_states(const Item& item, char* carry, char* chain) const {
  char* const states = request_.after + (item.initial - request_.initial.data);
  const int64_t stride = plan_.inner.initial_stride, plane = plan_.panel * chain_step_;
  move_states<true>(set_, states, stride, item.lines, carry, chain, plane);
}

// By way of a buffer, so that steps are compiled for each type of results and no other.
void Run::step_lines(Workspace& space, const Item& item) const {
  const bool decayed = plan_.op == Operator::decay, columns = plan_.walk == Walk::columns;
  const Stepper& stepper =
      decayed ? decay_stepper_of(plan_.y_dtype) : stepper_of(plan_.y_dtype, plan_.precision);
  Steps steps{};
  steps.values = space.packed.data();
  steps.state_line = plan_.inner.initial_stride;
  steps.first = static_cast<int>(plan_.position % group_size);
  steps.length = static_cast<int>(item.length);
  steps.begins_tile = plan_.position % tile_size == 0;
  steps.begins_line = plan_.position == 0;
  steps.ends_tile = (plan_.position + item.length) % tile_size == 0;
  steps.exclusive = plan_.exclusive;
  for (int64_t line = 0; line < item.lines; line += pack_shape_.lines) {
    steps.lines = std::min(pack_shape_.lines, item.lines - line);
    steps.value_step = columns ? steps.lines * y_size_ : y_size_;
    steps.value_line = columns ? y_size_ : item.length * y_size_;
    steps.states = item.initial + line * steps.state_line;
    steps.after = request_.after + (steps.states - request_.initial.data);
    Piece in = part_of(item, 0, item.length);
    skip_lines(in, line);
    in.lines = steps.lines;
    if (decayed) {
      pack_decays(in, space.decays.data(), steps.lines * sizeof(double), sizeof(double));
      steps.decays = in.decay;
      steps.decay_step = in.decay_scan;
      steps.decay_line = in.decay_line;
    }
    Piece out = in;
    read_at(out, steps.values, steps.value_step, steps.value_line);
    write_at(in, steps.values, steps.value_step, steps.value_line);
    pack(space, in);
    stepper.step(steps);
    read_back(in);
    plan_.nan ? show(space, in, out) : unpack_(out);
  }
}

Status resume(Request r, const Kernels& kernels, Interrupted interrupted, void* context) noexcept {
  int64_t shape[most_dims], strides[most_dims];
  std::copy_n(r.shape, r.dims, shape);
  line_strides(r, r.state_size, strides);
  r.shape = shape;
  r.initial.strides = strides;
  int64_t& length = shape[r.axis];
  for (int64_t left = length; left > 0; left -= length) {
    const int64_t in_group = r.position % group_size, in_tile = r.position % tile_size;
    if (in_group != 0 || left < group_size) {
      length = std::min(group_size - in_group, left);
    } else {
      length = left / group_size * group_size;
      if (in_tile != 0) length = std::min(length, tile_size - in_tile);
    }
    const Status status = run(make_plan(r, kernels), kernels, r, interrupted, context);
    if (status != Status::done) return status;
    r.initial.data = r.after;
    advance_by(r, length);
    r.position += length;
  }
  return Status::done;
}

Status advance(DType dtype, Precision precision, const Kernels& kernels, const char* states,
               int64_t lines, const char* totals, int64_t tiles, const char* tail,
               char* after) noexcept {
  const KernelSet& set = set_of(kernels, dtype, dtype, precision_for(dtype, precision));
  const int64_t size = stepper_of(dtype, precision).size, bytes = lines * size;
  std::vector<char> carries;
  try {
    carries.resize(lines * set.carry_size);
  } catch (const std::bad_alloc&) {
    return Status::out_of_memory;
  }
  char* const carry = carries.data();
  move_states<false>(set, const_cast<char*>(states), size, lines, carry, nullptr, 0);
  for (int64_t tile = 0; tile < tiles; ++tile, totals += lines * set.total_size) {
    set.fold(carry, totals, lines * set.channels);
  }
  if (tail) {
    std::copy_n(tail, bytes, after);
  } else {
    std::fill_n(after, bytes, char{0});
  }
  move_states<true>(set, after, size, lines, carry, nullptr, 0);
  return Status::done;
}

}  // namespace cumsum
