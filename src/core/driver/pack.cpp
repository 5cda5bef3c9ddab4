// The way into a buffer and out of one. Where elements add nothing, and the kernels don't read
// zeros there by themselves, the buffer has zeros there; where NaN is to stand there, y goes by way
// of one.
#include <algorithm>

#include "pieces.h"
#include "run.h"

namespace cumsum {
namespace {

// The same elements from the other end.
void turn(Piece& piece) {
  const int64_t last = piece.length - 1;
  piece.x += last * piece.x_scan;
  piece.y += last * piece.y_scan;
  if (piece.mask) piece.mask += last * piece.mask_scan;
  piece.x_scan = -piece.x_scan;
  piece.y_scan = -piece.y_scan;
  piece.mask_scan = -piece.mask_scan;
}

// A piece that is written to `y`, neighbours in the walk beside each other.
Piece gathered(Piece piece, char* y, int64_t size, bool columns) {
  write_at(piece, y, columns ? piece.lines * size : size, columns ? size : piece.length * size);
  return piece;
}

MaskRows rows_of(const Piece& p, bool columns) {
  MaskRows rows{};
  rows.rows = columns ? p.length : p.lines;
  rows.count = columns ? p.lines : p.length;
  rows.x = p.x;
  rows.x_row = columns ? p.x_scan : p.x_line;
  rows.y = p.y;
  rows.y_row = columns ? p.y_scan : p.y_line;
  rows.mask = p.mask;
  rows.mask_row = columns ? p.mask_scan : p.mask_line;
  return rows;
}

// Rows that follow each other without gaps are one row.
void join(MaskRows& rows, int64_t size) {
  const int64_t bytes = rows.count * size;
  const bool elements = rows.x_row == bytes && rows.y_row == bytes;
  const bool masks = (!rows.mask || (rows.mask_row == rows.count && !rows.one_for_row)) &&
                     (!rows.source || rows.source_row == bytes) &&
                     (!rows.kept || rows.kept_row == rows.count);
  if (!elements || !masks) return;
  rows.count *= rows.rows;
  rows.rows = 1;
}

}  // namespace

void Run::pack(Workspace& space, const Piece& piece) const {
  plan_.has_gaps() ? fill(space, piece) : pack_(piece);
}

// From here on the decays of a piece are in a buffer, float64 of these strides.
void Run::pack_decays(Piece& piece, char* to, int64_t scan, int64_t line) const {
  Piece copy = piece;
  read_at(copy, piece.decay, piece.decay_scan, piece.decay_line);
  write_at(copy, to, scan, line);
  if (piece.decay_scan == 0) {  // one for each line
    copy.length = 1;
    copy.y_line = sizeof(double);
  }
  kernels_.copy[int(plan_.decay_dtype)][int(DType::float64)](copy);
  piece.decay = to;
  piece.decay_scan = piece.decay_scan == 0 ? 0 : scan;
  piece.decay_line = copy.y_line;
}

void Run::make_room_for_gaps(Workspace& space) const {
  if (plan_.filters) return;
  const bool columns = plan_.walk == Walk::columns;
  const int64_t mask_step = columns ? plan_.inner.mask_stride : plan_.scan.mask_stride;
  if (plan_.packed != plan_.x_dtype) space.staged.resize(filled_room_ * item_size(plan_.x_dtype));
  if (mask_step != 0) space.mask.resize(filled_room_);
  Buffer& buffer = plan_.split ? space.block : space.packed;
  if (plan_.nan) space.kept.resize(buffer.size() / packed_size_);
}

// What was found at an element in the buffer of x.
char* Run::kept_of(Workspace& space, const char* packed) const {
  Buffer& buffer = plan_.split ? space.block : space.packed;
  return space.kept.data() + (packed - buffer.data()) / packed_size_;
}

void Run::fill(Workspace& space, Piece piece) const {
  if (plan_.walk == Walk::reversed) turn(piece);    // strides are positive now
  const int64_t most = filled_room_ / piece.lines;  // a group or more
  for (int64_t i = 0; i < piece.length; i += most) {
    Piece part = piece;
    skip_elements(part, i);
    part.length = std::min(most, part.length);
    fill_part(space, part);
  }
}

void Run::fill_part(Workspace& space, const Piece& part) const {
  const bool columns = plan_.walk == Walk::columns, same = plan_.packed == plan_.x_dtype;
  const int64_t x_size = item_size(plan_.x_dtype);
  const Piece to = same ? part : gathered(part, space.staged.data(), x_size, columns);
  assert(same || space.staged.holds(to, x_size));
  MaskRows rows = rows_of(to, columns);
  rows.skipna = plan_.skipna;
  if (rows.count > 1 && (columns ? part.x_line : part.x_scan) != x_size) {
    kernels_.copy[int(plan_.x_dtype)][int(plan_.x_dtype)](to);
    rows.x = rows.y;
    rows.x_row = rows.y_row;
  }
  const int64_t mask_step = columns ? part.mask_line : part.mask_scan;
  rows.one_for_row = mask_step == 0 || rows.count == 1;
  if (!plan_.masked) {
    rows.mask = nullptr;
  } else if (!rows.one_for_row && mask_step != 1) {
    Piece bytes = gathered(part, space.mask.data(), 1, columns);
    read_at(bytes, part.mask, part.mask_scan, part.mask_line);
    assert(space.mask.holds(bytes, 1));
    kernels_.copy[int(DType::boolean)][int(DType::boolean)](bytes);
    rows.mask = bytes.y;
    rows.mask_row = rows.count;
  }
  if (plan_.nan) {
    rows.kept = kept_of(space, part.y);
    rows.kept_row = (columns ? part.y_scan : part.y_line) / packed_size_;
    assert(rows.kept + (rows.rows - 1) * rows.kept_row + rows.count <=
           space.kept.data() + space.kept.size());
  }
  join(rows, x_size);
  kernels_.fill[int(plan_.x_dtype)](rows);
  if (!same) {
    Piece cast = to;
    read_back(cast);
    write_at(cast, part.y, part.y_scan, part.y_line);
    pack_(cast);
  }
}

// From the buffer of sums, where `piece` is read, to y, with NaN where `from` was a hole.
void Run::show(Workspace& space, Piece from, Piece piece) const {
  const bool columns = plan_.walk == Walk::columns;
  if (!plan_.filters) {
    from.mask = kept_of(space, from.x);
    from.mask_scan = from.x_scan / packed_size_;
    from.mask_line = from.x_line / packed_size_;
  }
  if (plan_.walk == Walk::reversed) {
    turn(from);
    turn(piece);
  }
  MaskRows rows = rows_of(piece, columns);
  if (plan_.filters && !plan_.masked) {
    rows.mask = nullptr;
    rows.source = from.x;
    rows.source_row = columns ? from.x_scan : from.x_line;
  } else {
    rows.mask = from.mask;
    rows.mask_row = columns ? from.mask_scan : from.mask_line;
  }
  rows.past_cache = plan_.stream;
  const bool beside = rows.count == 1 || (columns ? piece.y_line : piece.y_scan) == y_size_;
  if (!beside) {  // in the buffer itself, to be copied from there
    rows.y = const_cast<char*>(piece.x);
    rows.y_row = rows.x_row;
    rows.past_cache = false;
  }
  join(rows, y_size_);
  kernels_.show[int(plan_.y_dtype)](rows);
  if (!beside) unpack_(piece);
}

}  // namespace cumsum
