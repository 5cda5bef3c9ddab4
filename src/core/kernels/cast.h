// Elements of one type as those of another.
#pragma once

#include <type_traits>

#include "memory.h"
#include "table.h"

namespace cumsum {
namespace {

template <class T>
inline constexpr bool is_complex = false;
template <class T>
inline constexpr bool is_complex<Complex<T>> = true;

// What a real element is worth, in a type that holds every value of its own.
template <class X>
inline auto value_of(X x) {
  if constexpr (__is_same(X, Bool)) {
    return static_cast<uint8_t>(x.byte != 0);
  } else if constexpr (is_half<X>) {
    return load<float, 1, X>(reinterpret_cast<const char*>(&x));
  } else {
    return x;
  }
}

// What a float outside the range of an integer becomes (in C++ such a cast is undefined): NumPy's
// value on x86-64 for arrays in C order, on every machine; docs/accuracy.md has the table.
//
// For 64 bits the least integer.
template <class F>
inline int64_t truncate(F value) {
  return value >= F(-0x1p63) && value < F(0x1p63) ? static_cast<int64_t>(value) : INT64_MIN;
}

// The same for 32 bits, which shorter integers are the low bits of.
template <class F>
inline int32_t truncate_short(F value) {
  return value >= F(-0x1p31) && value < F(0x1p31) ? static_cast<int32_t>(value) : INT32_MIN;
}

// And for 16 bits, by which long double goes to short integers.
inline int16_t truncate_long_double(long double value) {
  return value > -0x8001p0L && value < 0x8000p0L ? static_cast<int16_t>(value) : INT16_MIN;
}

// Unsigned: the upper half of the range is reached from its middle, so that what is past its end is
// zero, and what is below the lower half or NaN is the middle.
template <class F>
inline uint64_t truncate_unsigned(F value) {
  constexpr uint64_t middle = uint64_t{1} << 63;
  if (value >= F(0x1p63)) return static_cast<uint64_t>(truncate(value - F(0x1p63))) ^ middle;
  return static_cast<uint64_t>(truncate(value));
}
template <class F>
inline uint32_t truncate_unsigned_short(F value) {
  constexpr uint32_t middle = uint32_t{1} << 31;
  if (value >= F(0x1p31)) return static_cast<uint32_t>(truncate_short(value - F(0x1p31))) ^ middle;
  return static_cast<uint32_t>(truncate_short(value));
}

template <class R, class X>
inline R truncate_to(X x) {
  const auto value = value_of(x);
  constexpr bool is_long = __is_same(X, long double);
  if constexpr (__is_same(R, uint64_t)) {
    return truncate_unsigned(value);
  } else if constexpr (__is_same(R, uint32_t) && !is_long && !__is_same(X, Float16)) {
    return truncate_unsigned_short(value);
  } else if constexpr (is_long && sizeof(R) < 4 && !__is_same(R, uint16_t)) {
    return static_cast<R>(truncate_long_double(value));
  } else if constexpr (sizeof(R) < 4 || __is_same(R, int32_t)) {
    return static_cast<R>(truncate_short(value));
  } else {
    return static_cast<R>(truncate(value));
  }
}

template <class R, class X>
inline R cast(X x) {
  if constexpr (__is_same(R, X)) {
    return x;
  } else if constexpr (is_complex<R> && is_complex<X>) {
    using Part = decltype(R{}.real);
    return {static_cast<Part>(x.real), static_cast<Part>(x.imag)};
  } else if constexpr (is_complex<R>) {
    return {static_cast<decltype(R{}.real)>(value_of(x)), 0};
  } else if constexpr (is_complex<X>) {
    if constexpr (__is_same(R, Bool)) {
      return {static_cast<uint8_t>(x.real != 0 || x.imag != 0)};
    } else {
      return cast<R>(x.real);
    }
  } else if constexpr (__is_same(R, Bool)) {
    return {static_cast<uint8_t>(value_of(x) != 0)};
  } else if constexpr (__is_same(R, Float16) || __is_same(R, BFloat16)) {
    R out;  // by way of float32, as in PyTorch
    const float value = static_cast<float>(value_of(x));
    store<R, float, 1>(reinterpret_cast<char*>(&out), value == value ? value : __builtin_nanf(""));
    return out;
  } else if constexpr (std::is_integral_v<R> && !std::is_integral_v<decltype(value_of(x))>) {
    return truncate_to<R>(x);
  } else {
    return static_cast<R>(value_of(x));
  }
}

}  // namespace
}  // namespace cumsum
