#include "kernel_set.h"
#include "kinds.h"

void cumsum::CUMSUM_TARGET::add_float32(Kernels& kernels) { add_pair<F32, F32>(kernels); }
