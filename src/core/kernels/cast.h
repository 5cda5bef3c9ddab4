// Copies a piece element by element from one type to another: what packing a strided or differently
// typed input into a tile, and unpacking a tile into a strided result, need.
#pragma once

#include <type_traits>

#include "memory.h"
#include "table.h"

namespace cumsum {
namespace {

template <class T>
inline constexpr bool is_complex = false;
template <class T>
inline constexpr bool is_complex<Complex<T>> = true;
template <class T>
inline constexpr bool is_integer = T(0.5) == T(0);
template <>
inline constexpr bool is_integer<Bool> = false;
template <>
inline constexpr bool is_integer<Float16> = false;
template <>
inline constexpr bool is_integer<BFloat16> = false;
template <class T>
inline constexpr bool is_integer<Complex<T>> = false;

// What a real element is worth, in a type that holds every value of its own.
template <class X>
inline auto value_of(X x) {
  if constexpr (__is_same(X, Bool)) {
    return static_cast<uint8_t>(x.byte != 0);
  } else if constexpr (__is_same(X, Float16) || __is_same(X, BFloat16)) {
    return load<float, 1, X>(reinterpret_cast<const char*>(&x));
  } else {
    return x;
  }
}

// What a float outside the range of an integer becomes (in C++ such a cast is undefined): NumPy's
// value on x86-64 for arrays in C order, on every machine; docs/accuracy.md has the table.
//
// For 64 bits the least integer.
template <class F>
inline int64_t truncate(F value) {
  return value >= F(-0x1p63) && value < F(0x1p63) ? static_cast<int64_t>(value) : INT64_MIN;
}

// The same for 32 bits, which shorter integers are the low bits of.
template <class F>
inline int32_t truncate_short(F value) {
  return value >= F(-0x1p31) && value < F(0x1p31) ? static_cast<int32_t>(value) : INT32_MIN;
}

// And for 16 bits, by which long double goes to short integers.
inline int16_t truncate_long_double(long double value) {
  return value > -0x8001p0L && value < 0x8000p0L ? static_cast<int16_t>(value) : INT16_MIN;
}

// Unsigned: the upper half of the range is reached from its middle, so that what is past its end is
// zero, and what is below the lower half or NaN is the middle.
template <class F>
inline uint64_t truncate_unsigned(F value) {
  constexpr uint64_t middle = uint64_t{1} << 63;
  if (value >= F(0x1p63)) return static_cast<uint64_t>(truncate(value - F(0x1p63))) ^ middle;
  return static_cast<uint64_t>(truncate(value));
}
template <class F>
inline uint32_t truncate_unsigned_short(F value) {
  constexpr uint32_t middle = uint32_t{1} << 31;
  if (value >= F(0x1p31)) return static_cast<uint32_t>(truncate_short(value - F(0x1p31))) ^ middle;
  return static_cast<uint32_t>(truncate_short(value));
}

template <class R, class X>
inline R truncate_to(X x) {
  const auto value = value_of(x);
  constexpr bool is_long = __is_same(X, long double);
  if constexpr (__is_same(R, uint64_t)) {
    return truncate_unsigned(value);
  } else if constexpr (__is_same(R, uint32_t) && !is_long && !__is_same(X, Float16)) {
    return truncate_unsigned_short(value);
  } else if constexpr (is_long && sizeof(R) < 4 && !__is_same(R, uint16_t)) {
    return static_cast<R>(truncate_long_double(value));
  } else if constexpr (sizeof(R) < 4 || __is_same(R, int32_t)) {
    return static_cast<R>(truncate_short(value));
  } else {
    return static_cast<R>(truncate(value));
  }
}

template <class R, class X>
inline R cast(X x) {
  if constexpr (__is_same(R, X)) {
    return x;
  } else if constexpr (is_complex<R> && is_complex<X>) {
    using Part = decltype(R{}.real);
    return {static_cast<Part>(x.real), static_cast<Part>(x.imag)};
  } else if constexpr (is_complex<R>) {
    return {static_cast<decltype(R{}.real)>(value_of(x)), 0};
  } else if constexpr (is_complex<X>) {
    if constexpr (__is_same(R, Bool)) {
      return {static_cast<uint8_t>(x.real != 0 || x.imag != 0)};
    } else {
      return cast<R>(x.real);
    }
  } else if constexpr (__is_same(R, Bool)) {
    return {static_cast<uint8_t>(value_of(x) != 0)};
  } else if constexpr (__is_same(R, Float16) || __is_same(R, BFloat16)) {
    R out;  // by way of float32, as in PyTorch
    const float value = static_cast<float>(value_of(x));
    store<R, float, 1>(reinterpret_cast<char*>(&out), value == value ? value : __builtin_nanf(""));
    return out;
  } else if constexpr (is_integer<R> && !is_integer<decltype(value_of(x))>) {
    return truncate_to<R>(x);
  } else {
    return static_cast<R>(value_of(x));
  }
}

template <class X>
inline constexpr bool is_half_float = __is_same(X, Float16) || __is_same(X, BFloat16);

// A constant x_step lets the compiler use vectors; 0 stands for any.
template <class X, class R, int64_t x_step, int64_t y_step>
inline void copy_steps(const char* __restrict x, int64_t x_any, char* __restrict y, int64_t y_any,
                       int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const X value = read<X>(x + i * (x_step ? x_step : x_any));
    write<R>(y + i * (y_step ? y_step : y_any), cast<R>(value));
  }
}

template <class X, class R>
inline void copy_run(const char* x, int64_t x_step, char* y, int64_t y_step, int64_t count) {
  constexpr int64_t x_size = sizeof(X), y_size = sizeof(R);
  if (y_step != y_size) {
    copy_steps<X, R, 0, 0>(x, x_step, y, y_step, count);
  } else if (x_step == 0) {  // one element, repeated
    const R value = cast<R>(read<X>(x));
    for (int64_t i = 0; i < count; ++i) write<R>(y + i * y_size, value);
  } else if (x_step == x_size) {
    int64_t done = 0;
    if constexpr (is_half_float<X> && (__is_same(R, float) || __is_same(R, double))) {
      constexpr int L = 8;
      for (; done + L <= count; done += L) {
        write(y + done * y_size, load<R, L, X>(x + done * x_size));
      }
    }
    copy_steps<X, R, x_size, y_size>(x + done * x_size, x_step, y + done * y_size, y_step,
                                     count - done);
  } else if (x_step == -x_size) {
    copy_steps<X, R, -x_size, y_size>(x, x_step, y, y_step, count);
  } else if (x_step == 2 * x_size) {
    copy_steps<X, R, 2 * x_size, y_size>(x, x_step, y, y_step, count);
  } else {
    copy_steps<X, R, 0, y_size>(x, x_step, y, y_step, count);
  }
}

inline int64_t magnitude(int64_t stride) { return stride < 0 ? -stride : stride; }

// Rows far apart in memory are not foreseen by the hardware; short ones are fetched early. (GCC
// takes a function that does nothing but prefetch for one that does nothing, unless it is inlined
// at once.)
[[gnu::always_inline]] inline void fetch(const char* row, int64_t bytes) {
  constexpr int64_t most = 1024, line = 64;
  if (bytes > most) return;
  for (int64_t at = 0; at < bytes; at += line) __builtin_prefetch(row + at);
}

// x[r][c] to y[c][r], each dense in its last index; strides in bytes. T is any type of the right
// size.
template <class T>
void copy_transposed(const char* x, int64_t x_row, char* y, int64_t y_row, int64_t rows,
                     int64_t columns) {
  constexpr int64_t size = sizeof(T), side = 8;
  const int64_t whole_rows = rows / side * side, whole_columns = columns / side * side;
  for (int64_t r = 0; r < whole_rows; r += side) {
    for (int64_t ahead = r + side; ahead < rows && ahead < r + 2 * side; ++ahead) {
      fetch(x + ahead * x_row, columns * size);
    }
    for (int64_t c = 0; c < whole_columns; c += side) {
      Vector<T, side> block[side];
#pragma GCC unroll 8
      for (int i = 0; i < side; ++i) {
        block[i] = read<Vector<T, side>>(x + (r + i) * x_row + c * size);
      }
      transpose(block);
#pragma GCC unroll 8
      for (int i = 0; i < side; ++i) write(y + (c + i) * y_row + r * size, block[i]);
    }
  }
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = r < whole_rows ? whole_columns : 0; c < columns; ++c) {
      write(y + c * y_row + r * size, read<T>(x + r * x_row + c * size));
    }
  }
}

template <class X, class R>
void copy_piece(const Piece& p) {
  constexpr int64_t x_size = sizeof(X), y_size = sizeof(R);
  if constexpr (__is_same(X, R) && sizeof(X) <= 8) {
    using Long = std::conditional_t<sizeof(X) == 4, uint32_t, uint64_t>;
    using Short = std::conditional_t<sizeof(X) == 1, uint8_t, uint16_t>;
    using Word = std::conditional_t<sizeof(X) < 4, Short, Long>;
    const bool square = p.length >= 8 && p.lines >= 8;
    if (square && p.x_line == x_size && p.y_scan == y_size) {
      return copy_transposed<Word>(p.x, p.x_scan, p.y, p.y_line, p.length, p.lines);
    }
    if (square && p.x_scan == x_size && p.y_line == y_size) {
      return copy_transposed<Word>(p.x, p.x_line, p.y, p.y_scan, p.lines, p.length);
    }
  }
  // The inner loop runs along the axis of the narrower strides.
  constexpr int64_t rows_ahead = 8;
  const bool along_scan = p.lines == 1 || magnitude(p.x_scan) + magnitude(p.y_scan) <=
                                              magnitude(p.x_line) + magnitude(p.y_line);
  const int64_t rows = along_scan ? p.lines : p.length, count = along_scan ? p.length : p.lines;
  const int64_t x_row = along_scan ? p.x_line : p.x_scan, x_step = along_scan ? p.x_scan : p.x_line;
  const int64_t y_row = along_scan ? p.y_line : p.y_scan, y_step = along_scan ? p.y_scan : p.y_line;
  for (int64_t i = 0; i < rows; ++i) {
    if (i + rows_ahead < rows) fetch(p.x + (i + rows_ahead) * x_row, count * magnitude(x_step));
    copy_run<X, R>(p.x + i * x_row, x_step, p.y + i * y_row, y_step, count);
  }
}

}  // namespace
}  // namespace cumsum
