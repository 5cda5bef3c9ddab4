// Compiled once for each target: exact sums of integers.
//
// Inside a tile sums are counted from the tile's beginning, so that a register holds them: of 1024
// integers of 16 bits they are less than 2^26, of 32 bits less than 2^42. Elements of 64 bits are
// looked at first; tiles with one past 2^52 are added up in 128 bits.
#include "exact_kernels.h"

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

// Sums from a tile's beginning, and what no sum of a tile reaches.
template <int size>
struct NearOf {
  using type = int32_t;
};
template <>
struct NearOf<4> {
  using type = int64_t;
};
template <>
struct NearOf<8> {
  using type = int64_t;
};
template <class X>
using Near = typename NearOf<sizeof(X)>::type;
template <class X>
inline constexpr Near<X> reach = Near<X>{1} << (8 * sizeof(Near<X>) - 2);

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

template <class X>
bool is_near(const Tile& tile) {
  if constexpr (sizeof(X) == 8) {
    constexpr Wide bound = Wide{1} << 52;
    const int64_t runs = tile.columns ? tile.length : tile.lines;
    for (int64_t i = 0; i < runs; ++i) {
      const char* const x = tile.x + i * (tile.columns ? tile.x_scan : tile.x_line);
      const int64_t stride = tile.columns ? tile.x_line : tile.x_scan;
      if (!within<X>(x, stride, tile.columns ? tile.lines : tile.length, {-bound, bound})) {
        return false;
      }
    }
  }
  return true;
}

// ---- surveys ----------------------------------------------------------------------------------

inline void add(Survey& line, Wide sum, Wide least, Wide most) {
  least += line.sum;
  most += line.sum;
  if (least < line.least) line.least = least;
  if (most > line.most) line.most = most;
  line.sum += sum;
}

template <class X, class A>
void survey_line(const char* x, const Tile& tile, Survey& line) {
  A sum = value_at<X>(x), least = sum, most = sum;
  for (int64_t i = 1; i < tile.length; ++i) {
    sum += value_at<X>(x + i * tile.x_scan);
    least = sum < least ? sum : least;
    most = sum > most ? sum : most;
  }
  add(line, sum, least, most);
}

template <class X, int64_t fixed>
void survey_columns(const Tile& tile, Survey* lines) {
  using A = Near<X>;
  A sum[exact_lines] = {}, least[exact_lines], most[exact_lines];
  for (int64_t line = 0; line < tile.lines; ++line) least[line] = reach<X>, most[line] = -reach<X>;
  for (int64_t i = 0; i < tile.length; ++i) {
    const char* const x = tile.x + i * tile.x_scan;
    for (int64_t line = 0; line < tile.lines; ++line) {
      sum[line] += static_cast<A>(value_at<X>(x + line * (fixed ? fixed : tile.x_line)));
      least[line] = sum[line] < least[line] ? sum[line] : least[line];
      most[line] = sum[line] > most[line] ? sum[line] : most[line];
    }
  }
  for (int64_t line = 0; line < tile.lines; ++line) {
    add(lines[line], sum[line], least[line], most[line]);
  }
}

template <class X>
void survey(const Tile& tile, Survey* lines) {
  const bool near = is_near<X>(tile);
  if (near && tile.columns) {
    if (tile.x_line == sizeof(X)) return survey_columns<X, sizeof(X)>(tile, lines);
    return survey_columns<X, 0>(tile, lines);
  }
  for (int64_t line = 0; line < tile.lines; ++line) {
    const char* const x = tile.x + line * tile.x_line;
    near ? survey_line<X, Near<X>>(x, tile, lines[line])
         : survey_line<X, Wide>(x, tile, lines[line]);
  }
}

// ---- sums clamped to a range ------------------------------------------------------------------

// y = base + clamp(sum from the tile's beginning), modulo 2^64; the clamped sum is a constant where
// no sum of the tile is in the range.
template <class A>
struct Bounds {
  uint64_t base;
  A least, most;
};

template <class X>
Bounds<Near<X>> bounds_of(Wide sum, Range range) {
  using A = Near<X>;
  constexpr Wide far = reach<X>;
  if (sum > range.most + far) return {static_cast<uint64_t>(range.most), 0, 0};
  if (sum < range.least - far) return {static_cast<uint64_t>(range.least), 0, 0};
  return {static_cast<uint64_t>(sum), static_cast<A>(clamp(range.least - sum, -far, far)),
          static_cast<A>(clamp(range.most - sum, -far, far))};
}

template <class X>
void clamp_line(const char* x, const Tile& tile, Wide& carry, Range range, bool exclusive,
                int64_t* y, int64_t y_scan) {
  using A = Near<X>;
  const Bounds<A> b = bounds_of<X>(carry, range);
  A sum = 0;
  if (b.least == b.most) {
    for (int64_t i = 0; i < tile.length; ++i) y[i * y_scan] = b.base + b.least;
    for (int64_t i = 0; i < tile.length; ++i) {
      sum += static_cast<A>(value_at<X>(x + i * tile.x_scan));
    }
  } else {
    for (int64_t i = 0; i < tile.length; ++i) {
      const A before = sum;
      sum += static_cast<A>(value_at<X>(x + i * tile.x_scan));
      y[i * y_scan] = b.base + clamp(exclusive ? before : sum, b.least, b.most);
    }
  }
  carry += sum;
}

template <class X>
void clamp_wide_line(const char* x, const Tile& tile, Wide& carry, Range range, bool exclusive,
                     int64_t* y, int64_t y_scan) {
  for (int64_t i = 0; i < tile.length; ++i) {
    const Wide before = carry;
    carry += value_at<X>(x + i * tile.x_scan);
    y[i * y_scan] =
        static_cast<int64_t>(clamp(exclusive ? before : carry, range.least, range.most));
  }
}

template <class X, int64_t fixed>
void clamp_columns(const Tile tile, Wide* carries, Range range, bool exclusive, int64_t* y) {
  using A = Near<X>;
  A sum[exact_lines] = {}, least[exact_lines], most[exact_lines];
  uint64_t base[exact_lines];
  for (int64_t line = 0; line < tile.lines; ++line) {
    const Bounds<A> b = bounds_of<X>(carries[line], range);
    base[line] = b.base, least[line] = b.least, most[line] = b.most;
  }
  const A all = exclusive ? 0 : -1;  // the bits of an element that its own sum contains
  for (int64_t i = 0; i < tile.length; ++i, y += tile.lines) {
    const char* const x = tile.x + i * tile.x_scan;
    for (int64_t line = 0; line < tile.lines; ++line) {
      const A value = static_cast<A>(value_at<X>(x + line * (fixed ? fixed : tile.x_line)));
      const A shown = clamp<A>(sum[line] + (value & all), least[line], most[line]);
      sum[line] += value;
      y[line] = static_cast<int64_t>(base[line] + static_cast<uint64_t>(int64_t{shown}));
    }
  }
  for (int64_t line = 0; line < tile.lines; ++line) carries[line] += sum[line];
}

template <class X>
void clamp_tile(const Tile& tile, Wide* carries, Range range, bool exclusive, int64_t* y) {
  const bool near = is_near<X>(tile);
  if (near && tile.columns) {
    if (tile.x_line == sizeof(X)) {
      return clamp_columns<X, sizeof(X)>(tile, carries, range, exclusive, y);
    }
    return clamp_columns<X, 0>(tile, carries, range, exclusive, y);
  }
  const int64_t y_scan = tile.columns ? tile.lines : 1, y_line = tile.columns ? 1 : tile.length;
  for (int64_t line = 0; line < tile.lines; ++line) {
    const char* const x = tile.x + line * tile.x_line;
    (near ? clamp_line<X> : clamp_wide_line<X>)(x, tile, carries[line], range, exclusive,
                                                y + line * y_line, y_scan);
  }
}

template <class X>
constexpr ExactKernels kernels_of() {
  return {within<X>, survey<X>, clamp_tile<X>};
}

}  // namespace

namespace CUMSUM_TARGET {
extern constinit const ExactTarget exact = {
    CUMSUM_TARGET_NAME,
    {kernels_of<Bool>(), kernels_of<uint8_t>(), kernels_of<int8_t>(), kernels_of<uint16_t>(),
     kernels_of<int16_t>(), kernels_of<uint32_t>(), kernels_of<int32_t>(), kernels_of<uint64_t>(),
     kernels_of<int64_t>()}};
}  // namespace CUMSUM_TARGET

}  // namespace cumsum
