// What sums carry from tile to tile, in memory: a carry for each channel of each line.
#pragma once

#include "memory.h"

namespace cumsum {
namespace {

template <class A>
struct Carries {
  template <class R, int C>
  static void set(char* carry, const char* values, int64_t stride, int64_t lines) {
    for (int64_t line = 0; line < lines; ++line, values += stride) {
      for (int c = 0; c < C; ++c, carry += sizeof(Carry<A>)) {
        Carry<A> sum{};
        sum += load<A, 1, R>(values + c * int64_t{sizeof(R)});
        write(carry, sum);
      }
    }
  }

  static bool fold(char* carry, const char* totals, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      char* const at = carry + i * int64_t{sizeof(Carry<A>)};
      Carry<A> sum = read<Carry<A>>(at);
      sum += read<A>(totals + i * int64_t{sizeof(A)});
      write(at, sum);
    }
    return true;
  }
};

}  // namespace
}  // namespace cumsum
