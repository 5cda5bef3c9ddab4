// What is kept of a line between chunks, its record, and how elements of a group are added one by
// one.
#pragma once

#include <algorithm>

#include "decay.h"
#include "plan.h"

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

// What is known of a decayed line. A group in progress is scanned from its beginning each time.
struct DecayRecord {
  double carry;
  Decayed chain;
  double terms[group_size - 1], factors[group_size - 1];
};

// Elements of one group of some lines: `values` of the result's type, which become the results.
struct Steps {
  char* values;
  int64_t value_step, value_line;  // from one element to the next, and from one line
  const char* decays;              // float64, where there are any
  int64_t decay_step, decay_line;
  const char* states;
  char* after;
  int64_t state_line;
  int64_t lines;
  int first, length;
  bool ends_tile;  // if it ends the group
  bool begins_tile, begins_line;
  bool exclusive;
};

template <class R>
void step_decayed(const Steps& s) {
  for (int64_t line = 0; line < s.lines; ++line) {
    auto record = read<DecayRecord>(s.states + line * s.state_line);
    const double last = s.begins_line ? record.carry : record.chain.total;
    if (s.begins_tile) record.chain = begin_tile(record.carry);
    double values[group_size], decays[group_size];
    std::copy_n(record.terms, s.first, values);
    std::copy_n(record.factors, s.first, decays);
    char* const at = s.values + line * s.value_line;
    for (int i = 0; i < s.length; ++i) {
      values[s.first + i] = load<double, 1, R>(at + i * s.value_step);
      decays[s.first + i] = read<double>(s.decays + line * s.decay_line + i * s.decay_step);
    }
    const int count = s.first + s.length, kept = std::min(count, group_size - 1);
    std::copy_n(values, kept, record.terms);
    std::copy_n(decays, kept, record.factors);
    Decayed sums = record.chain;
    scan_apart(values, decays, count, sums);
    for (int i = 0; i < s.length; ++i) {
      const int e = s.first + i - s.exclusive;
      store<R, double, 1>(at + i * s.value_step, e < 0 ? last : values[e]);
    }
    if (count == group_size) {
      record.chain = sums;
      if (s.ends_tile) record.carry = close_tile(record.carry, sums);
    }
    write(s.after + line * s.state_line, record);
  }
}

template <class A, class R, int C>
void step(const Steps& s) {
  for (int64_t line = 0; line < s.lines; ++line) {
    for (int c = 0; c < C; ++c) {
      const int64_t at = line * s.state_line + c * int64_t{sizeof(Record<A>)};
      auto record = read<Record<A>>(s.states + at);
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
      write(s.after + at, record);
    }
  }
}

template <class A, class R>
void begin(char* states, int64_t bytes, const char* values) {
  for (char* const end = states + bytes; states < end; states += sizeof(Record<A>)) {
    Record<A> record{};
    record.carry += load<A, 1, R>(values);
    write(states, record);
    values += sizeof(R);
  }
}

struct Stepper {
  void (*step)(const Steps&);
  void (*begin)(char* states, int64_t bytes, const char* values);
  int64_t size;  // of a line's state
};

template <class R, int C = 1, class A = Accumulator<R>>
constexpr Stepper stepper{step<A, R, C>, begin<A, R>, C * sizeof(Record<A>)};

const Stepper& stepper_of(DType dtype, Precision precision) {
  static constexpr Stepper compensated[] = {stepper<double, 1, Twice<double>>,
                                            stepper<double, 2, Twice<double>>};
  if (precision_for(dtype, precision) == Precision::compensated) {
    return compensated[dtype == DType::complex128];
  }
  static constexpr Stepper all[dtype_count] = {
      stepper<Bool>,          stepper<int8_t>,      stepper<int8_t>,   stepper<int16_t>,
      stepper<int16_t>,       stepper<int32_t>,     stepper<int32_t>,  stepper<int64_t>,
      stepper<int64_t>,       stepper<Float16>,     stepper<BFloat16>, stepper<float>,
      stepper<double>,        stepper<long double>, stepper<float, 2>, stepper<double, 2>,
      stepper<long double, 2>};
  return all[int(dtype)];
}

template <class R>
constexpr Stepper decay_stepper{step_decayed<R>, nullptr, sizeof(DecayRecord)};

const Stepper& decay_stepper_of(DType dtype) {
  static constexpr Stepper all[] = {decay_stepper<Float16>, decay_stepper<BFloat16>,
                                    decay_stepper<float>, decay_stepper<double>};
  return all[int(dtype) - int(DType::float16)];
}

}  // namespace
}  // namespace cumsum
