// The kernels of one pair of element types, entered in the table of their target.
#pragma once

#include "columns.h"
#include "elements.h"
#include "rows.h"
#include "short_segments.h"
#include "tile_sums.h"

namespace cumsum {
namespace {

// Where a processor does vectors of 64 bytes in two halves, rows are quicker with vectors of half
// that size; all else is taken from the target with whole ones.
#ifdef CUMSUM_HALF_VECTORS
inline constexpr bool only_rows = true;
#else
inline constexpr bool only_rows = false;
#endif

template <class A, class X, class R, int C = 1>
constexpr KernelSet make_set() {
  KernelSet set{};
  constexpr int rows = int(Walk::rows), reversed = int(Walk::reversed);
  set.scan[rows] = Rows<A, C, 1>::template scan<X, R>;
  set.add_up[rows] = TileSums<A, C, 1>::template add_up<X>;
  if constexpr (!small) {
    set.scan[reversed] = Rows<A, C, -1>::template scan<X, R>;
    set.add_up[reversed] = TileSums<A, C, -1>::template add_up<X>;
  }
  if constexpr (!only_rows) {
    set.scan[int(Walk::columns)] = Columns<A>::template scan<X, R>;  // channels are columns
    set.add_up[int(Walk::columns)] = Columns<A>::template add_up<X, R>;
  }
  set.fold = Carries<A>::fold;
  set.set = Carries<A>::template set<R, C>;
  set.carry_size = C * sizeof(Carry<A>);
  set.chain_size = set.total_size = C * sizeof(A);
  set.planes = 1;
  set.channels = C;
  set.filters = C == 1;
  return set;
}

template <class A, class X, class R>
inline constexpr KernelSet set_of = make_set<A, typename X::part, typename R::part, R::channels>();

// What this target has no kernels for stays.
inline void enter(KernelSet& entry, const KernelSet& set) {
  if constexpr (!only_rows) {
    entry = set;
  } else {
    for (const Walk walk : {Walk::rows, Walk::reversed}) {
      entry.scan[int(walk)] = set.scan[int(walk)];
      entry.add_up[int(walk)] = set.add_up[int(walk)];
    }
  }
}

// X and R are what is computed, AsX and AsR what the pair is known as: addition modulo 2^n does not
// tell signed from unsigned.
template <class X, class R, class AsX = X, class AsR = R>
void add_pair(Kernels& kernels) {
  using A = Accumulator<typename R::part>;
  enter(kernels.pairs[AsX::index][AsR::index], set_of<A, X, R>);
  if constexpr (!small) {
    using Xp = typename X::part;
    using Rp = typename R::part;
    ScanShort(&segments)[2] = kernels.segments[AsX::index][AsR::index];
    segments[0] = ShortRows<A, R::channels, 1>::template scan<Xp, Rp>;
    segments[1] = ShortRows<A, R::channels, -1>::template scan<Xp, Rp>;
  }
}

}  // namespace
}  // namespace cumsum
