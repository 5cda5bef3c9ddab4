// Holes: x goes by way of a buffer, with zeros in them, so that all that follows adds nothing
// there. Where NaN is to stand in them, so does y.
#include <algorithm>

#include "policy.h"
#include "run.h"

namespace cumsum {
namespace {

// As a piece that is written to `y`, neighbours in the walk beside each other.
Piece gathered(Piece piece, char* y, int64_t size, bool columns) {
  piece.y = y;
  piece.y_scan = columns ? piece.lines * size : size;
  piece.y_line = columns ? size : piece.length * size;
  return piece;
}

}  // namespace

// Elements of each line that are filled at a time: some pass by a buffer on their way to another.
int64_t Run::filled_length(int64_t lines) const {
  return std::max<int64_t>(group_size, policy::filled_elements / lines);
}

void Run::make_room_for_holes(Workspace& space) const {
  const bool columns = plan_.walk == Walk::columns;
  const int64_t lines = plan_.split ? plan_.panel : pack_shape_.lines;
  const int64_t most = lines * filled_length(lines);
  const int64_t mask_step = columns ? plan_.inner.mask_stride : plan_.scan.mask_stride;
  if (plan_.packed != plan_.x_dtype) space.staged.resize(most * item_size(plan_.x_dtype));
  if (mask_step != 0) space.mask.resize(most);
  const std::vector<char>& buffer = plan_.split ? space.block : space.packed;
  if (plan_.nan) space.kept.resize(buffer.size() / packed_size_);
}

// What was found at an element in the buffer of x.
char* Run::kept_of(Workspace& space, const char* packed) const {
  const std::vector<char>& buffer = plan_.split ? space.block : space.packed;
  return space.kept.data() + (packed - buffer.data()) / packed_size_;
}

// From x to the buffer. `mask` is that of the first element.
void Run::fill(Workspace& space, Piece piece, const char* mask) const {
  int64_t mask_scan = plan_.scan.mask_stride;
  if (plan_.reversed) {  // the same from the other end, where strides are positive
    const int64_t last = piece.length - 1;
    piece.x += last * piece.x_scan;
    piece.y += last * piece.y_scan;
    mask += last * mask_scan;
    piece.x_scan = -piece.x_scan;
    piece.y_scan = -piece.y_scan;
    mask_scan = -mask_scan;
  }
  Piece part = piece;
  const int64_t most = filled_length(piece.lines);
  for (int64_t i = 0; i < piece.length; i += most) {
    part.x = piece.x + i * piece.x_scan;
    part.y = piece.y + i * piece.y_scan;
    part.length = std::min(most, piece.length - i);
    fill_part(space, part, mask + i * mask_scan, mask_scan);
  }
}

void Run::fill_part(Workspace& space, const Piece& part, const char* mask,
                    int64_t mask_scan) const {
  const bool columns = plan_.walk == Walk::columns;
  const int64_t x_size = item_size(plan_.x_dtype), mask_line = plan_.inner.mask_stride;
  const bool same = plan_.packed == plan_.x_dtype;
  const Piece to = same ? part : gathered(part, space.staged.data(), x_size, columns);
  HoleRows rows{};
  rows.skipna = plan_.skipna;
  rows.rows = columns ? part.length : part.lines;
  rows.count = columns ? part.lines : part.length;
  rows.x = part.x;
  rows.x_row = columns ? part.x_scan : part.x_line;
  rows.y = to.y;
  rows.y_row = columns ? to.y_scan : to.y_line;
  if (rows.count > 1 && (columns ? part.x_line : part.x_scan) != x_size) {
    copy_[int(plan_.x_dtype)][int(plan_.x_dtype)](to);
    rows.x = to.y;
    rows.x_row = rows.y_row;
  }
  if (mask_) {
    const int64_t step = columns ? mask_line : mask_scan;
    rows.mask = mask;
    rows.mask_row = columns ? mask_scan : mask_line;
    rows.one_for_row = step == 0 || rows.count == 1;
    if (!rows.one_for_row && step != 1) {
      Piece bytes = gathered(part, space.mask.data(), 1, columns);
      bytes.x = mask;
      bytes.x_scan = mask_scan;
      bytes.x_line = mask_line;
      copy_[int(DType::boolean)][int(DType::boolean)](bytes);
      rows.mask = bytes.y;
      rows.mask_row = rows.count;
    }
  }
  if (plan_.nan) {
    rows.kept = kept_of(space, part.y);
    rows.kept_row = (columns ? part.y_scan : part.y_line) / packed_size_;
  }
  holes_.fill[int(plan_.x_dtype)](rows);
  if (same) return;
  Piece cast = part;
  cast.x = to.y;
  cast.x_scan = to.y_scan;
  cast.x_line = to.y_line;
  pack_(cast);
}

// From a buffer, where `piece` reads, to y, with NaN where `from` was read from holes.
void Run::show(Workspace& space, const Piece& from, Piece piece) const {
  const bool columns = plan_.walk == Walk::columns;
  const char* kept = kept_of(space, from.x);
  if (plan_.reversed) {
    const int64_t last = piece.length - 1;
    piece.x += last * piece.x_scan;
    piece.y += last * piece.y_scan;
    kept += last * from.x_scan / packed_size_;
    piece.x_scan = -piece.x_scan;
    piece.y_scan = -piece.y_scan;
  }
  HoleRows rows{};
  rows.rows = columns ? piece.length : piece.lines;
  rows.count = columns ? piece.lines : piece.length;
  rows.x = piece.x;
  rows.x_row = columns ? piece.x_scan : piece.x_line;
  rows.kept = const_cast<char*>(kept);
  rows.kept_row = (columns ? from.x_scan : from.x_line) / packed_size_;
  rows.y = piece.y;
  rows.y_row = columns ? piece.y_scan : piece.y_line;
  rows.past_cache = plan_.stream;
  const bool beside = rows.count == 1 || (columns ? piece.y_line : piece.y_scan) == y_size_;
  if (!beside) {  // in the buffer itself, to be copied from there
    rows.y = const_cast<char*>(piece.x);
    rows.y_row = rows.x_row;
    rows.past_cache = false;
  }
  holes_.show[int(plan_.y_dtype)](rows);
  if (!beside) unpack_(piece);
}

}  // namespace cumsum
