// What exact sums of integers need besides plain ones.
//
// Inside a tile sums are counted from the tile's beginning, so that the plain kernels can add them
// up in 64 bits. Where elements are too great for that, they are added up in 128 bits.
#include "checked.h"

#include "kinds.h"
#include "vector.h"

namespace cumsum {
namespace {

template <class X>
inline auto value_at(const char* p) {
  if constexpr (__is_same(X, Bool)) {
    return static_cast<uint8_t>(read<uint8_t>(p) != 0);
  } else {
    return read<X>(p);
  }
}
template <class X>
using Value = decltype(value_at<X>(nullptr));

template <class T>
inline T clamp(T value, T least, T most) {
  return value < least ? least : value > most ? most : value;
}

template <class V>
inline V clamp_to(Wide value) {
  constexpr V most = static_cast<V>(V(-1) < V(0) ? ~(V{1} << (8 * sizeof(V) - 1)) : ~V{0});
  constexpr V least = static_cast<V>(~most & (V(-1) < V(0) ? ~V{0} : V{0}));
  return static_cast<V>(clamp<Wide>(value, least, most));
}

// ---- elements that are small enough -----------------------------------------------------------

// With the stride as a constant where it is that of neighbours.
template <class X, int64_t fixed>
bool run_within(const char* x, int64_t stride, int64_t count, Value<X> least, Value<X> most) {
  Value<X> low = 0, high = 0;
  for (int64_t i = 0; i < count; ++i) {
    const Value<X> value = value_at<X>(x + i * (fixed ? fixed : stride));
    low = value < low ? value : low;
    high = value > high ? value : high;
  }
  return low >= least && high <= most;
}

template <class X>
bool within(const char* x, int64_t stride, int64_t count, Range range) {
  constexpr int64_t size = sizeof(X), most_count = int64_t{1} << 14;
  const auto least = clamp_to<Value<X>>(range.least), most = clamp_to<Value<X>>(range.most);
  if (stride == -size) x += (count - 1) * stride, stride = size;
  for (int64_t i = 0; i < count; i += most_count) {
    const int64_t some = count - i < most_count ? count - i : most_count;
    const char* const at = x + i * stride;
    if (stride == size ? !run_within<X, size>(at, stride, some, least, most)
                       : !run_within<X, 0>(at, stride, some, least, most)) {
      return false;
    }
  }
  return true;
}

// ---- tiles of sums ----------------------------------------------------------------------------

inline void widen(Survey& line, Wide least, Wide most) {
  least += line.sum;
  most += line.sum;
  if (least < line.least) line.least = least;
  if (most > line.most) line.most = most;
}

void survey_line(const int64_t* sums, int64_t length, Survey& line) {
  int64_t least = sums[0], most = sums[0];
  for (int64_t i = 0; i < length; ++i) {
    least = sums[i] < least ? sums[i] : least;
    most = sums[i] > most ? sums[i] : most;
  }
  widen(line, least, most);
}

void survey(const Sums& sums, Survey* lines) {
  if (sums.scan == 1) {
    for (int64_t line = 0; line < sums.lines; ++line) {
      survey_line(sums.at + line * sums.line, sums.length, lines[line]);
    }
    return;
  }
  const int64_t count = sums.lines;
  int64_t least[policy::exact_lines], most[policy::exact_lines];
  for (int64_t line = 0; line < count; ++line) least[line] = most[line] = sums.at[line];
  for (int64_t i = 1; i < sums.length; ++i) {
    const int64_t* const row = sums.at + i * sums.scan;
    for (int64_t line = 0; line < count; ++line) {
      least[line] = row[line] < least[line] ? row[line] : least[line];
      most[line] = row[line] > most[line] ? row[line] : most[line];
    }
  }
  for (int64_t line = 0; line < count; ++line) widen(lines[line], least[line], most[line]);
}

// y = base + clamp(sum from the tile's beginning), modulo 2^64; the clamped sum is 0 where no sum
// of the tile is in the range.
struct Bounds {
  uint64_t base;
  int64_t least, most;
};

Bounds bounds_of(Wide carry, Range range) {
  if (carry > range.most + far) return {static_cast<uint64_t>(range.most), 0, 0};
  if (carry < range.least - far) return {static_cast<uint64_t>(range.least), 0, 0};
  return {static_cast<uint64_t>(carry), static_cast<int64_t>(clamp(range.least - carry, -far, far)),
          static_cast<int64_t>(clamp(range.most - carry, -far, far))};
}

void clamp_line(int64_t* sums, int64_t length, Bounds b) {
  for (int64_t i = 0; i < length; ++i) {
    sums[i] = static_cast<int64_t>(b.base + static_cast<uint64_t>(clamp(sums[i], b.least, b.most)));
  }
}

void clamp_lines(const Sums& sums, const Wide* carries, Range range) {
  if (sums.scan == 1) {
    for (int64_t line = 0; line < sums.lines; ++line) {
      clamp_line(sums.at + line * sums.line, sums.length, bounds_of(carries[line], range));
    }
    return;
  }
  const int64_t count = sums.lines;
  uint64_t base[policy::exact_lines];
  int64_t least[policy::exact_lines], most[policy::exact_lines];
  for (int64_t line = 0; line < count; ++line) {
    const Bounds b = bounds_of(carries[line], range);
    base[line] = b.base, least[line] = b.least, most[line] = b.most;
  }
  for (int64_t i = 0; i < sums.length; ++i) {
    int64_t* const row = sums.at + i * sums.scan;
    for (int64_t line = 0; line < count; ++line) {
      const int64_t shown = clamp(row[line], least[line], most[line]);
      row[line] = static_cast<int64_t>(base[line] + static_cast<uint64_t>(shown));
    }
  }
}

// ---- sums of halves ---------------------------------------------------------------------------

constexpr int half = 32;
constexpr int64_t lower_bits = (int64_t{1} << half) - 1;

void halve(int64_t* elements, int64_t* upper, int64_t count, bool is_signed) {
  if (is_signed) {
    for (int64_t i = 0; i < count; ++i) upper[i] = elements[i] >> half;
  } else {
    for (int64_t i = 0; i < count; ++i) {
      upper[i] = static_cast<int64_t>(static_cast<uint64_t>(elements[i]) >> half);
    }
  }
  for (int64_t i = 0; i < count; ++i) elements[i] &= lower_bits;
}

// With a lower half of 32 bits again, numbers are in the order of their upper halves.
void normalise(int64_t* lower, int64_t* upper, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    upper[i] += lower[i] >> half;
    lower[i] &= lower_bits;
  }
}

void survey_halves(const Halves& sums, Survey* lines) {
  const int64_t length = sums.lower.length;
  for (int64_t line = 0; line < sums.lower.lines; ++line) {
    int64_t* const lower = sums.lower.at + line * sums.lower.line;
    int64_t* const upper = sums.upper + line * sums.lower.line;
    normalise(lower, upper, length);
    int64_t least = upper[0], most = upper[0];
    for (int64_t i = 1; i < length; ++i) {
      least = upper[i] < least ? upper[i] : least;
      most = upper[i] > most ? upper[i] : most;
    }
    int64_t least_lower = lower_bits, most_lower = 0;
    for (int64_t i = 0; i < length; ++i) {
      const int64_t low = upper[i] == least ? lower[i] : lower_bits;
      const int64_t high = upper[i] == most ? lower[i] : 0;
      least_lower = low < least_lower ? low : least_lower;
      most_lower = high > most_lower ? high : most_lower;
    }
    widen(lines[line], (Wide{least} << half) + least_lower, (Wide{most} << half) + most_lower);
  }
}

void clamp_halves(const Halves& sums, const Wide* carries, Range range) {
  constexpr Wide beyond = Wide{1} << 80;  // which no sum of a tile reaches
  const int64_t length = sums.lower.length;
  const auto at_least = static_cast<int64_t>(range.least);
  const auto at_most = static_cast<int64_t>(range.most);
  for (int64_t line = 0; line < sums.lower.lines; ++line) {
    int64_t* const lower = sums.lower.at + line * sums.lower.line;
    int64_t* const upper = sums.upper + line * sums.lower.line;
    const auto base = static_cast<uint64_t>(carries[line]);
    const Wide least = clamp(range.least - carries[line], -beyond, beyond);
    const Wide most = clamp(range.most - carries[line], -beyond, beyond);
    const auto least_upper = static_cast<int64_t>(least >> half),
               most_upper = static_cast<int64_t>(most >> half);
    const auto least_lower = static_cast<int64_t>(least) & lower_bits,
               most_lower = static_cast<int64_t>(most) & lower_bits;
    normalise(lower, upper, length);
    for (int64_t i = 0; i < length; ++i) {
      const int64_t up = upper[i], low = lower[i];
      const bool below = (up < least_upper) | ((up == least_upper) & (low < least_lower));
      const bool above = (up > most_upper) | ((up == most_upper) & (low > most_lower));
      const uint64_t sum = base + (static_cast<uint64_t>(up) << half) + static_cast<uint64_t>(low);
      lower[i] = below ? at_least : above ? at_most : static_cast<int64_t>(sum);
    }
  }
}

constexpr CheckedKernels kernels_of_all = {
    {within<Bool>, within<uint8_t>, within<int8_t>, within<uint16_t>, within<int16_t>,
     within<uint32_t>, within<int32_t>, within<uint64_t>, within<int64_t>},
    survey,
    clamp_lines,
    survey_halves,
    clamp_halves,
    halve};

}  // namespace

void CUMSUM_TARGET::add_checked(Kernels& kernels) {
  kernels.exact = &kernels_of_all;
  kernels.checked = &checked_set;
  kernels.within = &within_set;
}

}  // namespace cumsum
