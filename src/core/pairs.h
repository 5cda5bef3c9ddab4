// The pairs of element types that there are kernels for, and what each is computed as.
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

// Call `visit` with the types that a pair is computed by, and the two that it is known as: addition
// modulo 2^n does not tell signed from unsigned.
template <class X, class R, class AsX = X, class AsR = R, class Visit>
constexpr void visit_pair(Visit& visit) {
  visit.template operator()<X, R>(AsX::index, AsR::index);
}

template <class X, class Visit>
constexpr void visit_widening(Visit& visit) {
  visit_pair<X, I64>(visit);
  visit_pair<X, I64, X, U64>(visit);
}

template <class Visit>
constexpr void for_each_pair(Visit visit) {
  visit_widening<B8>(visit);
  visit_widening<U8>(visit);
  visit_widening<I8>(visit);
  visit_widening<U16>(visit);
  visit_widening<I16>(visit);
  visit_widening<U32>(visit);
  visit_widening<I32>(visit);
  visit_widening<I64>(visit);
  visit_pair<I64, I64, U64, U64>(visit);
  visit_pair<I64, I64, U64, I64>(visit);
  visit_pair<B8, B8>(visit);
  visit_pair<I8, I8>(visit);
  visit_pair<I8, I8, U8, U8>(visit);
  visit_pair<I16, I16>(visit);
  visit_pair<I16, I16, U16, U16>(visit);
  visit_pair<I32, I32>(visit);
  visit_pair<I32, I32, U32, U32>(visit);
  visit_pair<F16, F16>(visit);
  visit_pair<BF16, BF16>(visit);
  visit_pair<F16, F32>(visit);
  visit_pair<BF16, F32>(visit);
  visit_pair<F32, F32>(visit);
  visit_pair<F32, F64>(visit);
  visit_pair<F64, F64>(visit);
  visit_pair<F80, F80>(visit);
  visit_pair<C64, C64>(visit);
  visit_pair<C128, C128>(visit);
  visit_pair<C160, C160>(visit);
}

}  // namespace
}  // namespace cumsum
