// Columns: a group lies across vectors, and each lane is a line of its own.
#pragma once

#include "policy.h"
#include "short_rows.h"

namespace cumsum {
namespace {

template <class A>
struct Columns {
  static constexpr int widest = lanes_of<A, vector_bytes>;

  // L lines side by side; `rows` elements of each, at most `most` of a group. (What the chain is
  // after less than a group matters to nobody: the line is over.)
  template <class X, class R, int L, bool plain, int most = group_size>
  [[gnu::always_inline]] static inline void scan_group(const Piece& p, const char* x,
                                                       const char* mask, char* y, int rows,
                                                       const Vector<Carry<A>, L>& carry,
                                                       Vector<A, L>& chain) {
    using V = Vector<A, L>;
    V g[most];
    CUMSUM_UNROLL
    for (int r = 0; r < most; ++r) {
      g[r] = r < rows ? load<A, L, X>(x + r * p.x_scan) : V{};
    }
    if (!plain && mask) {
      CUMSUM_UNROLL
      for (int r = 0; r < most; ++r) {
        if (r < rows) g[r] = masked<A, L>(g[r], mask + r * p.mask_scan);
      }
    }
    if (!plain && p.skipna) {
      CUMSUM_UNROLL
      for (int r = 0; r < most; ++r) g[r] = numbers<A, L>(g[r]);
    }
    CUMSUM_UNROLL
    for (int d = 1; d < most; d *= 2) {
      CUMSUM_UNROLL
      for (int r = 0; r < most; ++r) {
        if (r & d) g[r] += g[tree_source(r, d)];
      }
    }
    if (!plain && p.exclusive) {
      V before = carry + chain;
      CUMSUM_UNROLL
      for (int r = 0; r < most; ++r) {
        if (r < rows) store<R, A, L>(y + r * p.y_scan, before);
        before = carry + (chain + g[r]);
      }
    } else if (plain || !p.adds_up) {
      CUMSUM_UNROLL
      for (int r = 0; r < most; ++r) {
        if (r < rows) store<R, A, L>(y + r * p.y_scan, carry + (chain + g[r]));
      }
    }
    chain += g[most - 1];
  }

  // By itself where it is rare.
  template <class X, class R, int L>
  [[gnu::noinline]] static Vector<A, L> scan_rest(const Piece& p, const char* x, const char* mask,
                                                  char* y, int rows, Vector<Carry<A>, L> carry,
                                                  Vector<A, L> chain) {
    scan_group<X, R, L, false>(p, x, mask, y, rows, carry, chain);
    return chain;
  }

  // The same lines of any number of groups: what is carried stays in registers.
  template <class X, class R, int L, bool plain>
  static inline void scan_strip(const Piece& p, const char* x, char* y, int64_t line) {
    const char* mask = !plain && p.mask ? p.mask + line : nullptr;
    char* const chain_at = p.chain + line * int64_t{sizeof(A)};
    auto carry = Vector<Carry<A>, L>{};
    auto chain = Vector<A, L>{};
    if (p.chain) chain = get_lines<A, L>(chain_at);
    if ((plain || !p.adds_up) && p.carry) {
      carry = get_lines<Carry<A>, L>(p.carry + line * int64_t{sizeof(Carry<A>)});
    }
    int64_t i = 0;
    // Rows are too short for the hardware to foresee the next ones. float32 (4096, 4096) along dim
    // 0, one thread: 0.30 ns an element, 0.25 with this; 0.30 with one prefetch a cache line.
    if (p.x_ahead) {
      CUMSUM_UNROLL
      for (int r = 0; r < group_size; ++r) fetch(p, x, mask, r);
    }
    for (; i + group_size <= p.length; i += group_size) {
      scan_group<X, R, L, plain>(p, x + i * p.x_scan, mask ? mask + i * p.mask_scan : nullptr,
                                 y + i * p.y_scan, group_size, carry, chain);
    }
    int rest = static_cast<int>(p.length - i);
    x += i * p.x_scan;
    if (mask) mask += i * p.mask_scan;
    y += i * p.y_scan;
    if constexpr (L == widest && plain) {  // short axes, as of colours, are frequent
      if (rest > 0 && rest <= 2) {
        scan_group<X, R, L, plain, 2>(p, x, mask, y, rest, carry, chain);
        rest = 0;
      } else if (rest > 0 && rest <= 4) {
        scan_group<X, R, L, plain, 4>(p, x, mask, y, rest, carry, chain);
        rest = 0;
      }
    }
    if (rest > 0) {
      if constexpr (plain) {
        scan_group<X, R, L, true>(p, x, mask, y, rest, carry, chain);
      } else {
        chain = scan_rest<X, R, L>(p, x, mask, y, rest, carry, chain);
      }
    }
    if (p.chain) put_lines<A, L>(chain_at, chain);
  }

  [[gnu::always_inline]] static void fetch(const Piece& p, const char* x, const char* mask,
                                           int64_t row) {
    __builtin_prefetch(x + p.x_ahead + row * p.x_scan);
    if (mask) __builtin_prefetch(mask + (p.length + row) * p.mask_scan);
  }

  // The last lines of all, as if they were L: lanes past them come from the next row and go to
  // where the next row will be.
  template <class X, class R, int L, bool plain>
  static inline void scan_spilling(const Piece& p, int64_t line) {
    const int64_t count = p.lines - line;
    char carry[L * sizeof(Carry<A>)] = {}, chain[L * sizeof(A)] = {};
    char* const chain_at = p.chain + line * int64_t{sizeof(A)};
    __builtin_memcpy(chain, chain_at, count * sizeof(A));
    if ((plain || !p.adds_up) && p.carry) {
      const char* const carry_at = p.carry + line * int64_t{sizeof(Carry<A>)};
      __builtin_memcpy(carry, carry_at, count * sizeof(Carry<A>));
    }
    Piece wide = p;
    wide.x += line * int64_t{sizeof(X)};
    wide.y += line * int64_t{sizeof(R)};
    wide.lines = L;
    wide.carry = carry;
    wide.chain = chain;
    scan_strips<X, R, L, plain>(wide, 0, false);
    __builtin_memcpy(chain_at, chain, count * sizeof(A));
  }

  // Lines from `line` on, as many at a time as there are lanes; then half as many, and so on, or
  // all at once if they may spill. They come first, so that what they spill is written over.
  template <class X, class R, int L, bool plain>
  static inline void scan_strips(const Piece& p, int64_t line, bool spill) {
    if constexpr (L > 1) {
      const int64_t rest = (p.lines - line) % L;
      if (spill && rest && (rest > L / 2 || L == 2)) {
        scan_spilling<X, R, L, plain>(p, p.lines - rest);
      } else if (rest) {
        scan_strips<X, R, L / 2, plain>(p, p.lines - rest, spill);
      }
    }
    for (; line + L <= p.lines; line += L) {
      scan_strip<X, R, L, plain>(p, p.x + line * int64_t{sizeof(X)},
                                 p.y + line * int64_t{sizeof(R)}, line);
    }
  }

  // Rows of results on their way past the cache, gathered where they are quickly written.
  template <class X, class R, bool plain>
  static inline void scan_staged(const Piece& p, bool spill) {
    constexpr int64_t gap =
        64;  // rows of 4096 bytes would all fall into the same sets of the cache
    alignas(64) char stage[policy::stage_bytes + (group_size + 1) * gap];
    const int64_t row_bytes = p.lines * int64_t{sizeof(R)};
    const bool apart = p.y_scan != row_bytes && p.length <= group_size;
    Piece staged = p;
    staged.y = stage;
    staged.y_scan = row_bytes + (apart ? gap : 0);
    scan_strips<X, R, widest, plain>(staged, 0, spill);
    if (!p.stream) {
      __builtin_memcpy(p.y, stage, p.length * p.y_scan);
      return;
    }
    if (p.y_scan == staged.y_scan) {
      copy_past_cache(p.y, stage, p.length * p.y_scan);
      return;
    }
    for (int64_t i = 0; i < p.length; ++i) {
      copy_past_cache(p.y + i * p.y_scan, stage + i * staged.y_scan, row_bytes);
    }
  }

  // Rows taken together: a group, so that memory is walked row by row; or more of few lines.
  template <class R>
  static int64_t height(const Piece& p, bool staged) {
    const int64_t row_bytes = p.lines * int64_t{sizeof(R)};
    const int64_t fitting = policy::stage_bytes / row_bytes / group_size * group_size;
    return p.lines > 4 * widest ? group_size : staged ? fitting : tile_size;
  }

  // Whether lanes would spill from each row into the next, and may: where rows are all there is in
  // memory. Beside others' lines, which they may be writing in place, nothing is even read.
  template <class X, class R>
  static bool can_spill(const Piece& p) {
    const int64_t rest = p.lines % widest;
    const bool spills = rest == 1 || (rest & (rest - 1)) != 0;
    const bool packed = p.adds_up ? p.x_scan == p.lines * int64_t{sizeof(X)}
                                  : p.y_scan == p.lines * int64_t{sizeof(R)};
    return spills && !p.mask && p.x_scan >= p.lines * int64_t{sizeof(X)} && packed;
  }

  // Small pieces of whole lines, one after another.
  template <class X, class R, bool plain>
  static void scan_repeats(const Piece& p) {
    alignas(64) char stage[policy::stage_bytes];
    const int64_t bytes = p.length * p.y_scan;
    const int64_t together = p.stream ? policy::stage_bytes / bytes : p.repeats;
    Piece unit = p;
    for (int64_t first = 0; first < p.repeats; first += together) {
      const int64_t left = p.repeats - first, count = left < together ? left : together;
      char* const y = p.y + first * p.y_repeat;
      for (int64_t i = 0; i < count; ++i) {
        unit.x = p.x + (first + i) * p.x_repeat;
        unit.y = (p.stream ? stage : y) + i * p.y_repeat;
        scan_strips<X, R, widest, plain>(unit, 0, false);
      }
      if (p.stream) copy_past_cache(y, stage, count * bytes);
    }
  }

  template <class X, class R>
  static void scan(const Piece& p) {
    if (p.repeats > 0) {
      const bool dense =
          p.x_scan == p.lines * int64_t{sizeof(X)} && p.y_scan == p.lines * int64_t{sizeof(R)};
      if (dense && !p.exclusive && weave<A, X, R>(p, p.lines, p.repeats, p.x_repeat, p.y_repeat)) {
        return;
      }
      return is_plain(p) && !small ? scan_repeats<X, R, true>(p) : scan_repeats<X, R, false>(p);
    }
    if (!small && is_plain(p)) {
      walk<X, R, true>(p);
    } else {
      walk<X, R, false>(p);
    }
  }

  template <class X, class R>
  static void add_up(const Piece& p) {
    Piece sums = p;
    sums.adds_up = true;
    sums.exclusive = false;
    walk<X, R, false>(sums);
  }

  template <class X, class R, bool plain>
  static void walk(const Piece& p) {
    const bool spilling = can_spill<X, R>(p);
    const bool staged = !p.adds_up && (p.stream || spilling);
    const int64_t most = height<R>(p, staged);
    Piece rows = p;
    for (int64_t i = 0; i < p.length; i += rows.length) {
      const int64_t tile_left = tile_size - (p.position + i) % tile_size, left = p.length - i;
      rows.x = p.x + i * p.x_scan;
      if (p.mask) rows.mask = p.mask + i * p.mask_scan;
      rows.y = p.y + i * p.y_scan;
      const bool nothing_yet = p.position + i < tile_size && !p.carried;
      rows.carry = nothing_yet ? nullptr : p.carry;
      rows.length = most < tile_left ? most : tile_left;
      const bool spill = spilling && left > group_size;  // past the last row there may be nothing
      if (spill && rows.length >= left) rows.length = (left - 1) / group_size * group_size;
      if (rows.length > left) rows.length = left;
      const bool ahead = p.stream && most == group_size && left > rows.length;
      rows.x_ahead = ahead ? rows.length * p.x_scan : 0;
      if (staged) {
        scan_staged<X, R, plain>(rows, spill);
      } else {
        scan_strips<X, R, widest, plain>(rows, 0, spill);
      }
      if (rows.length == tile_left) end_tile(p, p.adds_up);
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
