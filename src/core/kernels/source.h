// Where kernels read elements from: x alone, or x and the byte of a mask beside each element.
#pragma once

#include "memory.h"
#include "table.h"

namespace cumsum {
namespace {

// Elements as unsigned words, which a mask leaves or takes.
template <int size>
struct WordOf;
template <>
struct WordOf<1> {
  using type = uint8_t;
};
template <>
struct WordOf<2> {
  using type = uint16_t;
};
template <>
struct WordOf<4> {
  using type = uint32_t;
};
template <>
struct WordOf<8> {
  using type = uint64_t;
};

template <class A>
inline constexpr bool is_integer_word = A(0.5) == A(0);

// Of a 16-bit float: the bits of infinity, which those of NaN are above.
template <class T>
inline constexpr int infinity = __is_same(T, Float16) ? 0x7c00 : 0x7f80;
template <class T>
inline constexpr bool is_half = __is_same(T, Float16) || __is_same(T, BFloat16);

template <class T>
inline bool is_nan(const char* p) {
  if constexpr (is_half<T>) {
    return (read<uint16_t>(p) & 0x7fff) > infinity<T>;
  } else {
    const T value = read<T>(p);
    if constexpr (requires { value.real; }) {
      return value.real != value.real || value.imag != value.imag;
    } else {
      return value != value;
    }
  }
}

// All bits of each lane that is NaN.
template <class T, int L, class V>
inline V are_nan(V x) {
  if constexpr (is_half<T>) {
    using Signed = Vector<int16_t, L>;
    return bit_cast<V>(bit_cast<Signed>(x & 0x7fff) > int16_t{infinity<T>});
  } else if constexpr (__is_same(T, Complex<float>)) {
    const auto parts = bit_cast<Vector<float, 2 * L>>(x);
    const auto found = bit_cast<V>(parts != parts);
    return found | found << 32 | found >> 32;
  } else {
    const auto values = bit_cast<Vector<T, L>>(x);
    return bit_cast<V>(values != values);
  }
}

// All bits of each lane whose byte is not zero.
template <class W, int L>
inline Vector<W, L> lengthen(const char* bytes) {
  return bit_cast<Vector<W, L>>(widen<W, L, uint8_t>(read<Vector<uint8_t, L>>(bytes)) != 0);
}

// What of a line counts, and what becomes of it. Elements beside a zero byte of the mask are read
// as zeros, and where NaN is skipped so are those. The mask's byte for the element at `x` is that
// at `mask`; null if all count.
struct Manner {
  const char *x, *mask;
  bool skipna, exclusive, stream, own_decays;

  bool filters() const { return mask || skipna; }
  template <class X>
  const char* mask_at(const char* element) const {
    return mask ? mask + (element - x) / int64_t{sizeof(X)} : nullptr;
  }
};

// Kernels are compiled twice: for plain pieces, inclusive ones of which all counts, and for any,
// whose manner is looked at as they go.
inline bool is_plain(const Piece& p) { return !p.exclusive && !p.mask && !p.skipna && !p.adds_up; }

inline Manner manner_of(const Piece& p, int64_t line, bool stream) {
  const char* const mask = p.mask ? p.mask + line * p.mask_line : nullptr;
  return {p.x + line * p.x_line, mask, p.skipna, p.exclusive, stream, p.own_decays};
}

// Sums of vectors of elements with zeros for what does not count, by the bytes of a mask or null.
template <class A, int L>
inline Vector<A, L> counted(Vector<A, L> v, const char* mask, bool skipna) {
  if constexpr (is_twice<A>) {
    using Part = typename A::part;
    return {counted<Part, L>(v.high, mask, skipna), v.low};  // which is zero
  } else if constexpr (L == 1) {
    return (mask && *mask == 0) || (skipna && v != v) ? A{} : v;
  } else {
    using Word = typename WordOf<sizeof(A)>::type;
    auto words = bit_cast<Vector<Word, L>>(v);
    if (mask) words &= lengthen<Word, L>(mask);
    if (!is_integer_word<A> && skipna) words &= bit_cast<Vector<Word, L>>(v == v);
    return bit_cast<Vector<A, L>>(words);
  }
}

}  // namespace
}  // namespace cumsum
