#include "sizes.h"

#include <algorithm>

#include "processor.h"

namespace cumsum {

namespace {

// A virtual machine may report all of a cache that it shares with others, of hundreds of megabytes.
constexpr int64_t most_private = 1 << 25;

}  // namespace

const Sizes& sizes() {
  static const Sizes found = [] {
    const Processor& p = processor();
    const int64_t second = std::clamp<int64_t>(p.second_level, 1 << 19, 1 << 21);
    return Sizes{second / 2, std::min(p.third_level / 2, most_private / 2), second / 64, second / 8,
                 std::clamp<int64_t>(p.first_level, 1 << 15, 1 << 16)};
  }();
  return found;
}

}  // namespace cumsum
