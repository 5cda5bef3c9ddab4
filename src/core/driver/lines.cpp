// Any lines, by the kernels directly or by way of a buffer; and whole lines, where there are enough
// of them for each worker to keep the carries of its own.
#include <algorithm>

#include "pieces.h"
#include "policy.h"
#include "run.h"

namespace cumsum {

// In pieces short enough to be interrupted between them.
void Run::scan_whole(int worker, const Item& item) {
  Workspace& space = workspaces_[worker];
  // What fits a kernel's registers starts from nothing and leaves nothing.
  const bool fresh = plan_.op == Operator::sum && !plan_.carried && !plan_.pack_x && !plan_.pack_y;
  const bool columns = plan_.walk == Walk::columns;
  if (fresh && columns && item.length <= group_size) {
    scan_lines(space, item, item.begin, item.length, nullptr);
    return;
  }
  const int64_t slow = plan_.op == Operator::sum ? 1 : policy::slow_operators;
  const int64_t unit = set_.any_strides ? group_size : tile_size;  // what a piece is made of
  const int64_t units = policy::piece_elements / slow / (unit * item.lines);
  const int64_t length = unit * std::max<int64_t>(1, units);
  if (fresh && !columns && item.length <= length) {
    scan_lines(space, item, item.begin, item.length, nullptr);
    return;
  }
  begin_lines(item, space.carry.data(), space.chain.data());
  for (int64_t i = 0; i < item.length; i += length) {
    if (i > 0 && patience_.is_over(worker)) return;
    const int64_t count = std::min(length, item.length - i);
    scan_lines(space, item, item.begin + i, count, space.carry.data());
  }
  if (plan_.resumed) put_states(item, space.carry.data(), space.chain.data());
}

void Run::scan_lines(Workspace& space, const Item& item, int64_t begin, int64_t length, char* carry,
                     bool stores) const {
  Piece piece = part_of(item, begin, length);
  piece.carry = carry;
  piece.carried = plan_.carried;
  piece.chain = carry ? space.chain.data() : nullptr;
  piece.plane = plan_.panel * chain_step_;
  if (!stores) piece.y = nullptr;
  if (!item.pack_x && !item.pack_decay && !(plan_.pack_y && stores)) {
    scan_(with_channels(piece));
    return;
  }
  for (int64_t line = 0; line < item.lines; line += pack_shape_.lines) {
    Piece some = piece;
    skip_lines(some, line);
    some.carry += line * set_.carry_size;
    some.chain += line * chain_step_;
    some.lines = std::min(pack_shape_.lines, some.lines);
    scan_packed(space, item, some);
  }
}

void Run::scan_packed(Workspace& space, const Item& item, const Piece& whole) const {
  const bool columns = plan_.walk == Walk::columns, reversed = plan_.walk == Walk::reversed;
  const int64_t step = reversed ? -1 : 1;
  // The buffer's own strides.
  const bool close = pack_shape_.dense && whole.length <= pack_shape_.length;
  const int64_t row = close ? whole.length * packed_size_
                            : pack_shape_.length * packed_size_ + policy::packed_padding;
  const int64_t scan = columns ? whole.lines * packed_size_ : step * packed_size_;
  const int64_t line = columns ? packed_size_ : row;
  const bool fresh = plan_.op == Operator::sum && !plan_.carried && !columns && close &&
                     whole.length == plan_.scan.size;
  for (int64_t i = 0; i < whole.length; i += pack_shape_.length) {
    Piece part = whole;
    skip_elements(part, i);
    part.length = std::min(pack_shape_.length, part.length);
    if (fresh) part.carry = part.chain = nullptr;
    const Piece outside = part;
    const int64_t back = reversed ? part.length - 1 : 0;
    char* const packed = space.packed.data() + back * packed_size_;
    if (item.pack_decay) {
      const int64_t size = sizeof(double);
      char* const to = space.decays.data() + back * size;
      pack_decays(part, to, columns ? part.lines * size : step * size,
                  columns ? size : part.length * size);
    }
    if (item.pack_x) {
      write_at(part, packed, scan, line);
      assert(space.packed.holds(part, packed_size_));
      pack(space, part);
      read_back(part);
      part.mask = nullptr;  // the buffer has zeros there
      part.skipna = false;
    }
    if (!plan_.pack_y || !outside.y) {
      write_at(part, outside.y, outside.y_scan, outside.y_line);
      (scan_pair_ && outside.y) ? scan_pairs(part) : scan_(with_channels(part));
      continue;
    }
    write_at(part, packed, scan, line);
    scan_(with_channels(part));
    Piece out = outside;
    read_at(out, packed, scan, line);
    plan_.nan ? show(space, part, out) : unpack_(out);
  }
}

Piece Run::part_of(const Item& item, int64_t begin, int64_t length) const {
  const Axis &scan = plan_.scan, &inner = plan_.inner;
  Piece piece{};
  piece.x = item.x + (begin - item.x_begin) * item.x_scan;
  piece.y = item.y ? item.y + begin * scan.y_stride : nullptr;
  if (item.mask) piece.mask = item.mask + begin * scan.mask_stride;
  piece.decay = item.decay + (begin - item.x_begin) * item.decay_scan;
  piece.skipna = item.skipna;
  piece.x_scan = item.x_scan;
  piece.y_scan = scan.y_stride;
  piece.x_line = item.x_line;
  piece.y_line = inner.y_stride;
  piece.mask_scan = scan.mask_stride;
  piece.mask_line = inner.mask_stride;
  piece.decay_scan = item.decay_scan;
  piece.decay_line = item.decay_line;
  piece.own_decays = plan_.own_decays;
  piece.length = length;
  piece.lines = item.lines;
  piece.position = plan_.position + begin - item.origin;
  piece.exclusive = plan_.exclusive;
  piece.exactly = &exactly_;
  piece.staged = comes_staged(piece);
  piece.stream = can_stream(piece);
  return piece;
}

bool Run::can_stream(const Piece& piece) const {
  if (!plan_.stream || plan_.pack_y) return false;
  if (plan_.walk == Walk::columns) {
    const int64_t row_bytes = piece.lines * y_size_;
    return row_bytes >= policy::least_streamed_row || piece.y_scan == row_bytes;
  }
  return piece.staged || aligned_;
}

// Whether every row begins at a multiple of 16 bytes.
bool Run::are_aligned() const {
  const char* const edge = plan_.walk == Walk::reversed ? y_ + y_size_ : y_;
  const auto fits = [](const Axis& axis) { return axis.size == 1 || axis.y_stride % 16 == 0; };
  return reinterpret_cast<uintptr_t>(edge) % 16 == 0 && fits(plan_.inner) &&
         std::all_of(plan_.outer, plan_.outer + plan_.outer_dims, fits);
}

// Short whole rows that don't fill cache lines of their own.
bool Run::comes_staged(const Piece& piece) const {
  return plan_.walk != Walk::columns && plan_.op == Operator::sum && !plan_.pack_x &&
         !plan_.segmented && piece.length == plan_.scan.size &&
         y_size_ >= policy::least_staged_result && piece.y_line % 64 != 0 &&
         piece.length * y_size_ <= policy::most_staged_line;
}

// In columns the two parts of a complex number are two lines.
Piece Run::with_channels(Piece piece) const {
  if (plan_.walk == Walk::columns && !plan_.fills) piece.lines *= set_.channels;
  return piece;
}

}  // namespace cumsum
