#include "adder.h"

#include <cstring>

#include "target.h"

namespace cumsum {

namespace {

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

// Each line's carry once the tile is done.
template <class AnySums>
void add_totals(const AnySums& sums, int64_t lines, const Wide* carries, Wide* after) {
  for (int64_t i = 0; i < lines; ++i) {
    if constexpr (__is_same(AnySums, Sums)) {
      after[i] = carries[i] + sums.at[last(sums, i)];
    } else {
      const int64_t at = last(sums.lower, i);
      after[i] = carries[i] + (Wide{sums.upper[at]} << 32) + sums.lower.at[at];
    }
  }
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

}  // namespace

Adder::Adder(DType x)
    : target_(*current_target().checked),
      x_size_(item_size(x)),
      is_signed_(x == DType::int64),
      within_(target_.within[int(x)]),
      direct_(current_target().pairs[int(x)][int(DType::int64)]),
      packed_(current_target().pairs[int(DType::int64)][int(DType::int64)]),
      pack_(current_target().copy[int(x)][int(DType::int64)]) {}

void Adder::survey(const Tile& tile, bool exclusive, Survey* lines, Buffer& buffer) const {
  Wide before[policy::exact_lines] = {}, totals[policy::exact_lines];
  if (is_near(tile)) {
    const Sums sums = add_up(tile, buffer);
    add_totals(sums, tile.lines, before, totals);
    target_.survey(shown(sums, exclusive), lines);
  } else {
    const Halves sums = add_up_halves(tile, buffer);
    add_totals(sums, tile.lines, before, totals);
    target_.survey_halves(shown(sums, exclusive), lines);
  }
  for (int64_t i = 0; i < tile.lines; ++i) lines[i].sum += totals[i];
}

Piece Adder::clamp(const Tile& tile, bool exclusive, Range range, Wide* carries,
                   Buffer& buffer) const {
  Wide after[policy::exact_lines];
  Sums results;
  if (is_near(tile)) {
    const Sums sums = add_up(tile, buffer);
    add_totals(sums, tile.lines, carries, after);
    results = shown(sums, exclusive);
    target_.clamp(results, carries, range);
  } else {
    const Halves sums = add_up_halves(tile, buffer);
    add_totals(sums, tile.lines, carries, after);
    results = shown(sums.lower, exclusive);
    target_.clamp_halves(shown(sums, exclusive), carries, range);
  }
  std::copy(after, after + tile.lines, carries);
  return piece_of(results);
}

// Whether 64 bits suffice for the sums of the tile.
bool Adder::is_near(const Tile& tile) const {
  if (x_size_ < 8) return true;
  const int64_t runs = tile.columns ? tile.length : tile.lines;
  const int64_t count = tile.columns ? tile.lines : tile.length;
  const int64_t stride = tile.columns ? tile.x_line : tile.x_scan;
  const int64_t between_runs = tile.columns ? tile.x_scan : tile.x_line;
  for (int64_t i = 0; i < runs; ++i) {
    if (!within_(tile.x + i * between_runs, stride, count, {1 - near, near - 1})) return false;
  }
  return true;
}

Sums Adder::add_up(const Tile& tile, Buffer& buffer) const {
  const Sums sums = place(tile, buffer.sums, tile.columns);
  begin_with_zero(sums);
  Piece piece = between(tile, sums);
  const bool direct = (tile.columns ? tile.x_line : tile.x_scan) == x_size_;
  if (!direct) {
    pack_(piece);
    piece = piece_of(sums);
  }
  const KernelSet& pair = direct ? direct_ : packed_;
  if (tile.columns) {
    int64_t carry[policy::exact_lines] = {}, chain[policy::exact_lines] = {};
    piece.carry = reinterpret_cast<char*>(carry);
    piece.chain = reinterpret_cast<char*>(chain);
    pair.scan[int(Walk::columns)](piece);
  } else {
    pair.scan[int(Walk::rows)](piece);
  }
  return sums;
}

// As rows, whichever way the tile lies.
Halves Adder::add_up_halves(const Tile& tile, Buffer& buffer) const {
  const Sums lower = place(tile, buffer.sums, false), upper = place(tile, buffer.upper, false);
  pack_(between(tile, lower));
  for (int64_t i = 0; i < tile.lines; ++i) {
    target_.halve(lower.at + i * lower.line, upper.at + i * lower.line, tile.length, is_signed_);
  }
  for (const Sums& sums : {lower, upper}) {
    begin_with_zero(sums);
    packed_.scan[int(Walk::rows)](piece_of(sums));
  }
  return {lower, upper.at};
}

}  // namespace cumsum
