// Where kernels read elements from: x alone, or x and the byte of a mask beside each element. What
// adds nothing is read as zero, by an element type of its own.
#pragma once

#include "kernels.h"
#include "simd.h"

namespace cumsum {
namespace {

// T with holes: where the bytes of a mask are zero or, not `masked`, where it is NaN.
template <class T, bool masked>
struct Filled {
  T value;
};
template <class X>
inline constexpr bool is_filled = false;
template <class T, bool masked>
inline constexpr bool is_filled<Filled<T, masked>> = true;

// `fetch` is for a row of what is read next.
template <class X>
struct Source {
  using type = const char*;
  static type begin(const Piece& p) { return p.x; }
  static type move(type x, int64_t bytes, int64_t) { return x + bytes; }
  [[gnu::always_inline]] static void fetch(const Piece& p, type x, int64_t row) {
    __builtin_prefetch(x + p.x_ahead + row * p.x_scan);
  }
};
template <class T>
struct Source<Filled<T, false>> {
  struct type {
    const char* x;
    type operator+(int64_t bytes) const { return {x + bytes}; }
  };
  static type begin(const Piece& p) { return {p.x}; }
  static type move(type from, int64_t bytes, int64_t) { return {from.x + bytes}; }
  [[gnu::always_inline]] static void fetch(const Piece& p, type from, int64_t row) {
    __builtin_prefetch(from.x + p.x_ahead + row * p.x_scan);
  }
};
template <class T>
struct Source<Filled<T, true>> {
  struct type {
    const char *x, *mask;
    type operator+(int64_t bytes) const {  // whole elements
      return {x + bytes, mask + bytes / int64_t{sizeof(T)}};
    }
  };
  static type begin(const Piece& p) { return {p.x, p.mask}; }
  static type move(type from, int64_t bytes, int64_t mask_bytes) {
    return {from.x + bytes, from.mask + mask_bytes};
  }
  [[gnu::always_inline]] static void fetch(const Piece& p, type from, int64_t row) {
    __builtin_prefetch(from.x + p.x_ahead + row * p.x_scan);
    __builtin_prefetch(from.mask + (p.length + row) * p.mask_scan);
  }
};

// The source of elements X; from element (row, line) of a piece on; and so many bytes further.
template <class X>
using From = typename Source<X>::type;
template <class X>
inline From<X> line_of(const Piece& p, int64_t line) {
  return Source<X>::move(Source<X>::begin(p), line * p.x_line, line * p.mask_line);
}
template <class X>
inline From<X> row_of(const Piece& p, From<X> x, int64_t row) {
  return Source<X>::move(x, row * p.x_scan, row * p.mask_scan);
}

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

// A vector of elements from wherever they come.
template <class A, int L, class X>
struct Load {
  static inline Vector<A, L> from(const char* x) { return load<A, L, X>(x); }
};
template <class A, int L, class T, bool masked>
struct Load<A, L, Filled<T, masked>> {
  static inline Vector<A, L> from(From<Filled<T, masked>> at) {
    if constexpr (L == 1) {
      return is_kept(at) ? load<A, 1, T>(at.x) : A{};
    } else {
      using Word = typename WordOf<sizeof(T)>::type;
      auto words = read<Vector<Word, L>>(at.x);
      if constexpr (masked) {
        words &= lengthen<Word, L>(at.mask);
      } else {
        words &= ~are_nan<T, L>(words);
      }
      return from_storage<A, L, T>(bit_cast<Vector<Storage<T>, L>>(words));
    }
  }
  static inline bool is_kept(From<Filled<T, masked>> at) {
    if constexpr (masked) {
      return *at.mask != 0;
    } else {
      return !is_nan<T>(at.x);
    }
  }
};

}  // namespace
}  // namespace cumsum
