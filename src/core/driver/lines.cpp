// Any lines, by the kernels directly or by way of a buffer; and whole lines, where there are enough
// of them for each worker to keep the carries of its own.
#include <algorithm>
#include <cstring>

#include "policy.h"
#include "run.h"

namespace cumsum {
namespace {

// A copy from where `from` reads to where `to` writes, of as many elements as `shape` has.
Piece between(const Piece& from, const Piece& to, const Piece& shape) {
  Piece piece = shape;
  piece.x = from.x;
  piece.x_scan = from.x_scan;
  piece.x_line = from.x_line;
  piece.y = to.y;
  piece.y_scan = to.y_scan;
  piece.y_line = to.y_line;
  return piece;
}

}  // namespace

bool Run::comes_in_repeats() const {
  const int64_t bytes = plan_.scan.size * plan_.inner.size * y_size_;
  return plan_.walk == Walk::columns && !plan_.carried && !plan_.holes && plan_.panels == 1 &&
         plan_.outer_dims > 0 && !plan_.pack_x && !plan_.pack_y && bytes <= policy::most_repeated;
}

// Units of a few elements each: those that differ in the last outer axis alone, at most `most`.
int64_t Run::scan_repeats(const Unit& unit, int64_t index, int64_t most) const {
  const Axis& axis = plan_.outer[plan_.outer_dims - 1];
  Piece piece = part_of(unit, 0, unit.length);
  piece.repeats = std::min(most, axis.size - index % axis.size);
  piece.x_repeat = axis.x_stride;
  piece.y_repeat = axis.y_stride;
  const int64_t row_bytes = unit.lines * y_size_;
  const bool dense = piece.y_scan == row_bytes && axis.y_stride == unit.length * row_bytes;
  piece.stream = plan_.stream && dense;
  scan_(with_channels(piece));
  return piece.repeats;
}

// In pieces short enough to be interrupted between them.
void Run::scan_whole(int worker, const Unit& unit) {
  Workspace& space = workspaces_[worker];
  const int64_t tiles = policy::piece_elements / (tile_size * unit.lines);
  const int64_t length = tile_size * std::max<int64_t>(1, tiles);
  // What fits a kernel's registers starts from nothing and leaves nothing.
  const int64_t whole = plan_.walk != Walk::columns ? length : group_size;
  if (unit.length <= whole && !plan_.pack_x && !plan_.pack_y && !plan_.carried) {
    scan_lines(space, unit, 0, unit.length, nullptr);
    return;
  }
  if (plan_.resumed) {
    get_records(unit, space.carry.data(), space.chain.data());
  } else {
    set_carries(unit, space.carry.data());
    std::memset(space.chain.data(), 0, panel_chain_);
  }
  for (int64_t i = 0; i < unit.length; i += length) {
    if (i > 0 && patience_.is_over(worker)) return;
    scan_lines(space, unit, i, std::min(length, unit.length - i), space.carry.data());
  }
  if (plan_.resumed) put_records(unit, space.carry.data(), space.chain.data());
}

void Run::scan_lines(Workspace& space, const Unit& unit, int64_t begin, int64_t length,
                     char* carry) {
  Piece piece = part_of(unit, begin, length);
  piece.carry = carry;
  piece.carried = plan_.carried;
  piece.chain = carry ? space.chain.data() : nullptr;
  if (!unit.pack_x && !plan_.pack_y) {
    scan_(with_channels(piece));
    return;
  }
  for (int64_t line = 0; line < unit.lines; line += pack_shape_.lines) {
    Piece some = piece;
    some.x += line * piece.x_line;
    some.y += line * piece.y_line;
    if (some.mask) some.mask += line * piece.mask_line;
    some.carry += line * set_.carry_size;
    some.chain += line * set_.chain_size;
    some.lines = std::min(pack_shape_.lines, unit.lines - line);
    scan_packed(space, some, unit.pack_x);
  }
}

void Run::scan_packed(Workspace& space, const Piece& whole, bool pack_x) {
  Piece packed = whole;  // the buffer's own strides
  packed.x = packed.y = space.packed.data();
  if (plan_.walk == Walk::columns) {
    packed.x_line = packed.y_line = packed_size_;
    packed.x_scan = packed.y_scan = whole.lines * packed_size_;
  } else {
    packed.x_scan = packed.y_scan = plan_.walk == Walk::reversed ? -packed_size_ : packed_size_;
    packed.x_line = packed.y_line = pack_shape_.length * packed_size_ + policy::packed_padding;
    if (plan_.holes && whole.length <= pack_shape_.length) {
      packed.x_line = packed.y_line = whole.length * packed_size_;
    }
  }
  const bool fresh = plan_.holes && !plan_.carried && whole.length == plan_.scan.size &&
                     whole.length <= pack_shape_.length && plan_.walk != Walk::columns;
  for (int64_t i = 0; i < whole.length; i += pack_shape_.length) {
    Piece part = whole;
    part.x += i * whole.x_scan;
    part.y += i * whole.y_scan;
    if (part.mask) part.mask += i * whole.mask_scan;
    part.length = std::min(pack_shape_.length, whole.length - i);
    part.position += i;
    if (fresh) part.carry = part.chain = nullptr;
    const Piece outside = part;
    if (plan_.walk == Walk::reversed) {
      packed.x = packed.y = space.packed.data() + (part.length - 1) * packed_size_;
    }
    assert(holds(space.packed, between(packed, packed, part), packed_size_));
    if (pack_x) {
      pack(space, between(part, packed, part));
      part.x = packed.x;
      part.x_scan = packed.x_scan;
      part.x_line = packed.x_line;
      part.mask = nullptr;  // the buffer has zeros there
      part.skipna = false;
    }
    if (plan_.pack_y) {
      part.y = packed.y;
      part.y_scan = packed.y_scan;
      part.y_line = packed.y_line;
    }
    scan_(with_channels(part));
    const Piece out = between(packed, outside, part);
    if (plan_.nan) {
      show(space, part, out);
    } else if (plan_.pack_y) {
      unpack_(out);
    }
  }
}

Piece Run::part_of(const Unit& unit, int64_t begin, int64_t length) const {
  const Axis &scan = plan_.scan, &inner = plan_.inner;
  Piece piece{};
  piece.x = unit.x + (begin - unit.x_begin) * unit.x_scan;
  piece.y = unit.y + begin * scan.y_stride;
  if (unit.mask) piece.mask = unit.mask + begin * scan.mask_stride;
  piece.skipna = unit.skipna;
  piece.x_scan = unit.x_scan;
  piece.y_scan = scan.y_stride;
  piece.x_line = unit.x_line;
  piece.y_line = inner.y_stride;
  piece.mask_scan = scan.mask_stride;
  piece.mask_line = inner.mask_stride;
  piece.length = length;
  piece.lines = unit.lines;
  piece.position = plan_.position + begin;
  piece.exclusive = exclusive_;
  piece.staged = comes_staged(piece);
  piece.stream = can_stream(piece);
  return piece;
}

// Long rows are stored past the cache 16 bytes at a time, at multiples of 16, all of them or none:
// neighbours share cache lines. Short ones and columns are by whole cache lines, so that what is
// left at either end of a column's row must not be much.
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
  return plan_.walk != Walk::columns && !plan_.pack_x && piece.length == plan_.scan.size &&
         y_size_ >= policy::least_staged_result && piece.y_line % 64 != 0 &&
         piece.length * y_size_ <= policy::most_staged_line;
}

Piece Run::with_channels(Piece piece) const {
  if (plan_.walk == Walk::columns) piece.lines *= channels_;
  return piece;
}

}  // namespace cumsum
