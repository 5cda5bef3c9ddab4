// Memory for elements on their way: from the beginning of a cache line on, as what is moved by
// vectors as wide as one would else be in two of them each time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>

#include "table.h"

namespace cumsum {

class Buffer {
 public:
  // What is in there is not said.
  void resize(int64_t size) {
    bytes_.reset(static_cast<char*>(::operator new(size > 0 ? size : 1, line)));
    size_ = size;
  }
  int64_t size() const { return size_; }
  char* data() { return bytes_.get(); }
  const char* data() const { return bytes_.get(); }

  // Whether the elements that a piece is written to lie here: asserted wherever a buffer is filled.
  bool holds(const Piece& to, int64_t size) const {
    const int64_t scan = (to.length - 1) * to.y_scan, line = (to.lines - 1) * to.y_line;
    const char* const low = to.y + std::min<int64_t>(scan, 0) + std::min<int64_t>(line, 0);
    const char* const high = to.y + std::max<int64_t>(scan, 0) + std::max<int64_t>(line, 0) + size;
    return data() <= low && high <= data() + size_;
  }

 private:
  static constexpr std::align_val_t line{64};
  struct Free {
    void operator()(char* bytes) const { ::operator delete(bytes, line); }
  };
  std::unique_ptr<char, Free> bytes_;
  int64_t size_ = 0;
};

}  // namespace cumsum
