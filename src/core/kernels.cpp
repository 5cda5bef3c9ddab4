// Compiled once for each target: the kernels of every pair of element types, in one table.
#include "kernels.h"

#include "cast.h"
#include "columns.h"
#include "holes.h"
#include "rows.h"
#include "totals.h"

namespace cumsum {

namespace CUMSUM_TARGET {
extern const HoleKernels hole_kernels;
}

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

template <class X, class R, class A, Store S>
constexpr void add_store(PairKernels& pair) {
  using Xp = typename X::part;
  using Rp = typename R::part;
  constexpr int store = static_cast<int>(S);
  if constexpr (S == Store::nothing) {
    pair.rows[store] = Totals<A, R::channels, 1>::template add_up<Xp>;
    pair.reversed[store] = Totals<A, R::channels, -1>::template add_up<Xp>;
  } else {
    pair.rows[store] = Rows<A, R::channels, 1>::template scan<Xp, Rp, S>;
    pair.reversed[store] = Rows<A, R::channels, -1>::template scan<Xp, Rp, S>;
  }
  pair.columns[store] = Columns<A>::template scan<Xp, Rp, S>;  // channels are columns
}

template <class X, class R, class A = Accumulator<typename R::part>>
constexpr PairKernels make_pair() {
  PairKernels pair{};
  add_store<X, R, A, Store::inclusive>(pair);
  add_store<X, R, A, Store::exclusive>(pair);
  add_store<X, R, A, Store::nothing>(pair);
  pair.add = Columns<A>::add;
  pair.set = Columns<A>::template set<typename R::part, R::channels>;
  pair.carry_size = R::channels * sizeof(Carry<A>);
  pair.chain_size = R::channels * sizeof(A);
  return pair;
}

// `As` is the pair's name in the table; X and R are how it is computed: addition modulo 2^n does
// not tell signed from unsigned.
template <class X, class R, class As = R>
constexpr void add_pair(Kernels& kernels) {
  kernels.pairs[X::index][As::index] = make_pair<X, R>();
}

template <class X, class... R>
constexpr void add_copies_of(Kernels& kernels, List<R...>) {
  ((kernels.copy[X::index][R::index] = copy_piece<typename X::type, typename R::type>), ...);
}

template <class... X>
constexpr void add_copies(Kernels& kernels, List<X...> all) {
  (add_copies_of<X>(kernels, all), ...);
}

template <class X>
constexpr void add_widening(Kernels& kernels) {
  add_pair<X, I64>(kernels);
  add_pair<X, I64, U64>(kernels);
}

constexpr Kernels make_kernels(const char* name) {
  Kernels kernels{};
  kernels.name = name;
  add_widening<B8>(kernels);
  add_widening<U8>(kernels);
  add_widening<I8>(kernels);
  add_widening<U16>(kernels);
  add_widening<I16>(kernels);
  add_widening<U32>(kernels);
  add_widening<I32>(kernels);
  add_widening<I64>(kernels);
  kernels.pairs[U64::index][U64::index] = kernels.pairs[I64::index][I64::index];
  kernels.pairs[U64::index][I64::index] = kernels.pairs[I64::index][I64::index];
  add_pair<B8, B8>(kernels);
  add_pair<I8, I8>(kernels);
  add_pair<I16, I16>(kernels);
  add_pair<I32, I32>(kernels);
  kernels.pairs[U8::index][U8::index] = kernels.pairs[I8::index][I8::index];
  kernels.pairs[U16::index][U16::index] = kernels.pairs[I16::index][I16::index];
  kernels.pairs[U32::index][U32::index] = kernels.pairs[I32::index][I32::index];
  add_pair<F16, F16>(kernels);
  add_pair<BF16, BF16>(kernels);
  add_pair<F16, F32>(kernels);
  add_pair<BF16, F32>(kernels);
  add_pair<F32, F32>(kernels);
  add_pair<F32, F64>(kernels);
  add_pair<F64, F64>(kernels);
  add_pair<F80, F80>(kernels);
  add_pair<C64, C64>(kernels);
  add_pair<C128, C128>(kernels);
  add_pair<C160, C160>(kernels);
  kernels.compensated[0] = make_pair<F64, F64, Twice<double>>();
  kernels.compensated[1] = make_pair<C128, C128, Twice<double>>();
  add_copies(kernels, Elements{});
  kernels.holes = &CUMSUM_TARGET::hole_kernels;
  return kernels;
}

}  // namespace

namespace CUMSUM_TARGET {
extern constinit const Kernels kernels = make_kernels(CUMSUM_TARGET_NAME);
}  // namespace CUMSUM_TARGET

}  // namespace cumsum
