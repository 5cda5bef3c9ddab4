// Memory for elements on their way: from the beginning of a cache line on, as what is moved by
// vectors as wide as one would else be in two of them each time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "table.h"

namespace cumsum {

class Buffer {
 public:
  void resize(int64_t size) {
    lines_.resize((size + sizeof(Line) - 1) / sizeof(Line));
    size_ = size;
  }
  int64_t size() const { return size_; }
  char* data() { return reinterpret_cast<char*>(lines_.data()); }
  const char* data() const { return reinterpret_cast<const char*>(lines_.data()); }

  // Whether the elements that a piece is written to lie here: asserted wherever a buffer is filled.
  bool holds(const Piece& to, int64_t size) const {
    const int64_t scan = (to.length - 1) * to.y_scan, line = (to.lines - 1) * to.y_line;
    const char* const low = to.y + std::min<int64_t>(scan, 0) + std::min<int64_t>(line, 0);
    const char* const high = to.y + std::max<int64_t>(scan, 0) + std::max<int64_t>(line, 0) + size;
    return data() <= low && high <= data() + size_;
  }

 private:
  struct alignas(64) Line {
    char bytes[64];
  };
  std::vector<Line> lines_;
  int64_t size_ = 0;
};

}  // namespace cumsum
