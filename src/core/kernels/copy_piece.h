// Copies of pieces, element by element from one type to another: what packing a strided or
// differently typed input into a tile, and unpacking a tile into a strided result, need.
#pragma once

#include "cast.h"
#include "copy_words.h"

namespace cumsum {
namespace {

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

// How a pair of types is cast: elements side by side, and how they come to be and are taken apart.
struct Casting {
  using Move = void (*)(const char* x, char* y, CopyAxis, CopyAxis, CopyAxis);
  int64_t x_size, y_size;
  Move gather, scatter;
  void (*cast)(const char* x, char* y, int64_t count);
};

constexpr int64_t most_cast = 256;

// At most so many elements. What is not side by side is brought together before it is cast, or
// taken apart after that: a loop for each pair of types is enough, and that one uses vectors.
inline void cast_some(const Casting& by, const char* x, char* y, CopyAxis outer, CopyAxis inner) {
  constexpr int64_t widest = 2 * sizeof(long double);
  constexpr CopyAxis one{1, 0, 0};
  alignas(64) char in[most_cast * widest], out[most_cast * widest];
  const auto dense = [&](int64_t CopyAxis::* stride, int64_t size) {
    return inner.*stride == size && (outer.size == 1 || outer.*stride == inner.size * size);
  };
  const bool gathered = dense(&CopyAxis::x, by.x_size), in_place = dense(&CopyAxis::y, by.y_size);
  const auto rows = [&](int64_t size) { return inner.size * size; };
  if (!gathered) {
    by.gather(x, in, one, {outer.size, outer.x, rows(by.x_size)}, {inner.size, inner.x, by.x_size});
  }
  by.cast(gathered ? x : in, in_place ? y : out, outer.size * inner.size);
  if (in_place) return;
  by.scatter(out, y, one, {outer.size, rows(by.y_size), outer.y}, {inner.size, by.y_size, inner.y});
}

inline void cast_axes(const Casting& by, const char* x, char* y, CopyAxes all) {
  CopyAxis three[3] = {{1, 0, 0}, {1, 0, 0}, {1, 0, 0}};
  for (int i = 0; i < all.count; ++i) three[3 - all.count + i] = all.axes[i];
  const auto [planes, rows, inner] = three;
  const int64_t width = inner.size < most_cast ? inner.size : most_cast, height = most_cast / width;
  const auto part = [](CopyAxis axis, int64_t begin, int64_t most) {
    axis.size = axis.size - begin < most ? axis.size - begin : most;
    return axis;
  };
  for (int64_t p = 0; p < planes.size; ++p) {
    for (int64_t r = 0; r < rows.size; r += height) {
      for (int64_t i = 0; i < inner.size; i += width) {
        cast_some(by, x + p * planes.x + r * rows.x + i * inner.x,
                  y + p * planes.y + r * rows.y + i * inner.y, part(rows, r, height),
                  part(inner, i, width));
      }
    }
  }
}

template <class X, class R>
void copy_piece(const Piece& p) {
  const CopyAxis repeats{p.repeats ? p.repeats : 1, p.x_repeat, p.y_repeat};
  const CopyAxis scan{p.length, p.x_scan, p.y_scan}, lines{p.lines, p.x_line, p.y_line};
  if constexpr (__is_same(X, R)) {
    copy_axes<Word<X>>(p.x, p.y, repeats, scan, lines);
  } else {
    const char* x = p.x;
    char* y = p.y;
    const CopyAxes all = joined(x, y, repeats, scan, lines);
    cast_axes({sizeof(X), sizeof(R), copy_axes<Word<X>>, copy_axes<Word<R>>, cast_neighbours<X, R>},
              x, y, all);
  }
}

}  // namespace
}  // namespace cumsum
