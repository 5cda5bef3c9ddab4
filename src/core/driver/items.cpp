// Small items, many at a time: what it costs to begin one is as much as the scan of some hundred
// elements.
#include <algorithm>

#include "pieces.h"
#include "policy.h"
#include "run.h"
#include "sizes.h"

namespace cumsum {

bool Run::comes_in_repeats() const {
  const int64_t elements = plan_.scan.size * plan_.inner.size;
  const int64_t most = plan_.pack_x ? sizes().packed_rows / 2 : policy::most_repeated;
  const bool packed = plan_.pack_y || (plan_.pack_x && plan_.has_gaps());
  const bool tiles = plan_.walk == Walk::columns && plan_.scan.size > tile_size;
  return plan_.op == Operator::sum && !plan_.carried && !plan_.nan && plan_.panels == 1 &&
         plan_.outer_dims > 0 && !packed && !tiles &&
         elements * std::max(y_size_, packed_size_) <= most;
}

// Items that differ in the last outer axis alone, at most `most`; how many they were.
int64_t Run::scan_repeats(Workspace& space, const Item& item, int64_t index, int64_t most) const {
  const Axis& axis = plan_.outer[plan_.outer_dims - 1];
  Piece piece = part_of(item, 0, item.length);
  piece.repeats = std::min(most, axis.size - index % axis.size);
  piece.x_repeat = axis.x_stride;
  piece.y_repeat = axis.y_stride;
  piece.mask_repeat = axis.mask_stride;
  if (plan_.pack_x) pack_repeats(space, piece);
  plan_.walk == Walk::columns ? repeat_columns(piece) : repeat_rows(piece);
  return piece.repeats;
}

void Run::repeat_columns(Piece piece) const {
  const int64_t row_bytes = piece.lines * y_size_, x_row = piece.lines * piece.x_line;
  const bool dense = piece.y_scan == row_bytes && piece.y_repeat == piece.length * row_bytes;
  piece.stream = plan_.stream && dense;
  if (piece.length == 1 && dense && piece.x_repeat == x_row && !piece.mask) {
    piece.lines *= piece.repeats;  // one row
    piece.repeats = 0;
  }
  if (scan_pair_ && piece.repeats) return scan_pairs(piece);
  scan_(with_channels(piece));
}

void Run::repeat_rows(Piece piece) const {
  const int64_t repeats = piece.repeats;
  piece.repeats = 0;
  if (piece.x_repeat == piece.lines * piece.x_line &&
      piece.y_repeat == piece.lines * piece.y_line && !piece.mask) {
    piece.lines *= repeats;
    return scan_(piece);
  }
  for (int64_t i = 0; i < repeats; ++i) {
    scan_(piece);
    piece.x += piece.x_repeat;
    piece.y += piece.y_repeat;
    if (piece.mask) piece.mask += piece.mask_repeat;
  }
}

namespace {

// What is packed next comes nearer while this is scanned, where items follow each other. float64
// (1249, 234, 5) and complex64 (2188, 1017, 2), transposed, one thread of a Zen 5, ns an element:
// 0.83 and 1.31 without, 0.70 and 0.92 with this. (Of larger tiles it is not worth it: (4096, 4096)
// and (1000, 1000) transposed, 10 million of every second element, the same with it and without.)
void fetch_next(const Piece& p, int64_t bytes) {
  constexpr int64_t line = 64;
  const int64_t span = p.repeats * std::abs(p.x_repeat), step = p.x_repeat < 0 ? -line : line;
  if (std::abs(p.x_repeat) > 2 * bytes) return;
  const char* next = p.x + p.repeats * p.x_repeat;
  for (int64_t i = 0; i < span; i += line, next += step) __builtin_prefetch(next);
}

}  // namespace

// As many of them as leave room in the first-level cache for x and y, one after another in the
// buffer.
void Run::pack_repeats(Workspace& space, Piece& piece) const {
  const bool columns = plan_.walk == Walk::columns, reversed = plan_.walk == Walk::reversed;
  const int64_t row = (columns ? piece.lines : piece.length) * packed_size_;
  const int64_t bytes = piece.lines * piece.length * packed_size_;
  const int64_t step = reversed ? -packed_size_ : packed_size_;
  piece.repeats = std::clamp<int64_t>(sizes().packed_rows / 3 / bytes, 1, piece.repeats);
  Piece copy = piece;
  write_at(copy, space.packed.data() + (reversed ? row - packed_size_ : 0), columns ? row : step,
           columns ? packed_size_ : row);
  copy.y_repeat = bytes;
  pack_(copy);
  fetch_next(piece, bytes);
  read_back(copy);
  read_at(piece, copy.x, copy.x_scan, copy.x_line);
  piece.x_repeat = bytes;
}

// Two columns side by side in the buffer and in y.
void Run::scan_pairs(Piece piece) const {
  piece.lines = std::max<int64_t>(1, piece.repeats);
  piece.repeats = 0;
  piece.x_line = piece.x_repeat;
  piece.y_line = piece.y_repeat;
  piece.stream =
      piece.stream && reinterpret_cast<uintptr_t>(piece.y) % 16 == 0 && piece.y_line % 16 == 0;
  scan_pair_(piece);
}

}  // namespace cumsum
