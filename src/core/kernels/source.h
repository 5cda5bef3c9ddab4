// Where kernels read elements from: x alone, or x and the byte of a mask beside each element.
#pragma once

#include <type_traits>

#include "bits.h"
#include "memory.h"
#include "table.h"

namespace cumsum {
namespace {

// All bits of each lane whose byte is not zero.
template <class W, int L>
inline Vector<W, L> lengthen(const char* bytes) {
  return bit_cast<Vector<W, L>>(widen<W, L, uint8_t>(read<Vector<uint8_t, L>>(bytes)) != 0);
}

// What of a line counts, and what becomes of it. Elements beside a zero byte of the mask are read
// as zeros, and where NaN is skipped so are those. The mask's byte for the element at `x` is that
// at `mask`; null if all count.
struct Manner {
  const char *x = nullptr, *mask = nullptr;
  bool skipna = false, exclusive = false, stream = false, own_decays = false;
  bool spills = false;  // past the line's end there is a line that is scanned later

  bool filters() const { return mask || skipna; }
  template <class X>
  const char* mask_at(const char* element) const {
    return mask + ((element - x) >> __builtin_ctzl(sizeof(X)));  // whole elements
  }
};

// Kernels are compiled twice: for plain pieces, inclusive ones of which all counts, and for any,
// whose manner is looked at as they go.
inline bool is_plain(const Piece& p) { return !p.exclusive && !p.mask && !p.skipna && !p.adds_up; }

inline Manner manner_of(const Piece& p, int64_t line, bool stream) {
  const char* const mask = p.mask ? p.mask + line * p.mask_line : nullptr;
  return {p.x + line * p.x_line, mask, p.skipna, p.exclusive, stream, p.own_decays};
}

// Whether another cache line of a row begins at about this line of T.
template <class T>
inline bool begins_cache_line(int64_t line) {
  return line * int64_t{sizeof(T)} % 64 == 0;
}

// Vectors of elements with zeros where the bytes of a mask are.
template <class A, int L>
inline Vector<A, L> masked(Vector<A, L> v, const char* mask) {
  if constexpr (is_twice<A>) {
    return {masked<typename A::part, L>(v.high, mask), v.low};  // which is zero
  } else if constexpr (L == 1) {
    return *mask != 0 ? v : A{};
  } else if constexpr (clears_lanes<A, L>) {
    return lanes_where<A, L>(bits_of_bytes<L>(mask), v);
  } else {
    using Word = WordOf<sizeof(A)>;
    return bit_cast<Vector<A, L>>(bit_cast<Vector<Word, L>>(v) & lengthen<Word, L>(mask));
  }
}

// The same where they are NaN.
template <class A, int L>
inline Vector<A, L> numbers(Vector<A, L> v) {
  if constexpr (is_twice<A>) {
    return {numbers<typename A::part, L>(v.high), v.low};
  } else if constexpr (std::is_integral_v<A>) {
    return v;
  } else if constexpr (L == 1) {
    return v == v ? v : A{};
  } else {
    using Word = Vector<WordOf<sizeof(A)>, L>;
    return bit_cast<Vector<A, L>>(bit_cast<Word>(v) & bit_cast<Word>(v == v));
  }
}

// The same in rows. (Columns, where each vector is asked for by itself, take 1.1 times as long so.)
template <class A, int L>
inline Vector<A, L> numbers_of_row(Vector<A, L> v) {
  if constexpr (std::is_floating_point_v<A> && clears_lanes<A, L>) {
    return lanes_where<A, L>(bits_of_numbers<A, L>(v), v);
  } else {
    return numbers<A, L>(v);
  }
}

}  // namespace
}  // namespace cumsum
