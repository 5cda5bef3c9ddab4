// Copies of pieces, element by element from one type to another: what packing a strided or
// differently typed input into a tile, and unpacking a tile into a strided result, need.
#pragma once

#include "cast.h"

namespace cumsum {
namespace {

// Elements of one type from wherever they lie to wherever they shall; a constant x_step lets the
// compiler use vectors, 0 stands for any.
template <class T, int64_t x_step, int64_t y_step>
inline void move_steps(const char* __restrict x, int64_t x_any, char* __restrict y, int64_t y_any,
                       int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    write<T>(y + i * (y_step ? y_step : y_any), read<T>(x + i * (x_step ? x_step : x_any)));
  }
}

template <class T>
inline void move_run(const char* x, int64_t x_step, char* y, int64_t y_step, int64_t count) {
  constexpr int64_t size = sizeof(T);
  if (y_step != size) {
    move_steps<T, 0, 0>(x, x_step, y, y_step, count);
  } else if (x_step == 0) {  // one element, repeated
    const T value = read<T>(x);
    for (int64_t i = 0; i < count; ++i) write<T>(y + i * size, value);
  } else if (x_step == size) {
    move_steps<T, size, size>(x, x_step, y, y_step, count);
  } else if (x_step == -size) {
    move_steps<T, -size, size>(x, x_step, y, y_step, count);
  } else if (x_step == 2 * size) {
    move_steps<T, 2 * size, size>(x, x_step, y, y_step, count);
  } else {
    move_steps<T, 0, size>(x, x_step, y, y_step, count);
  }
}

// Neighbours to neighbours.
template <class X, class R>
void cast_neighbours(const char* __restrict x, char* __restrict y, int64_t count) {
  int64_t i = 0;
  if constexpr (is_half<X> && (__is_same(R, float) || __is_same(R, double))) {
    constexpr int L = 8;
    for (; i + L <= count; i += L) {
      write(y + i * int64_t{sizeof(R)}, load<R, L, X>(x + i * int64_t{sizeof(X)}));
    }
  }
  for (; i < count; ++i) {
    write<R>(y + i * int64_t{sizeof(R)}, cast<R>(read<X>(x + i * int64_t{sizeof(X)})));
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

using MoveRun = void (*)(const char* x, int64_t x_step, char* y, int64_t y_step, int64_t count);

// How a pair of types is cast: elements side by side, and how they come to be and are taken apart.
struct Casting {
  int64_t x_size, y_size;
  MoveRun gather, scatter;
  void (*cast)(const char* x, char* y, int64_t count);
};

// What is not side by side is brought together before it is cast, or taken apart after that: a loop
// for each pair of types is enough, and that one uses vectors.
inline void cast_run(const Casting& by, const char* x, int64_t x_step, char* y, int64_t y_step,
                     int64_t count) {
  constexpr int64_t most = 256, widest = 2 * sizeof(long double);
  alignas(64) char in[most * widest], out[most * widest];
  if (x_step == 0) {
    by.cast(x, out, 1);
    return by.scatter(out, 0, y, y_step, count);
  }
  for (int64_t i = 0; i < count; i += most) {
    const int64_t some = count - i < most ? count - i : most;
    const char* from = x + i * x_step;
    char* const to = y + i * y_step;
    const bool dense = y_step == by.y_size;
    if (x_step != by.x_size) {
      by.gather(from, x_step, in, by.x_size, some);
      from = in;
    }
    by.cast(from, dense ? to : out, dense && x_step == by.x_size ? count : some);
    if (dense && x_step == by.x_size) return;
    if (!dense) by.scatter(out, by.y_size, to, y_step, some);
  }
}

// Calls run(x, x_step, y, y_step, count) along the axis of the narrower strides.
template <class Run>
inline void for_each_row(const Piece& p, Run run) {
  constexpr int64_t rows_ahead = 8;
  const bool along_scan = p.lines == 1 || magnitude(p.x_scan) + magnitude(p.y_scan) <=
                                              magnitude(p.x_line) + magnitude(p.y_line);
  const int64_t rows = along_scan ? p.lines : p.length, count = along_scan ? p.length : p.lines;
  const int64_t x_row = along_scan ? p.x_line : p.x_scan, x_step = along_scan ? p.x_scan : p.x_line;
  const int64_t y_row = along_scan ? p.y_line : p.y_scan, y_step = along_scan ? p.y_scan : p.y_line;
  for (int64_t i = 0; i < rows; ++i) {
    if (i + rows_ahead < rows) fetch(p.x + (i + rows_ahead) * x_row, count * magnitude(x_step));
    run(p.x + i * x_row, x_step, p.y + i * y_row, y_step, count);
  }
}

inline void cast_piece(const Piece& p, const Casting& by) {
  for_each_row(p, [&](const char* x, int64_t x_step, char* y, int64_t y_step, int64_t count) {
    cast_run(by, x, x_step, y, y_step, count);
  });
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
  if constexpr (__is_same(X, R)) {
    for_each_row(p, [](const char* x, int64_t x_step, char* y, int64_t y_step, int64_t count) {
      move_run<X>(x, x_step, y, y_step, count);
    });
  } else {
    cast_piece(p, {x_size, y_size, move_run<X>, move_run<R>, cast_neighbours<X, R>});
  }
}

}  // namespace
}  // namespace cumsum
