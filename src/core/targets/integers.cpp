// Integers whose sums have 64 bits.
#include "kernel_set.h"
#include "kinds.h"

namespace cumsum {
namespace {

template <class X, class AsX = X>
void add_widening(Kernels& kernels) {
  add_pair<X, I64, AsX, I64>(kernels);
  add_pair<X, I64, AsX, U64>(kernels);
}

}  // namespace

void CUMSUM_TARGET::add_integers(Kernels& kernels) {
  if constexpr (!only_rows) {  // these are quicker with whole vectors, which have more of them
    add_widening<B8>(kernels);
    add_widening<U8>(kernels);
    add_widening<I8>(kernels);
    add_widening<U16>(kernels);
    add_widening<I16>(kernels);
  }
  add_widening<U32>(kernels);
  add_widening<I32>(kernels);
  add_widening<I64>(kernels);
  add_widening<I64, U64>(kernels);
}

}  // namespace cumsum
