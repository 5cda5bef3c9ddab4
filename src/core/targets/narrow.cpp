// Integers whose sums are of their own type.
#include "kernel_set.h"
#include "kinds.h"

void cumsum::CUMSUM_TARGET::add_narrow(Kernels& kernels) {
  add_pair<B8, B8>(kernels);
  add_pair<I8, I8>(kernels);
  add_pair<I8, I8, U8, U8>(kernels);
  add_pair<I16, I16>(kernels);
  add_pair<I16, I16, U16, U16>(kernels);
  add_pair<I32, I32>(kernels);
  add_pair<I32, I32, U32, U32>(kernels);
}
