// 16-bit floats.
#include "kernel_set.h"
#include "kinds.h"

void cumsum::CUMSUM_TARGET::add_halves(Kernels& kernels) {
  add_pair<F16, F16>(kernels);
  add_pair<F16, F32>(kernels);
  add_pair<BF16, BF16>(kernels);
  add_pair<BF16, F32>(kernels);
}
