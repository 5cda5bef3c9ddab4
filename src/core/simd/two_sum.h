// Running sums in the lanes of vectors: their arithmetic, and how they lie in memory.
#pragma once

#include "shuffle.h"

namespace cumsum {
namespace {

// What rounding took from a + b (Knuth, The Art of Computer Programming 4.2.2, theorem B).
template <class T>
inline T left_over(T a, T b, T sum) {
  const T b_taken = sum - a;
  return (a - (sum - b_taken)) + (b - b_taken);
}

// A pair plus a pair. The high parts are the sums that plain numbers would have.
template <class T>
inline Twice<T> operator+(Twice<T> a, Twice<T> b) {
  const T sum = a.high + b.high;
  return {sum, (a.low + b.low) + left_over(a.high, b.high, sum)};
}

template <class T>
inline Twice<T>& operator+=(Twice<T>& a, Twice<T> b) {
  return a = a + b;
}

// A carried pair plus a plain sum.
template <class T>
inline T operator+(Twice<T> carry, T sum) {
  return carry.high + (carry.low + sum);
}

// The carry into the next tile. With a pair its parts add up to the last result of this tile: that
// result is `high`, and what its rounding left over is less than half a unit of its last place.
template <class T>
inline Twice<T>& operator+=(Twice<T>& carry, T chain) {
  const T more = carry.low + chain, high = carry.high + more;
  const T low = left_over(carry.high, more, high);
  return carry = {high, low == low ? low : T{}};  // inf leaves nan over
}

// The one number nearest to a pair; inf and nan have no low part.
template <class T>
inline T round(Twice<T> sum) {
  return sum.high + (sum.low == sum.low ? sum.low : T{});
}

// Ones of which the compiler does not know that they are.
template <class V>
inline V unknown_ones() {
  V ones = V{} + 1;
#if defined(__x86_64__)
  asm("" : "+x"(ones));
#endif
  return ones;
}

// Whether sums of elements of type X, carried in an A, are added as products by one: a Zen has
// other units for products than for sums, and those are the busier ones. But an Intel takes 100
// times as long over a product of a number that is subnormal, which only a wider type's sums never
// are.
template <class X, class A>
inline constexpr bool adds_by_products =
#if defined(CUMSUM_HALF_VECTORS)
    true;
#else
    (__is_same(X, float) && __is_same(A, double)) || __is_same(X, Float16);
#endif

// a + b, to the bit: the product is exact, and the sum rounded once. (With vectors of 64 bytes an
// Intel has the same units for both, and products take longer.)
template <class X, class A, int L>
inline Vector<A, L> add_beside(Vector<A, L> a, Vector<A, L> b) {
#if defined(__FMA__)
  if constexpr (adds_by_products<X, A> && sizeof(a) == 32) {
    const auto ones = unknown_ones<Vector<A, L>>();
    if constexpr (__is_same(A, double)) {
      return bit_cast<Vector<A, L>>(
          _mm256_fmadd_pd(bit_cast<__m256d>(b), bit_cast<__m256d>(ones), bit_cast<__m256d>(a)));
    } else if constexpr (__is_same(A, float)) {
      return bit_cast<Vector<A, L>>(
          _mm256_fmadd_ps(bit_cast<__m256>(b), bit_cast<__m256>(ones), bit_cast<__m256>(a)));
    }
  }
#endif
  return a + b;
}

// A carry plus a sum, likewise.
template <class X, class A, int L>
inline Vector<A, L> add_carry(const Vector<Carry<A>, L>& carry, Vector<A, L> sum) {
  if constexpr (is_twice<Carry<A>> && !is_twice<A>) {
    return add_beside<X, A, L>(carry.high, add_beside<X, A, L>(carry.low, sum));
  } else {
    return add_beside<X, A, L>(carry, sum);
  }
}

template <class A, int L>
inline A lane_of(const Vector<A, L>& v, int i) {
  if constexpr (L == 1) {
    return v;
  } else if constexpr (is_twice<A>) {
    return {v.high[i], v.low[i]};
  } else {
    return v[i];
  }
}

template <class A, int L>
inline Vector<A, L> all_lanes(A value) {
  if constexpr (L == 1) {
    return value;
  } else if constexpr (is_twice<A>) {
    using Part = typename A::part;
    return {all_lanes<Part, L>(value.high), all_lanes<Part, L>(value.low)};
  } else {
    return value - Vector<A, L>{};  // GCC's way to write it; -0 stays -0
  }
}

struct EvenLanes {
  static constexpr int lane(int i) { return 2 * i; }
};
struct OddLanes {
  static constexpr int lane(int i) { return 2 * i + 1; }
};

// The sums of L lines that follow each other in memory; the parts of a pair lie side by side.
template <class A, int L>
inline Vector<A, L> get_lines(const char* p) {
  if constexpr (L == 1 || !is_twice<A>) {
    return read<Vector<A, L>>(p);
  } else {
    using Part = typename A::part;
    const auto a = read<Vector<Part, L>>(p), b = read<Vector<Part, L>>(p + sizeof(a));
    return {choose<EvenLanes, Part, L>(a, b), choose<OddLanes, Part, L>(a, b)};
  }
}

template <class A, int L>
inline void put_lines(char* p, const Vector<A, L>& sums) {
  if constexpr (L == 1 || !is_twice<A>) {
    write(p, sums);
  } else {
    for (int i = 0; i < L; ++i) write(p + i * int64_t{sizeof(A)}, lane_of<A, L>(sums, i));
  }
}

}  // namespace
}  // namespace cumsum
