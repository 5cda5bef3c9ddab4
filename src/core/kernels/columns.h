// Columns: lines side by side, as many at a time as a vector has lanes.
#pragma once

#include "column.h"
#include "policy.h"
#include "short_rows.h"
#include "tile_sums.h"

namespace cumsum {
namespace {

template <class A>
struct Columns {
  using Column = cumsum::Column<A>;
  static constexpr int widest = lanes_of<A, vector_bytes>;

  // Lanes of a vector, at least, where those past the lines may spill. Two 16-bit floats are
  // converted one by one: float16 (100 thousand, 2) along dim 0, one thread of a Zen 5: 2.3 ns an
  // element, 0.4 with four lanes.
  template <class X, class R>
  static constexpr int fewest = is_half<X> || is_half<R> ? 4 : 2;

  // L lines of any number of groups: what is carried stays in registers.
  template <class X, class R, int L, bool plain>
  static inline void scan_strip(const Piece& p, const char* x, char* y, int64_t line) {
    const char* mask = !plain && p.mask ? p.mask + line : nullptr;
    char* const chain_at = p.chain + line * int64_t{sizeof(A)};
    auto carry = Vector<Carry<A>, L>{};
    auto chain = Vector<A, L>{};
    if (p.chain) chain = get_lines<A, L>(chain_at);
    if (p.carry) {
      carry = get_lines<Carry<A>, L>(p.carry + line * int64_t{sizeof(Carry<A>)});
    }
    int64_t i = 0;
    // Rows are too short for the hardware to foresee the next ones. float32 (4096, 4096) along dim
    // 0, one thread: 0.30 ns an element, 0.25 with this.
    if (p.x_ahead && begins_cache_line<X>(line)) {
      CUMSUM_UNROLL
      for (int r = 0; r < group_size; ++r) __builtin_prefetch(x + p.x_ahead + r * p.x_scan);
    }
    if (p.x_ahead && mask && begins_cache_line<char>(line)) {
      CUMSUM_UNROLL
      for (int r = 0; r < group_size; ++r) __builtin_prefetch(mask + (p.length + r) * p.mask_scan);
    }
    for (; i + group_size <= p.length; i += group_size) {
      Column::template scan_group<X, R, L, plain>(p, x + i * p.x_scan,
                                                  mask ? mask + i * p.mask_scan : nullptr,
                                                  y + i * p.y_scan, group_size, carry, chain);
    }
    int rest = static_cast<int>(p.length - i);
    x += i * p.x_scan;
    if (mask) mask += i * p.mask_scan;
    y += i * p.y_scan;
    if constexpr (L == widest) {  // short axes, as of colours, are frequent
      if (plain && rest > 0 && rest <= 2) {
        Column::template scan_group<X, R, L, plain, 2>(p, x, mask, y, rest, carry, chain);
        rest = 0;
      } else if (rest > 0 && rest <= 4) {
        Column::template scan_group<X, R, L, plain, 4>(p, x, mask, y, rest, carry, chain);
        rest = 0;
      }
    }
    if (rest > 0) {
      if constexpr (plain || L == widest) {
        Column::template scan_group<X, R, L, plain>(p, x, mask, y, rest, carry, chain);
      } else {
        chain = Column::template scan_rest<X, R, L>(p, x, mask, y, rest, carry, chain);
      }
    }
    if (p.chain) put_lines<A, L>(chain_at, chain);
  }

  // The last lines of all, as if they were L: lanes past them come from the next row and go to
  // where the next row will be.
  template <class X, class R, int L, bool plain>
  static inline void scan_spilling(const Piece& p, int64_t line) {
    const int64_t count = p.lines - line;
    char carry[L * sizeof(Carry<A>)] = {}, chain[L * sizeof(A)] = {};
    char* const chain_at = p.chain + line * int64_t{sizeof(A)};
    __builtin_memcpy(chain, chain_at, count * sizeof(A));
    if (p.carry) {
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
      const int64_t last = p.lines - rest;
      if (spill && rest && (rest > L / 2 || L == fewest<X, R>)) {
        if (p.chain) {
          scan_spilling<X, R, L, plain>(p, last);
        } else {
          scan_strip<X, R, L, plain>(p, p.x + last * int64_t{sizeof(X)},
                                     p.y + last * int64_t{sizeof(R)}, last);
        }
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
    constexpr int64_t gap = 64;  // rows of 4096 bytes would fall into the same sets of the cache
    alignas(64) char stage[policy::stage_bytes + (group_size + 1) * gap];
    const int64_t row_bytes = p.lines * int64_t{sizeof(R)};
    const bool apart = p.y_scan != row_bytes && p.length <= group_size;
    Piece staged = p;
    staged.y = stage;
    staged.y_scan = row_bytes + (apart ? gap : 0);
    scan_strips<X, R, widest, plain>(staged, 0, spill);
    if (!p.stream) {
      __builtin_memcpy(p.y, stage, p.length * row_bytes);
      return;
    }
    const bool whole = p.y_scan == staged.y_scan;
    const int64_t bytes = whole ? p.length * row_bytes : row_bytes;
    for (int64_t i = 0; i < (whole ? 1 : p.length); ++i) {
      copy_past_cache(p.y + i * p.y_scan, stage + i * staged.y_scan, bytes);
    }
  }

  // Rows taken together: a group, so that memory is walked row by row; or more of few lines.
  template <class R>
  static int64_t height(const Piece& p, bool staged) {
    if (p.length <= group_size) return group_size;
    const int64_t row_bytes = p.lines * int64_t{sizeof(R)};
    const int64_t fitting = policy::stage_bytes / row_bytes / group_size * group_size;
    return p.lines > 4 * widest ? group_size : staged ? fitting : tile_size;
  }

  // Whether lanes would spill from each row into the next, and may: where rows are all there is in
  // memory. Beside others' lines, which they may be writing in place, nothing is even read.
  template <class X, class R>
  static bool can_spill(const Piece& p) {
    const int64_t rest = p.lines % widest;
    const bool spills = (rest & (rest - 1)) != 0;
    const bool packed = p.adds_up ? p.x_scan == p.lines * int64_t{sizeof(X)}
                                  : p.y_scan == p.lines * int64_t{sizeof(R)};
    const bool few = rest > 0 && rest < fewest<X, R>;
    return (spills || few) && !p.mask && p.x_scan >= p.lines * int64_t{sizeof(X)} && packed;
  }

  // Small pieces of whole lines, one after another. What spills from one goes to the next, and is
  // gathered where that is read later.
  template <class X, class R, bool plain>
  static void scan_repeats(const Piece& p, bool dense) {
    alignas(64) char stage[policy::stage_bytes + vector_bytes];
    const int64_t bytes = p.length * p.y_scan;
    const bool spilling = dense && can_spill<X, R>(p);
    const bool staged = p.stream || (spilling && p.x == p.y);
    const int64_t together = staged ? policy::stage_bytes / bytes : p.repeats;
    Piece unit = p;
    for (int64_t first = 0; first < p.repeats; first += together) {
      const int64_t left = p.repeats - first, count = left < together ? left : together;
      char* const y = p.y + first * p.y_repeat;
      for (int64_t i = 0; i < count; ++i) {
        unit.x = p.x + (first + i) * p.x_repeat;
        if (!plain && p.mask) unit.mask = p.mask + (first + i) * p.mask_repeat;
        unit.y = (staged ? stage : y) + i * p.y_repeat;
        scan_strips<X, R, widest, plain>(unit, 0, spilling && i + 1 < left);
      }
      if (p.stream) {
        copy_past_cache(y, stage, count * bytes);
      } else if (staged) {
        __builtin_memcpy(y, stage, count * bytes);
      }
    }
  }

  template <class X, class R>
  static void scan(const Piece& p) {
    const bool plain = !small && is_plain(p);
    if (p.repeats > 0) {
      const int64_t x_row = p.lines * int64_t{sizeof(X)}, y_row = p.lines * int64_t{sizeof(R)};
      const bool rows = p.x_scan == x_row && p.y_scan == y_row;
      if (rows && plain && weave<A, X, R>(p, p.lines, p.repeats, p.x_repeat, p.y_repeat)) return;
      const bool dense = rows && p.x_repeat == p.length * x_row && p.y_repeat == p.length * y_row;
      return plain ? scan_repeats<X, R, true>(p, dense) : scan_repeats<X, R, false>(p, dense);
    }
    plain ? walk<X, R, true>(p) : walk<X, R, false>(p);
  }

  template <class X, class R>
  static void add_up(const Piece& p) {
    Piece sums = p;
    sums.adds_up = true;
    sums.exclusive = false;
    walk<X, R, false>(sums);
  }

  // Lines of one element are their own sums.
  template <class X, class R>
  static void scan_single(const Piece& p) {
    constexpr int64_t x_size = sizeof(X), y_size = sizeof(R);
    const auto some = [&](int64_t line, int64_t count) {
      Piece part = p;
      part.x += line * x_size;
      part.y += line * y_size;
      part.lines = count;
      scan_strips<X, R, widest, true>(part, 0, false);
    };
    const auto sums = [&](int64_t line) {
      return load<A, widest, X>(p.x + line * x_size) + Vector<A, widest>{};
    };
    const int64_t head = -reinterpret_cast<intptr_t>(p.y) & 63;  // bytes
    const bool stream = p.stream && head % y_size == 0;
    int64_t i = !stream ? 0 : head / y_size < p.lines ? head / y_size : p.lines;
    if (i > 0) some(0, i);
    if (stream) {
      for (; i + widest <= p.lines; i += widest)
        store_stream<R, A, widest>(p.y + i * y_size, sums(i));
    } else {
      for (; i + widest <= p.lines; i += widest) store<R, A, widest>(p.y + i * y_size, sums(i));
    }
    if (i < p.lines) some(i, p.lines - i);
  }

  template <class X, class R, bool plain>
  static void walk(const Piece& p) {
    if constexpr (plain) {
      if (p.length == 1 && !p.chain) return scan_single<X, R>(p);
    }
    const int64_t least = p.length < group_size ? p.length : group_size;
    const bool fits = least * p.lines * int64_t{sizeof(R)} <= policy::stage_bytes;
    const bool spilling = fits && can_spill<X, R>(p);
    const bool staged = fits && !p.adds_up && (p.stream || (spilling && p.x == p.y));
    const int64_t most = height<R>(p, staged);
    Piece rows = p;
    for (int64_t i = 0; i < p.length; i += rows.length) {
      const int64_t tile_left = tile_size - (p.position + i) % tile_size, left = p.length - i;
      rows.x = p.x + i * p.x_scan;
      if (p.mask) rows.mask = p.mask + i * p.mask_scan;
      rows.y = p.y + i * p.y_scan;
      const bool nothing_yet = p.adds_up || (p.position + i < tile_size && !p.carried);
      rows.carry = nothing_yet ? nullptr : p.carry;
      rows.length = most < tile_left ? most : tile_left;
      const bool spill = spilling && left > group_size;  // past the last row there may be nothing
      if (spill && rows.length >= left) rows.length = (left - 1) / group_size * group_size;
      if (rows.length > left) rows.length = left;
      const bool ahead = p.stream && most == group_size && left > rows.length;
      rows.x_ahead = ahead ? rows.length * p.x_scan : 0;
      staged ? scan_staged<X, R, plain>(rows, spill)
             : scan_strips<X, R, widest, plain>(rows, 0, spill);
      if (rows.length == tile_left) end_tile(p);
    }
  }

  // The sums of the tile go to the carries; where nothing is stored, they are those sums.
  static void end_tile(const Piece& p) {
    const int64_t bytes = p.lines * int64_t{sizeof(A)};
    if (p.adds_up) {
      __builtin_memcpy(p.carry, p.chain, bytes);
    } else {
      Carries<A>::fold(p.carry, p.chain, p.lines);
    }
    __builtin_memset(p.chain, 0, bytes);
  }
};

}  // namespace
}  // namespace cumsum
