// Compiled once for each target: the kernels of every pair of element types, in one table.
#include "kernels.h"

#include "cast.h"
#include "columns.h"
#include "holes.h"
#include "pairs.h"
#include "rows.h"
#include "totals.h"

namespace cumsum {
namespace CUMSUM_TARGET {
extern const HoleKernels hole_kernels;
extern const SegmentKernels segment_kernels;
}  // namespace CUMSUM_TARGET

namespace {

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

template <class X, class... R>
constexpr void add_copies_of(Kernels& kernels, List<R...>) {
  ((kernels.copy[X::index][R::index] = copy_piece<typename X::type, typename R::type>), ...);
}

template <class... X>
constexpr void add_copies(Kernels& kernels, List<X...> all) {
  (add_copies_of<X>(kernels, all), ...);
}

constexpr Kernels make_kernels(const char* name) {
  Kernels kernels{};
  kernels.name = name;
  kernels.segments = &CUMSUM_TARGET::segment_kernels;
  for_each_pair([&]<class X, class R>(int x, int r) { kernels.pairs[x][r] = make_pair<X, R>(); });
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
