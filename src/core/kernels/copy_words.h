// Copies of elements as words of their size, along three axes in any order.
#pragma once

#include <utility>

#include "shuffle.h"
#include "vector.h"

namespace cumsum {
namespace {

// An axis of a copy; strides in bytes.
struct CopyAxis {
  int64_t size, x, y;
};

inline int64_t magnitude(int64_t stride) { return stride < 0 ? -stride : stride; }

template <int bytes>
struct LongWord {
  uint64_t words[bytes / 8];
};
// Any type of the right size.
template <class T>
using Word = std::conditional_t<(sizeof(T) > 8), LongWord<sizeof(T)>, WordOf<sizeof(T)>>;

// Elements from wherever they lie to wherever they shall; a constant x_step lets the compiler use
// vectors, 0 stands for any.
template <class T, int64_t x_step, int64_t y_step>
inline void move_steps(const char* __restrict x, int64_t x_any, char* __restrict y, int64_t y_any,
                       int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    write<T>(y + i * (y_step ? y_step : y_any), read<T>(x + i * (x_step ? x_step : x_any)));
  }
}

template <class T>
void move_run(const char* x, int64_t x_step, char* y, int64_t y_step, int64_t count) {
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
  } else if (x_step == 3 * size) {
    move_steps<T, 3 * size, size>(x, x_step, y, y_step, count);
  } else if (x_step == 4 * size) {
    move_steps<T, 4 * size, size>(x, x_step, y, y_step, count);
  } else {
    move_steps<T, 0, size>(x, x_step, y, y_step, count);
  }
}

// Rows far apart in memory are not foreseen by the hardware; short ones are fetched early. (GCC
// takes a function that does nothing but prefetch for one that does nothing, unless it is inlined
// at once.)
[[gnu::always_inline]] inline void fetch(const char* row, int64_t bytes) {
  constexpr int64_t most = 1024, line = 64;
  if (bytes > most) return;
  for (int64_t at = 0; at < bytes; at += line) __builtin_prefetch(row + at);
}

// x[r][c] to y[c][r], each dense in its last index, of eight rows and columns at least; strides in
// bytes. The last block of either may lie over the one before it.
template <class T>
void copy_transposed(const char* x, int64_t x_row, char* y, int64_t y_row, int64_t rows,
                     int64_t columns) {
  constexpr int64_t size = sizeof(T), side = 8;
  for (int64_t r = 0; r < rows; r += side) {
    if (r > rows - side) r = rows - side;
    for (int64_t ahead = r + side; ahead < rows && ahead < r + 2 * side; ++ahead) {
      fetch(x + ahead * x_row, columns * size);
    }
    for (int64_t c = 0; c < columns; c += side) {
      if (c > columns - side) c = columns - side;
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
}

// Few elements along one axis, any number along another.
template <class T, int few>
void move_few(const char* __restrict x, char* __restrict y, CopyAxis along, CopyAxis across) {
  for (int64_t i = 0; i < along.size; ++i, x += along.x, y += along.y) {
#pragma GCC unroll 8
    for (int k = 0; k < few; ++k) write<T>(y + k * across.y, read<T>(x + k * across.x));
  }
}

template <class T, int... few>
void move_any_few(const char* x, char* y, CopyAxis along, CopyAxis across,
                  std::integer_sequence<int, few...>) {
  ((across.size == few + 1 ? move_few<T, few + 1>(x, y, along, across) : void()), ...);
}

// The axes that are left of three: those of the widest strides of y first, none of its strides
// negative, neighbours that are one axis to both made one.
struct CopyAxes {
  CopyAxis axes[3];
  int count = 0;

  void add(CopyAxis axis, const char*& x, char*& y) {
    if (axis.size == 1) return;
    if (axis.y < 0) {
      x += (axis.size - 1) * axis.x;
      y += (axis.size - 1) * axis.y;
      axis = {axis.size, -axis.x, -axis.y};
    }
    int at = count++;
    for (; at > 0 && axes[at - 1].y < axis.y; --at) axes[at] = axes[at - 1];
    axes[at] = axis;
  }

  void join() {
    int kept = 0;
    for (int i = 1; i < count; ++i) {
      const CopyAxis outer = axes[kept], inner = axes[i];
      if (outer.x == inner.size * inner.x && outer.y == inner.size * inner.y) {
        axes[kept] = {outer.size * inner.size, inner.x, inner.y};
      } else {
        axes[++kept] = inner;
      }
    }
    if (count > 0) count = kept + 1;
  }
};

inline CopyAxes joined(const char*& x, char*& y, CopyAxis a, CopyAxis b, CopyAxis c) {
  CopyAxes all;
  all.add(a, x, y);
  all.add(b, x, y);
  all.add(c, x, y);
  all.join();
  return all;
}

constexpr int64_t least_side = 8;

// Two axes, the second of which is narrower in y, the first in x: as memory is read, a few columns
// of results at a time.
template <class T>
void copy_across(const char* x, char* y, CopyAxis outer, CopyAxis inner) {
  constexpr int64_t size = sizeof(T);
  constexpr int few = size > 8 ? 4 : 8;
  constexpr std::make_integer_sequence<int, least_side - 1> any_few;
  if constexpr (size <= 8) {
    const bool blocks = outer.size >= least_side && inner.size >= least_side;
    if (blocks && magnitude(outer.x) == size && inner.y == size) {
      if (outer.x < 0) {
        x += (outer.size - 1) * outer.x;
        y += (outer.size - 1) * outer.y;
        outer.y = -outer.y;
      }
      return copy_transposed<T>(x, inner.x, y, outer.y, inner.size, outer.size);
    }
  }
  if (outer.size < least_side) return move_any_few<T>(x, y, inner, outer, any_few);
  int64_t i = 0;
  for (; i + few <= inner.size; i += few) {
    move_few<T, few>(x + i * inner.x, y + i * inner.y, outer, {few, inner.x, inner.y});
  }
  inner.size -= i;
  move_any_few<T>(x + i * inner.x, y + i * inner.y, outer, inner, any_few);
}

// Two axes, the second of which is narrower in y.
template <class T>
void copy_plane(const char* x, char* y, CopyAxis outer, CopyAxis inner) {
  constexpr int64_t rows_ahead = 8;
  constexpr std::make_integer_sequence<int, least_side - 1> any_few;
  if (magnitude(outer.x) < magnitude(inner.x)) return copy_across<T>(x, y, outer, inner);
  if (inner.size < least_side) return move_any_few<T>(x, y, outer, inner, any_few);
  for (int64_t i = 0; i < outer.size; ++i) {
    if (i + rows_ahead < outer.size) {
      fetch(x + (i + rows_ahead) * outer.x, inner.size * magnitude(inner.x));
    }
    move_run<T>(x + i * outer.x, inner.x, y + i * outer.y, inner.y, inner.size);
  }
}

template <class T>
void copy_axes(const char* x, char* y, CopyAxis a, CopyAxis b, CopyAxis c) {
  CopyAxes all = joined(x, y, a, b, c);
  CopyAxis* const axes = all.axes;
  const int last = all.count - 1;
  if (last < 0) return write<T>(y, read<T>(x));
  if (last == 0) return move_run<T>(x, axes[0].x, y, axes[0].y, axes[0].size);
  if (last == 2) {  // the plane has the narrowest axis of x; or the longer one, of few elements
    const bool narrower = magnitude(axes[0].x) < magnitude(axes[1].x);
    const bool across = magnitude(axes[0].x) < magnitude(axes[2].x);
    const bool longer = axes[0].size > axes[1].size;
    if (axes[2].size < least_side ? longer : narrower && across) std::swap(axes[0], axes[1]);
  }
  const int64_t planes = last == 2 ? axes[0].size : 1;
  for (int64_t i = 0; i < planes; ++i) {
    copy_plane<T>(x + i * axes[0].x, y + i * axes[0].y, axes[last - 1], axes[last]);
  }
}

}  // namespace
}  // namespace cumsum
