#include "kernel_set.h"
#include "kinds.h"

void cumsum::CUMSUM_TARGET::add_float64(Kernels& kernels) {
  add_pair<F64, F64>(kernels);
  add_pair<F32, F64>(kernels);
  enter(kernels.compensated[0], set_of<Twice<double>, F64, F64>);
}
