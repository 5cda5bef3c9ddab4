// Copies of pieces, cast element by element.
//
// Those between types that no kernel scans directly are compiled for one target alone.
#include "copy_piece.h"
#include "elements.h"
#include "kinds.h"

namespace cumsum {
namespace {

template <class X, class R>
void add(Kernels& kernels) {
  kernels.copy[X::index][R::index] = copy_piece<typename X::type, typename R::type>;
}

#ifdef CUMSUM_ALL_CASTS
template <class X, class... R>
void add_from(Kernels& kernels, List<R...>) {
  (add<X, R>(kernels), ...);
}

template <class... X>
void add_all(Kernels& kernels, List<X...> all) {
  (add_from<X>(kernels, all), ...);
}
#else
template <class... X>
void add_own(Kernels& kernels, List<X...>) {
  (add<X, X>(kernels), ...);
}

// To and from 16-bit floats, which processors convert.
template <class H, class... R>
void add_halves(Kernels& kernels, List<R...>) {
  (add<H, R>(kernels), ...);
  (add<R, H>(kernels), ...);
}
#endif

}  // namespace

void CUMSUM_TARGET::add_casts(Kernels& kernels) {
  kernels.copy_past_cache = copy_past_cache;
#ifdef CUMSUM_ALL_CASTS
  add_all(kernels, Elements{});
#else
  add_own(kernels, Elements{});
  using Others = List<F32, F64>;
  add_halves<F16>(kernels, Others{});
  add_halves<BF16>(kernels, Others{});
  add<F32, F64>(kernels);
  add<F64, F32>(kernels);
#endif
}

}  // namespace cumsum
