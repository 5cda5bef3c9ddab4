// Columns: a group lies across vectors, and each lane is a line of its own.
#pragma once

#include "tree.h"

namespace cumsum {
namespace {

template <class A>
struct Columns {
  // L lines side by side; `rows` elements of each, at most a group.
  template <class X, class R, int L, Store S>
  static inline void scan_group(const Piece& p, const char* x, char* y, int rows, A* carries,
                                A* chains) {
    using V = Vector<A, L>;
    V g[group_size];
    CUMSUM_UNROLL
    for (int r = 0; r < group_size; ++r) {
      g[r] = r < rows ? load<A, L, X>(x + r * p.x_scan) : V{};
    }
    CUMSUM_UNROLL
    for (int d = 1; d < group_size; d *= 2) {
      CUMSUM_UNROLL
      for (int r = 0; r < group_size; ++r) {
        if (r & d) g[r] += g[tree_source(r, d)];
      }
    }
    V chain = read<V>(reinterpret_cast<char*>(chains));
    write(reinterpret_cast<char*>(chains), chain + g[group_size - 1]);
    if constexpr (S == Store::nothing) return;
    V carry = read<V>(reinterpret_cast<char*>(carries));
    V before = carry + chain;
    CUMSUM_UNROLL
    for (int r = 0; r < group_size; ++r) {
      V sum = carry + (chain + g[r]);
      V out = S == Store::exclusive ? before : sum;
      before = sum;
      if (r < rows) {
        if (p.stream) {
          store_stream<R, A, L>(y + r * p.y_scan, out);
        } else {
          store<R, A, L>(y + r * p.y_scan, out);
        }
      }
    }
  }

  template <class X, class R, Store S>
  static inline void scan_rows(const Piece& p, const char* x, char* y, int rows) {
    constexpr int L = lanes_of<A, vector_bytes>;
    A* carries = reinterpret_cast<A*>(p.carry);
    A* chains = reinterpret_cast<A*>(p.chain);
    int64_t line = 0;
    if (rows == group_size) {  // by far the most frequent: without a look at `rows`
      for (; line + L <= p.lines; line += L) {
        scan_group<X, R, L, S>(p, x + line * sizeof(X), y + line * sizeof(R), group_size,
                               carries + line, chains + line);
      }
    }
    for (; line + L <= p.lines; line += L) {
      scan_group<X, R, L, S>(p, x + line * sizeof(X), y + line * sizeof(R), rows, carries + line,
                             chains + line);
    }
    for (; line < p.lines; ++line) {
      scan_group<X, R, 1, S>(p, x + line * sizeof(X), y + line * sizeof(R), rows, carries + line,
                             chains + line);
    }
  }

  // Always carried: p.carry and p.chain are never null here.
  template <class X, class R, Store S>
  static void scan(const Piece& p) {
    A* carries = reinterpret_cast<A*>(p.carry);
    A* chains = reinterpret_cast<A*>(p.chain);
    for (int64_t i = 0; i < p.length;) {
      int64_t left = p.length - i;
      int rows = left < group_size ? static_cast<int>(left) : group_size;
      scan_rows<X, R, S>(p, p.x + i * p.x_scan, p.y + i * p.y_scan, rows);
      i += rows;
      if ((p.position + i) % tile_size == 0) {
        for (int64_t line = 0; line < p.lines; ++line) {
          carries[line] += chains[line];
          chains[line] = A{};
        }
      }
    }
  }

  static void add(char* carry, const char* aggregate, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      int64_t at = i * static_cast<int64_t>(sizeof(A));
      write(carry + at, read<A>(carry + at) + read<A>(aggregate + at));
    }
  }
};

}  // namespace
}  // namespace cumsum
