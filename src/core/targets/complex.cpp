// Complex numbers, and floats without vectors.
#include "kernel_set.h"
#include "kinds.h"

void cumsum::CUMSUM_TARGET::add_complex(Kernels& kernels) {
  add_pair<C64, C64>(kernels);
  add_pair<C128, C128>(kernels);
  add_pair<F80, F80>(kernels);
  add_pair<C160, C160>(kernels);
  enter(kernels.compensated[1], set_of<Twice<double>, C128, C128>);
}
