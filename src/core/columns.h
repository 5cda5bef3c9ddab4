// Columns: a group lies across vectors, and each lane is a line of its own.
#pragma once

#include "policy.h"
#include "tree.h"

namespace cumsum {
namespace {

template <class A>
struct Columns {
  static constexpr int widest = lanes_of<A, vector_bytes>;

  // L lines side by side; `rows` elements of each, at most a group.
  template <class X, class R, int L, Store S>
  static inline void scan_group(const Piece& p, const char* x, char* y, int rows,
                                const Vector<Carry<A>, L>& carry, Vector<A, L>& chain) {
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
    if constexpr (S != Store::nothing) {
      V before = carry + chain;
      CUMSUM_UNROLL
      for (int r = 0; r < group_size; ++r) {
        const V sum = carry + (chain + g[r]);
        if (r < rows) store<R, A, L>(y + r * p.y_scan, S == Store::exclusive ? before : sum);
        before = sum;
      }
    }
    chain += g[group_size - 1];
  }

  // The same lines of any number of groups: what is carried stays in registers.
  template <class X, class R, int L, Store S>
  static inline void scan_strip(const Piece& p, const char* x, char* y, int64_t line) {
    char* const chain_at = p.chain + line * int64_t{sizeof(A)};
    auto carry = Vector<Carry<A>, L>{};
    if constexpr (S != Store::nothing) {
      carry = get_lines<Carry<A>, L>(p.carry + line * int64_t{sizeof(Carry<A>)});
    }
    auto chain = get_lines<A, L>(chain_at);
    int64_t i = 0;
    for (; i + group_size <= p.length; i += group_size) {
      scan_group<X, R, L, S>(p, x + i * p.x_scan, y + i * p.y_scan, group_size, carry, chain);
    }
    if (i < p.length) {
      scan_group<X, R, L, S>(p, x + i * p.x_scan, y + i * p.y_scan, int(p.length - i), carry,
                             chain);
    }
    put_lines<A, L>(chain_at, chain);
  }

  // Lines from `line` on, as many at a time as there are lanes, then half as many, and so on.
  template <class X, class R, int L, Store S>
  static inline void scan_strips(const Piece& p, int64_t line) {
    constexpr int64_t x_size = sizeof(X), y_size = sizeof(R);
    for (; line + L <= p.lines; line += L) {
      scan_strip<X, R, L, S>(p, p.x + line * x_size, p.y + line * y_size, line);
    }
    if constexpr (L > 1) {
      if (line < p.lines) scan_strips<X, R, L / 2, S>(p, line);
    }
  }

  // Rows of results on their way past the cache, gathered where they are quickly written.
  template <class X, class R, Store S>
  static inline void scan_staged(const Piece& p) {
    alignas(64) char stage[policy::stage_bytes];
    Piece staged = p;
    staged.y = stage;
    staged.y_scan = p.lines * int64_t{sizeof(R)};
    scan_strips<X, R, widest, S>(staged, 0);
    if (p.y_scan == staged.y_scan) {
      copy_past_cache(p.y, stage, p.length * p.y_scan);
      return;
    }
    for (int64_t i = 0; i < p.length; ++i) {
      copy_past_cache(p.y + i * p.y_scan, stage + i * staged.y_scan, staged.y_scan);
    }
  }

  // Rows taken together: a group, so that memory is walked row by row; or more of few lines.
  template <class R>
  static int64_t height(const Piece& p) {
    const int64_t row_bytes = p.lines * int64_t{sizeof(R)};
    const int64_t fitting = policy::stage_bytes / row_bytes / group_size * group_size;
    return p.lines > 2 * widest ? group_size : p.stream ? fitting : tile_size;
  }

  // Always carried: p.carry and p.chain are never null here.
  template <class X, class R, Store S>
  static void scan(const Piece& p) {
    const int64_t most = height<R>(p);
    Piece rows = p;
    for (int64_t i = 0; i < p.length; i += rows.length) {
      const int64_t tile_left = tile_size - (p.position + i) % tile_size;
      rows.x = p.x + i * p.x_scan;
      rows.y = p.y + i * p.y_scan;
      rows.length = most < tile_left ? most : tile_left;
      if (rows.length > p.length - i) rows.length = p.length - i;
      if (S != Store::nothing && p.stream) {
        scan_staged<X, R, S>(rows);
      } else {
        scan_strips<X, R, widest, S>(rows, 0);
      }
      if (rows.length == tile_left) end_tile(p, S == Store::nothing);
    }
  }

  // The sums of the tile go to the carries; where nothing is stored, they are those sums.
  static void end_tile(const Piece& p, bool sums_only) {
    for (int64_t line = 0; line < p.lines; ++line) {
      char* const chain_at = p.chain + line * int64_t{sizeof(A)};
      if (sums_only) {
        write(p.carry + line * int64_t{sizeof(A)}, read<A>(chain_at));
      } else {
        char* const carry_at = p.carry + line * int64_t{sizeof(Carry<A>)};
        Carry<A> carry = read<Carry<A>>(carry_at);
        carry += read<A>(chain_at);
        write(carry_at, carry);
      }
      write(chain_at, A{});
    }
  }

  static void add(char* carry, const char* aggregate, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      char* const at = carry + i * int64_t{sizeof(Carry<A>)};
      Carry<A> sum = read<Carry<A>>(at);
      sum += read<A>(aggregate + i * int64_t{sizeof(A)});
      write(at, sum);
    }
  }
};

}  // namespace
}  // namespace cumsum
