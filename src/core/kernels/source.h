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
  const char *x = nullptr, *mask = nullptr;
  bool skipna = false, exclusive = false, stream = false, own_decays = false;

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

// Vectors of elements with zeros where the bytes of a mask are.
template <class A, int L>
inline Vector<A, L> masked(Vector<A, L> v, const char* mask) {
  if constexpr (is_twice<A>) {
    return {masked<typename A::part, L>(v.high, mask), v.low};  // which is zero
  } else if constexpr (L == 1) {
    return *mask != 0 ? v : A{};
  } else {
    using Word = typename WordOf<sizeof(A)>::type;
    return bit_cast<Vector<A, L>>(bit_cast<Vector<Word, L>>(v) & lengthen<Word, L>(mask));
  }
}

// The same where they are NaN.
template <class A, int L>
inline Vector<A, L> numbers(Vector<A, L> v) {
  if constexpr (is_twice<A>) {
    return {numbers<typename A::part, L>(v.high), v.low};
  } else if constexpr (is_integer_word<A>) {
    return v;
  } else if constexpr (L == 1) {
    return v == v ? v : A{};
  } else {
    using Word = Vector<typename WordOf<sizeof(A)>::type, L>;
    return bit_cast<Vector<A, L>>(bit_cast<Word>(v) & bit_cast<Word>(v == v));
  }
}

}  // namespace
}  // namespace cumsum
