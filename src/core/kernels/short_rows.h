// How short lines of any element types reach the weave and come back: by way of a buffer of
// accumulators, so that the weave is compiled once for each of those, not for each pair of types.
#pragma once

#include "policy.h"
#include "tree.h"

namespace cumsum {

// Elements of a line, and lines side by side: of a group; and of more than that.
inline constexpr int most_woven = 2 * group_size - 1, most_woven_lines = 4, most_long_lines = 2;

// The weave of lines of so many elements.
struct Weaver {
  void (*scan)(const char* x, char* y, int64_t bundles);
  int lanes;  // of a bundle
};
// By elements of a line, and lines side by side, from 1.
inline constexpr int weaver_count = (most_woven + 1) * most_woven_lines;

struct Weavers {
  Weaver of[4][weaver_count];  // by accumulator
};

namespace CUMSUM_TARGET {
extern const Weavers weavers;
}  // namespace CUMSUM_TARGET

namespace {

template <class A>
inline constexpr int accumulator = __is_same(A, float)      ? 0
                                   : __is_same(A, double)   ? 1
                                   : __is_same(A, uint32_t) ? 2
                                   : __is_same(A, uint64_t) ? 3
                                                            : -1;

constexpr bool can_weave(int64_t n, int64_t lines) {
  return n >= 2 && n <= most_woven &&
         lines <= (n > group_size ? most_long_lines : most_woven_lines);
}

// Whether elements of type T are the accumulator's own bits.
template <class A, class T>
inline constexpr bool is_accumulated =
    __is_same(A, T) || (std::is_integral_v<A> && std::is_integral_v<T> && sizeof(A) == sizeof(T));

// Where Step is -1, elements are turned round on both ways, all of a buffer's at once: lines then
// lie in it from the last to the first.
template <class A, class X, class R, int Step = 1>
struct Woven {
  static_assert(sizeof(R) <= sizeof(A));
  static constexpr int L = lanes_of<A, 8>;
  static constexpr int64_t room = policy::woven_bytes / sizeof(A);
  static constexpr bool as_they_are = Step > 0 && is_accumulated<A, X>&& is_accumulated<A, R>;

  struct alignas(64) Buffer {
    A sums[room];
  };

  // Where in the buffer elements i to i + width of memory have their place; `whole` are in use.
  static inline char* at(Buffer& buffer, int64_t i, int64_t whole, int width) {
    return reinterpret_cast<char*>(buffer.sums + (Step > 0 ? i : whole - i - width));
  }

  static inline void widen(const char* x, Buffer& buffer, int64_t count, int64_t whole) {
    int64_t i = 0;
    for (; i + L <= count; i += L) {
      __builtin_prefetch(x + (i + room) * int64_t{sizeof(X)});
      write(at(buffer, i, whole, L), turned<Step, A, L>(load<A, L, X>(x + i * int64_t{sizeof(X)})));
    }
    for (; i < count; ++i) {
      write(at(buffer, i, whole, 1), load<A, 1, X>(x + i * int64_t{sizeof(X)}));
    }
    for (; i < whole; ++i) write(at(buffer, i, whole, 1), A{});  // fills the last bundle
  }

  static inline void narrow(Buffer& buffer, char* y, int64_t count, int64_t whole) {
    int64_t i = 0;
    for (; i + L <= count; i += L) {
      store<R, A, L>(y + i * int64_t{sizeof(R)},
                     turned<Step, A, L>(read<Vector<A, L>>(at(buffer, i, whole, L))));
    }
    for (; i < count; ++i) {
      store<R, A, 1>(y + i * int64_t{sizeof(R)}, read<A>(at(buffer, i, whole, 1)));
    }
  }

  static inline void put(Buffer& buffer, char* y, int64_t count, int64_t whole, bool stream) {
    if (!stream) return narrow(buffer, y, count, whole);
    if (as_they_are) {
      copy_past_cache(y, reinterpret_cast<const char*>(buffer.sums), count * int64_t{sizeof(R)});
      return;
    }
    alignas(64) char results[room * sizeof(R)];
    narrow(buffer, results, count, whole);
    copy_past_cache(y, results, count * int64_t{sizeof(R)});
  }

  // Whole bundles without a buffer between, where nothing is to be done on the way to it.
  static int64_t scan_directly(const char* x, char* y, const Weaver& weaver, int64_t total) {
    const int64_t bundles = total / weaver.lanes;
    weaver.scan(x, y, bundles);
    return bundles * weaver.lanes;
  }

  static void scan(const char* x, char* y, int n, int C, int64_t repeats, bool stream) {
    const Weaver& weaver = CUMSUM_TARGET::weavers.of[accumulator<A>][n * most_woven_lines + C - 1];
    const int64_t most = room / weaver.lanes * weaver.lanes, total = repeats * n * C;
    int64_t i = as_they_are && !stream ? scan_directly(x, y, weaver, total) : 0;
    Buffer buffer;
    char* const sums = reinterpret_cast<char*>(buffer.sums);
    for (; i < total; i += most) {
      const int64_t count = total - i < most ? total - i : most;
      const int64_t bundles = (count + weaver.lanes - 1) / weaver.lanes;
      const int64_t whole = bundles * weaver.lanes;
      widen(x + i * int64_t{sizeof(X)}, buffer, count, whole);
      weaver.scan(sums, sums, bundles);
      put(buffer, y + i * int64_t{sizeof(R)}, count, whole, stream);
    }
  }
};

// Scans whole lines of p.length elements, `lines` side by side, so many times; or returns false if
// they are too long, or do not follow each other without gaps.
template <class A, class X, class R, int Step = 1>
inline bool weave([[maybe_unused]] const Piece& p, int64_t lines, int64_t repeats, int64_t x_repeat,
                  int64_t y_repeat) {
  if constexpr (!small && accumulator<A> >= 0) {
    const int64_t count = p.length * lines;
    if (repeats < 2 || !can_weave(p.length, lines) || x_repeat != count * int64_t{sizeof(X)} ||
        y_repeat != count * int64_t{sizeof(R)}) {
      return false;
    }
    const int n = static_cast<int>(p.length), C = static_cast<int>(lines);
    Woven<A, X, R, Step>::scan(p.x, p.y, n, C, repeats, p.stream);
    return true;
  }
  return false;
}

}  // namespace
}  // namespace cumsum
