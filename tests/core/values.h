// Numbers of every type made of bits, with integer arithmetic alone, and a digest of them.
#pragma once

#include <cstdint>
#include <cstring>

#include "element.h"

namespace cumsum {

struct Format {
  DType dtype;
  const char* name;
  int size, parts;         // bytes of a part; complex numbers have two
  int mantissa, exponent;  // bits of each; integers have none
};
inline constexpr Format formats[] = {
    {DType::boolean, "bool", 1, 1, 0, 0},
    {DType::uint8, "uint8", 1, 1, 0, 0},
    {DType::int8, "int8", 1, 1, 0, 0},
    {DType::uint16, "uint16", 2, 1, 0, 0},
    {DType::int16, "int16", 2, 1, 0, 0},
    {DType::uint32, "uint32", 4, 1, 0, 0},
    {DType::int32, "int32", 4, 1, 0, 0},
    {DType::uint64, "uint64", 8, 1, 0, 0},
    {DType::int64, "int64", 8, 1, 0, 0},
    {DType::float16, "float16", 2, 1, 10, 5},
    {DType::bfloat16, "bfloat16", 2, 1, 7, 8},
    {DType::float32, "float32", 4, 1, 23, 8},
    {DType::float64, "float64", 8, 1, 52, 11},
    {DType::complex64, "complex64", 4, 2, 23, 8},
    {DType::complex128, "complex128", 8, 2, 52, 11},
};

enum class Values { ordinary, wide, cancelling, tiny, special };
inline constexpr const char* value_names[] = {"ordinary", "wide", "cancelling", "tiny", "special"};

inline uint64_t mixed(uint64_t x) {  // splitmix64
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

inline uint64_t float_bits(const Format& format, uint64_t sign, uint64_t exponent,
                           uint64_t mantissa) {
  mantissa &= (uint64_t{1} << format.mantissa) - 1;
  return ((sign << format.exponent | exponent) << format.mantissa) | mantissa;
}

// Of inf and nan.
inline uint64_t top_exponent(const Format& format) { return (uint64_t{1} << format.exponent) - 1; }

inline uint64_t special_bits(const Format& format, uint64_t choice, uint64_t ordinary) {
  const uint64_t top = top_exponent(format), sign = choice & 1;
  if (choice < 2) return float_bits(format, sign, top, 0);                 // inf
  if (choice < 4) return float_bits(format, sign, top - 1, ~uint64_t{0});  // the largest
  if (choice < 5) return float_bits(format, 0, top, ~uint64_t{0});         // nan
  if (choice < 200) return float_bits(format, sign, 0, 0);
  return ordinary;
}

// Part i of a line after line.
inline uint64_t part_bits(const Format& format, Values values, uint64_t i) {
  const uint64_t r = mixed(i), sign = r >> 63, choice = r >> 52 & 1023;
  if (format.exponent == 0) return format.dtype == DType::boolean ? r & 3 : r;
  const uint64_t bias = (uint64_t{1} << (format.exponent - 1)) - 1;
  const uint64_t ordinary = float_bits(format, sign, bias - 4 + choice % 8, r);
  switch (values) {
    case Values::wide:
      return float_bits(format, sign, 1 + choice % (3 * bias / 2), r);
    case Values::cancelling: {  // huge, ordinary, minus the same, ordinary
      const uint64_t huge = mixed(i / 4);
      return i % 2 ? ordinary : float_bits(format, i / 2 % 2, 2 * bias - huge % 4, huge);
    }
    case Values::tiny:
      return float_bits(format, sign, choice % 2, r);
    case Values::special:
      return special_bits(format, choice, ordinary);
    default:
      return ordinary;
  }
}

inline int item_size(const Format& format) { return format.size * format.parts; }

// FNV's step, for words.
inline void add_word(uint64_t& digest, uint64_t word) { digest = (digest ^ word) * 0x100000001b3u; }

// Eight bytes are read whatever the size, which is quick.
inline void add_part(uint64_t& digest, const Format& format, const char* p) {
  uint64_t bits;
  std::memcpy(&bits, p, sizeof(bits));
  bits &= ~uint64_t{0} >> (64 - 8 * format.size);
  const uint64_t infinite = float_bits(format, 0, top_exponent(format), 0);
  const uint64_t sign = uint64_t{1} << (8 * format.size - 1);
  const bool nan = format.exponent && (bits & ~sign) > infinite;
  add_word(digest, nan ? infinite + 1 : bits);
}

}  // namespace cumsum
