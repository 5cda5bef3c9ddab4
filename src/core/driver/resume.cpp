#include "resume.h"

#include <algorithm>
#include <new>
#include <vector>

#include "memory.h"
#include "policy.h"
#include "run.h"

namespace cumsum {
namespace {

// What is known of one channel of a line.
template <class A>
struct Record {
  Carry<A> carry;
  A chain;
  // Of the group in progress: the last element, or the pair whose second it is; before that, the
  // sum of elements 0 and 1, or of 0 to 3; and that of 4 and 5.
  A pair, low, mid;

  // The sum of the group's elements up to index i, the last one that was added.
  A prefix(int i) const { return i < 2 ? pair : low + (i < 6 ? pair : mid + pair); }

  A add(int i, A value) {
    if (i == 2) low = pair;
    if (i == 4) low = low + pair;
    if (i == 6) mid = pair;
    pair = i & 1 ? pair + value : value;
    return prefix(i);
  }

  void end_group(A sum, bool ends_tile) {
    chain = chain + sum;
    pair = low = mid = A{};
    if (!ends_tile) return;
    carry += chain;
    chain = A{};
  }
};

// Elements of one group of some lines: `values` of the result's type, which become the sums.
struct Steps {
  char* values;
  int64_t value_step, value_line;  // from one element to the next, and from one line
  const char* records;
  char* records_out;
  int64_t record_line;
  int64_t lines;
  int first, length;
  bool ends_tile;  // if it ends the group
  bool exclusive;
};

template <class A, class R, int C>
void step(const Steps& s) {
  for (int64_t line = 0; line < s.lines; ++line) {
    for (int c = 0; c < C; ++c) {
      const int64_t at = line * s.record_line + c * int64_t{sizeof(Record<A>)};
      auto record = read<Record<A>>(s.records + at);
      A prefix = s.first ? record.prefix(s.first - 1) : A{};
      A before = record.carry + (record.chain + prefix);
      char* value = s.values + line * s.value_line + c * int64_t{sizeof(R)};
      for (int i = 0; i < s.length; ++i, value += s.value_step) {
        prefix = record.add(s.first + i, load<A, 1, R>(value));
        const A sum = record.carry + (record.chain + prefix);
        store<R, A, 1>(value, s.exclusive ? before : sum);
        before = sum;
      }
      if (s.first + s.length == group_size) record.end_group(prefix, s.ends_tile);
      write(s.records_out + at, record);
    }
  }
}

template <class A, class R>
void begin(char* records, const char* values, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    Record<A> record{};
    record.carry += load<A, 1, R>(values + i * int64_t{sizeof(R)});
    write(records + i * int64_t{sizeof(record)}, record);
  }
}

struct Stepper {
  void (*step)(const Steps&);
  void (*begin)(char* records, const char* values, int64_t count);
  int64_t size;  // of a channel's record
  int channels;
};

template <class R, int C = 1, class A = Accumulator<R>>
constexpr Stepper stepper{step<A, R, C>, begin<A, R>, sizeof(Record<A>), C};

const Stepper& stepper_of(DType dtype, Precision precision) {
  static constexpr Stepper compensated[] = {stepper<double, 1, Twice<double>>,
                                            stepper<double, 2, Twice<double>>};
  const bool is_complex = dtype == DType::complex128;
  if (precision == Precision::compensated && (is_complex || dtype == DType::float64)) {
    return compensated[is_complex];
  }
  static constexpr Stepper all[dtype_count] = {
      stepper<Bool>,          stepper<int8_t>,      stepper<int8_t>,   stepper<int16_t>,
      stepper<int16_t>,       stepper<int32_t>,     stepper<int32_t>,  stepper<int64_t>,
      stepper<int64_t>,       stepper<Float16>,     stepper<BFloat16>, stepper<float>,
      stepper<double>,        stepper<long double>, stepper<float, 2>, stepper<double, 2>,
      stepper<long double, 2>};
  return all[int(dtype)];
}

// Carries and chains of lines side by side, of so many bytes, from their records or to them. The
// group in progress has no element then, so the rest of a record does not matter.
template <int carry_size, int chain_size, bool back>
void move_records(char* record, int64_t stride, int64_t lines, int channels, char* carry,
                  char* chain) {
  constexpr int64_t size = carry_size + 4 * chain_size;
  for (int64_t line = 0; line < lines; ++line) {
    for (int c = 0; c < channels; ++c, carry += carry_size) {
      char* const at = record + line * stride + c * size;
      __builtin_memcpy(back ? at : carry, back ? carry : at, carry_size);
      if (!chain) continue;
      __builtin_memcpy(back ? at + carry_size : chain, back ? chain : at + carry_size, chain_size);
      chain += chain_size;
    }
  }
}

template <bool back>
void move_records(const KernelSet& pair, char* record, int64_t stride, int64_t lines, int channels,
                  char* carry, char* chain) {
  const int carry_size = pair.carry_size / channels, chain_size = pair.chain_size / channels;
  const auto move = chain_size == 16  ? move_records<16, 16, back>
                    : chain_size == 8 ? move_records<8, 8, back>
                    : carry_size == 8 ? move_records<8, 4, back>
                                      : move_records<4, 4, back>;
  move(record, stride, lines, channels, carry, chain);
}

}  // namespace

int64_t record_size(DType dtype, Precision precision) {
  const Stepper& stepper = stepper_of(dtype, precision);
  return stepper.channels * stepper.size;
}

void begin_records(DType dtype, Precision precision, char* records, const char* values,
                   int64_t bytes) {
  const Stepper& stepper = stepper_of(dtype, precision);
  stepper.begin(records, values, bytes / stepper.size);
}

void Run::get_records(const Unit& unit, char* carry, char* chain) const {
  move_records<false>(set_, const_cast<char*>(unit.initial), plan_.inner.initial_stride, unit.lines,
                      channels_, carry, chain);
}

void Run::put_records(const Unit& unit, char* carry, char* chain) const {
  move_records<true>(set_, records_ + (unit.initial - initial_), plan_.inner.initial_stride,
                     unit.lines, channels_, carry, chain);
}

// By way of a buffer, so that steps are compiled for each type of results and no other.
void Run::step_lines(const Unit& unit) const {
  alignas(64) char values[policy::small_bytes];
  const int64_t most = sizeof(values) / (unit.length * y_size_);
  const Stepper& stepper = stepper_of(plan_.y_dtype, plan_.precision);
  Steps steps{};
  steps.values = values;
  steps.record_line = plan_.inner.initial_stride;
  steps.first = static_cast<int>(plan_.position % group_size);
  steps.length = static_cast<int>(unit.length);
  steps.ends_tile = (plan_.position + unit.length) % tile_size == 0;
  steps.exclusive = exclusive_;
  for (int64_t line = 0; line < unit.lines; line += most) {
    steps.lines = std::min(most, unit.lines - line);
    const bool columns = plan_.walk == Walk::columns;
    steps.value_step = columns ? steps.lines * y_size_ : y_size_;
    steps.value_line = columns ? y_size_ : unit.length * y_size_;
    steps.records = unit.initial + line * steps.record_line;
    steps.records_out = records_ + (steps.records - initial_);
    Piece in = part_of(unit, 0, unit.length);
    in.lines = steps.lines;
    in.x += line * in.x_line;
    in.y += line * in.y_line;
    Piece out = in;
    in.y = values;
    in.y_scan = out.x_scan = steps.value_step;
    in.y_line = out.x_line = steps.value_line;
    out.x = values;
    pack_(in);
    stepper.step(steps);
    unpack_(out);
  }
}

Status resume(Problem problem, const Kernels& kernels, const char* x, char* y, const char* records,
              char* records_out, Interrupted interrupted, void* context) noexcept {
  int64_t shape[most_dims];
  std::copy_n(problem.shape, problem.dims, shape);
  problem.shape = shape;
  Extras extras = *problem.extras;
  problem.extras = &extras;
  extras.record_size = record_size(problem.y_dtype, problem.precision);
  const int64_t x_stride = problem.x_strides[problem.axis];
  const int64_t y_stride = problem.y_strides[problem.axis];
  int64_t& length = shape[problem.axis];
  for (int64_t left = length; left > 0; left -= length) {
    const int64_t in_group = extras.position % group_size, in_tile = extras.position % tile_size;
    if (in_group != 0 || left < group_size) {
      length = std::min(group_size - in_group, left);
    } else {
      length = left / group_size * group_size;
      if (in_tile != 0) length = std::min(length, tile_size - in_tile);
    }
    const Plan plan = make_plan(problem, kernels);
    const Status status =
        run(plan, kernels, {x, y, records, nullptr, records_out}, interrupted, context);
    if (status != Status::done) return status;
    records = records_out;
    x += length * x_stride;
    y += length * y_stride;
    extras.position += length;
  }
  return Status::done;
}

Status advance(DType dtype, Precision precision, const Kernels& kernels, const char* records,
               int64_t lines, const char* totals, int64_t tiles, const char* tail,
               char* records_out) noexcept {
  const Stepper& stepper = stepper_of(dtype, precision);
  const KernelSet& pair = set_of(kernels, dtype, dtype, precision_for(dtype, precision));
  const int64_t size = stepper.channels * stepper.size, bytes = lines * size;
  std::vector<char> carries;
  try {
    carries.resize(lines * pair.carry_size);
  } catch (const std::bad_alloc&) {
    return Status::out_of_memory;
  }
  char* const carry = carries.data();
  move_records<false>(pair, const_cast<char*>(records), size, lines, stepper.channels, carry,
                      nullptr);
  for (int64_t tile = 0; tile < tiles; ++tile, totals += lines * pair.chain_size) {
    pair.add(carry, totals, lines * stepper.channels);
  }
  if (tail) {
    std::copy_n(tail, bytes, records_out);
  } else {
    std::fill_n(records_out, bytes, char{0});
  }
  move_records<true>(pair, records_out, size, lines, stepper.channels, carry, nullptr);
  return Status::done;
}

}  // namespace cumsum
