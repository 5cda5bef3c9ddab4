// Where pieces are read and written, and what is left of them.
#pragma once

#include "table.h"

namespace cumsum {

inline void read_at(Piece& piece, const char* x, int64_t scan, int64_t line) {
  piece.x = x;
  piece.x_scan = scan;
  piece.x_line = line;
}

inline void write_at(Piece& piece, char* y, int64_t scan, int64_t line) {
  piece.y = y;
  piece.y_scan = scan;
  piece.y_line = line;
}

// Where it was written.
inline void read_back(Piece& piece) { read_at(piece, piece.y, piece.y_scan, piece.y_line); }

// So many elements of each line are left out, or lines.
inline void skip_elements(Piece& piece, int64_t count) {
  piece.x += count * piece.x_scan;
  if (piece.y) piece.y += count * piece.y_scan;
  if (piece.mask) piece.mask += count * piece.mask_scan;
  piece.decay += count * piece.decay_scan;
  piece.length -= count;
  piece.position += count;
}

inline void skip_lines(Piece& piece, int64_t count) {
  piece.x += count * piece.x_line;
  if (piece.y) piece.y += count * piece.y_line;
  if (piece.mask) piece.mask += count * piece.mask_line;
  piece.decay += count * piece.decay_line;
  piece.lines -= count;
}

}  // namespace cumsum
