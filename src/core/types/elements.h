// What each element type is: its number, what it is stored as and added up as.
#pragma once

#include "element.h"

namespace cumsum {
namespace {

template <DType D, class T, class Part = T, int C = 1>
struct Element {
  static constexpr int index = static_cast<int>(D);
  using type = T;     // the whole element
  using part = Part;  // what the accumulator adds up
  static constexpr int channels = C;
};
using B8 = Element<DType::boolean, Bool>;
using U8 = Element<DType::uint8, uint8_t>;
using I8 = Element<DType::int8, int8_t>;
using U16 = Element<DType::uint16, uint16_t>;
using I16 = Element<DType::int16, int16_t>;
using U32 = Element<DType::uint32, uint32_t>;
using I32 = Element<DType::int32, int32_t>;
using U64 = Element<DType::uint64, uint64_t>;
using I64 = Element<DType::int64, int64_t>;
using F16 = Element<DType::float16, Float16>;
using BF16 = Element<DType::bfloat16, BFloat16>;
using F32 = Element<DType::float32, float>;
using F64 = Element<DType::float64, double>;
using F80 = Element<DType::longdouble, long double>;
using C64 = Element<DType::complex64, Complex<float>, float, 2>;
using C128 = Element<DType::complex128, Complex<double>, double, 2>;
using C160 = Element<DType::clongdouble, Complex<long double>, long double, 2>;

template <class... E>
struct List {};
using Elements =
    List<B8, U8, I8, U16, I16, U32, I32, U64, I64, F16, BF16, F32, F64, F80, C64, C128, C160>;

}  // namespace
}  // namespace cumsum
