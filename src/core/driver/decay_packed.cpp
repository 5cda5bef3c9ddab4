// Rows of a decayed scan that don't lie along the axis of memory, by way of buffers in which they
// do.
#include <algorithm>
#include <cassert>

#include "decay_run.h"
#include "policy.h"

namespace cumsum {
namespace {

constexpr int64_t most = policy::packed_decayed;

// A place in memory with its strides: of an operand, or of its buffer.
struct Place {
  char* data;
  int64_t scan, line;
};

Place at(const char* data, int64_t scan, int64_t line) {
  return {const_cast<char*>(data), scan, line};  // of what is read alone, the copies are written
}

}  // namespace

void DecayRun::scan_packed(Workspace& space, const DecayPiece& whole) {
  for (int64_t i = 0; i < whole.length; i += most) {
    DecayPiece part = whole;
    part.length = std::min(most, whole.length - i);
    part.x += i * whole.x_scan;
    part.decay += i * whole.decay_scan;
    if (whole.y) part.y += i * whole.y_scan;
    scan_packed_part(space, part);
  }
}

void DecayRun::scan_packed_part(Workspace& space, const DecayPiece& part) {
  const auto copy = [&](DType dtype, const Place& from, const Place& to) {
    Piece piece{};
    piece.x = from.data, piece.x_scan = from.scan, piece.x_line = from.line;
    piece.y = to.data, piece.y_scan = to.scan, piece.y_line = to.line;
    piece.length = part.length, piece.lines = part.lines;
    kernels_.copy[static_cast<int>(dtype)][static_cast<int>(dtype)](piece);
  };
  const auto in = [&](std::vector<char>& buffer, int64_t size) {
    assert(part.lines * most * size <= static_cast<int64_t>(buffer.size()));
    char* const first = buffer.data() + (step_ < 0 ? (most - 1) * size : 0);
    return Place{first, step_ * size, most * size};
  };
  DecayPiece packed = part;
  if (pack_x_) {
    const Place x = in(space.x, size_);
    copy(problem_.dtype, at(part.x, part.x_scan, part.x_line), x);
    packed.x = x.data, packed.x_scan = x.scan, packed.x_line = x.line;
  }
  if (pack_decay_) {
    const Place decay = in(space.decay, decay_size_);
    const DType dtype = problem_.decays == Decays::own ? problem_.dtype : DType::float64;
    copy(dtype, at(part.decay, part.decay_scan, part.decay_line), decay);
    packed.decay = decay.data, packed.decay_scan = decay.scan, packed.decay_line = decay.line;
  }
  if (!pack_y_ || !part.y) {
    kernel_(packed);
    return;
  }
  const Place y = in(space.y, size_);
  packed.y = y.data, packed.y_scan = y.scan, packed.y_line = y.line;
  kernel_(packed);
  copy(problem_.dtype, y, at(part.y, part.y_scan, part.y_line));
}

}  // namespace cumsum
