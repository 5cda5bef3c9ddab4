// Exact sums of integers: the plain kernels add up tiles in 64 bits, and where those would not
// suffice each half of the elements by itself.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "checked.h"
#include "tile_sums.h"

namespace cumsum {
namespace {

struct Tile {
  const char* x;
  int64_t x_scan, x_line;  // in bytes
  int64_t length, lines;
  bool columns;  // lines lie side by side
};

// Room for the sums of a tile, and before them those of no elements; of halves as well.
struct Buffer {
  static constexpr int64_t size = policy::exact_elements + policy::exact_lines;
  alignas(64) int64_t sums[size], upper[size];
};

// Where the sums of a tile go.
Sums place(const Tile& tile, int64_t* buffer, bool columns) {
  if (columns) return {buffer + tile.lines, tile.lines, 1, tile.length, tile.lines};
  return {buffer + 1, 1, tile.length + 1, tile.length, tile.lines};
}

Sums shown(Sums sums, bool exclusive) {
  if (exclusive) sums.at -= sums.scan;
  return sums;
}

Halves shown(const Halves& sums, bool exclusive) {
  return {shown(sums.lower, exclusive), sums.upper - exclusive * sums.lower.scan};
}

int64_t last(const Sums& sums, int64_t line) {
  return line * sums.line + (sums.length - 1) * sums.scan;
}

Wide total(const Sums& sums, int64_t line) { return sums.at[last(sums, line)]; }

Wide total(const Halves& sums, int64_t line) {
  const int64_t at = last(sums.lower, line);
  return (Wide{sums.upper[at]} << 32) + sums.lower.at[at];
}

// From the sums to themselves.
Piece piece_of(const Sums& sums) {
  constexpr int64_t size = sizeof(int64_t);
  Piece piece{};
  piece.x = piece.y = reinterpret_cast<char*>(sums.at);
  piece.x_scan = piece.y_scan = sums.scan * size;
  piece.x_line = piece.y_line = sums.line * size;
  piece.length = sums.length;
  piece.lines = sums.lines;
  return piece;
}

Piece between(const Tile& tile, const Sums& sums) {
  Piece piece = piece_of(sums);
  piece.x = tile.x;
  piece.x_scan = tile.x_scan;
  piece.x_line = tile.x_line;
  return piece;
}

void begin_with_zero(const Sums& sums) {
  for (int64_t i = 0; i < sums.lines; ++i) sums.at[i * sums.line - sums.scan] = 0;
}

bool all_within(const Tile& tile, const Exactly& by, Range range) {
  const int64_t runs = tile.columns ? tile.length : tile.lines;
  const int64_t count = tile.columns ? tile.lines : tile.length;
  const int64_t stride = tile.columns ? tile.x_line : tile.x_scan;
  const int64_t between_runs = tile.columns ? tile.x_scan : tile.x_line;
  for (int64_t i = 0; i < runs; ++i) {
    if (!by.kernels->within[int(by.x)](tile.x + i * between_runs, stride, count, range)) {
      return false;
    }
  }
  return true;
}

// Whether 64 bits suffice for the sums of the tile.
bool is_near(const Tile& tile, const Exactly& by) {
  return item_size(by.x) < 8 || all_within(tile, by, {1 - near, near - 1});
}

Sums add_up(const Tile& tile, const Exactly& by, Buffer& buffer) {
  const Sums sums = place(tile, buffer.sums, tile.columns);
  begin_with_zero(sums);
  Piece piece = between(tile, sums);
  const bool direct = (tile.columns ? tile.x_line : tile.x_scan) == item_size(by.x);
  if (!direct) {
    by.pack(piece);
    piece = piece_of(sums);
  }
  int64_t carry[policy::exact_lines] = {}, chain[policy::exact_lines] = {};
  if (tile.columns) {
    piece.carry = reinterpret_cast<char*>(carry);
    piece.chain = reinterpret_cast<char*>(chain);
  }
  const Walk walk = tile.columns ? Walk::columns : Walk::rows;
  (direct ? by.direct : by.packed)->scan[int(walk)](piece);
  return sums;
}

// As rows, whichever way the tile lies.
Halves add_up_halves(const Tile& tile, const Exactly& by, Buffer& buffer) {
  const Sums lower = place(tile, buffer.sums, false), upper = place(tile, buffer.upper, false);
  by.pack(between(tile, lower));
  for (int64_t i = 0; i < tile.lines; ++i) {
    by.kernels->halve(lower.at + i * lower.line, upper.at + i * lower.line, tile.length,
                      by.x == DType::int64);
  }
  for (const Sums& sums : {lower, upper}) {
    begin_with_zero(sums);
    by.packed->scan[int(Walk::rows)](piece_of(sums));
  }
  return {lower, upper.at};
}

// Calls use(sums).
template <class Use>
void add_up(const Tile& tile, const Exactly& by, Buffer& buffer, Use use) {
  if (is_near(tile, by)) {
    use(add_up(tile, by, buffer));
  } else {
    use(add_up_halves(tile, by, buffer));
  }
}

// The results of a tile go to `y`, a piece of the same elements; or sums that are not in the range
// are found where nothing is to be stored.
template <class AnySums>
void finish(const AnySums& sums, const Tile& tile, const Piece& y, Wide* carries) {
  constexpr bool halves = __is_same(AnySums, Halves);
  const Exactly& by = *y.exactly;
  const AnySums results = shown(sums, y.exclusive);
  Wide after[policy::exact_lines];
  for (int64_t i = 0; i < tile.lines; ++i) after[i] = carries[i] + total(sums, i);
  if (!y.y) {
    Survey lines[policy::exact_lines];
    for (int64_t i = 0; i < tile.lines; ++i) lines[i] = {carries[i], widest, -widest};
    if constexpr (halves) {
      by.kernels->survey_halves(results, lines);
    } else {
      by.kernels->survey(results, lines);
    }
    for (int64_t i = 0; i < tile.lines; ++i) {
      const bool fits = by.range.contains(lines[i].least) && by.range.contains(lines[i].most);
      if (!fits) by.exceeded->store(true, std::memory_order_relaxed);
    }
  } else {
    Sums clamped;
    if constexpr (halves) {
      by.kernels->clamp_halves(results, carries, by.range);
      clamped = results.lower;
    } else {
      by.kernels->clamp(results, carries, by.range);
      clamped = results;
    }
    Piece out = piece_of(clamped);
    out.y = y.y;
    out.y_scan = y.y_scan;
    out.y_line = y.y_line;
    by.store(out);
  }
  std::copy_n(after, tile.lines, carries);
}

// Calls visit(tile, line, element) for parts of a piece that fit a buffer.
template <class Visit>
void for_each_tile(const Piece& p, Visit visit) {
  Tile tile;
  tile.x_scan = p.x_scan;
  tile.x_line = p.x_line;
  tile.columns = p.lines > 1 && std::llabs(p.x_line) < std::llabs(p.x_scan);
  const int64_t longest = tile.columns ? 1 : std::min(p.length, policy::exact_length);
  for (int64_t line = 0; line < p.lines; line += tile.lines) {
    tile.lines = std::min({p.lines - line, policy::exact_lines, policy::exact_elements / longest});
    for (int64_t i = 0; i < p.length; i += tile.length) {
      tile.x = p.x + line * p.x_line + i * p.x_scan;
      tile.length =
          std::min({p.length - i, policy::exact_length, policy::exact_elements / tile.lines});
      visit(tile, line, i);
    }
  }
}

void scan(const Piece& p) {
  Buffer buffer;
  for_each_tile(p, [&](const Tile& tile, int64_t line, int64_t i) {
    Wide carries[policy::exact_lines];
    char* const carry_at = p.carry + line * int64_t{sizeof(Wide)};
    std::memcpy(carries, carry_at, tile.lines * sizeof(Wide));
    Piece y = p;
    if (p.y) y.y += line * p.y_line + i * p.y_scan;
    add_up(tile, *p.exactly, buffer, [&](const auto& sums) { finish(sums, tile, y, carries); });
    std::memcpy(carry_at, carries, tile.lines * sizeof(Wide));
  });
}

// Of each line the sum.
void add_up_lines(const Piece& p) {
  Buffer buffer;
  for_each_tile(p, [&](const Tile& tile, int64_t line, int64_t i) {
    add_up(tile, *p.exactly, buffer, [&](const auto& sums) {
      for (int64_t l = 0; l < tile.lines; ++l) {
        char* const at = p.carry + (line + l) * int64_t{sizeof(Wide)};
        write(at, (i > 0 ? read<Wide>(at) : 0) + total(sums, l));
      }
    });
  });
}

// Values are pairs of 64-bit words, the lower first.
void begin_with(char* carry, const char* values, int64_t stride, int64_t lines) {
  for (int64_t i = 0; i < lines; ++i) {
    const char* const words = values + i * stride;
    const Wide sum = (Wide{read<int64_t>(words + 8)} << 64) + read<uint64_t>(words);
    write(carry + i * int64_t{sizeof(Wide)}, sum);
  }
}

constexpr KernelSet make_checked() {
  KernelSet set{};
  for (const Walk walk : {Walk::rows, Walk::columns}) {
    set.scan[int(walk)] = scan;
    set.add_up[int(walk)] = add_up_lines;
  }
  set.fold = Carries<Wide>::fold;
  set.set = begin_with;
  set.carry_size = set.total_size = sizeof(Wide);
  set.planes = set.channels = 1;
  set.any_strides = true;
  return set;
}

}  // namespace

constinit const KernelSet checked_set = make_checked();

}  // namespace cumsum
