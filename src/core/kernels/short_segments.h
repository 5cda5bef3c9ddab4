// Segments of a few elements.
#pragma once

#include "rows.h"

namespace cumsum {
namespace {

template <class A, int C, int Step>
struct ShortRows {
  using Rows = cumsum::Rows<A, C, Step, 1>;

  // One segment, in whole groups: what follows it in the last one is read and written as well, as
  // long as there is `room` for that. Of `room` elements from its first one on, in the order of the
  // scan, those past the segment are still to be scanned.
  template <class X, class R>
  [[gnu::always_inline]] static inline void scan_one(const char* x, char* y, int64_t count,
                                                     int64_t room, Manner manner) {
    constexpr int64_t x_step = Step * C * int64_t{sizeof(X)},
                      y_step = Step * C * int64_t{sizeof(R)};
    constexpr int many = 4;
    typename Rows::Sum chain{};
    int64_t i = 0;
    for (; i + many * group_size <= count; i += many * group_size) {
      Rows::Row::template scan_bundles<X, R, false, many>(x + i * x_step, y + i * y_step, nullptr,
                                                          chain, manner);
    }
    for (; i < count && i + group_size <= room; i += group_size) {
      Rows::Row::template scan_bundles<X, R, false, 1>(x + i * x_step, y + i * y_step, nullptr,
                                                       chain, manner);
    }
    if (i >= count) return;
    Rows::template scan_rest<X, R, false>(x + i * x_step, y + i * y_step,
                                          static_cast<int>(count - i), typename Rows::Above{},
                                          chain, manner);
  }

  // In the order of the scan, so that each writes over what is too long of the one before.
  template <class X, class R>
  static int64_t scan(const ShortSegments& p) {
    constexpr int64_t x_size = C * int64_t{sizeof(X)}, y_size = C * int64_t{sizeof(R)};
    const Manner manner{nullptr, nullptr, false, p.exclusive, false, false};
    int64_t last = p.first;
    if constexpr (Step > 0) {
      const int64_t edge = p.offsets[p.last];
      for (int64_t begin = p.offsets[last], end; last < p.last; ++last, begin = end) {
        end = p.offsets[last + 1];
        if (end - begin > policy::longest_short) break;
        scan_one<X, R>(p.x + begin * x_size, p.y + begin * y_size, end - begin, edge - begin,
                       manner);
      }
    } else {
      while (last < p.last && p.offsets[last + 1] - p.offsets[last] <= policy::longest_short) {
        ++last;
      }
      const int64_t edge = p.offsets[p.first];
      for (int64_t s = last - 1; s >= p.first; --s) {
        const int64_t begin = p.offsets[s], end = p.offsets[s + 1];
        scan_one<X, R>(p.x + (end - 1) * x_size, p.y + (end - 1) * y_size, end - begin, end - edge,
                       manner);
      }
    }
    return last;
  }
};

}  // namespace
}  // namespace cumsum
