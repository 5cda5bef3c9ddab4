// The kernels of the decayed scan.
#include "decay_columns.h"
#include "decay_rows.h"
#include "kinds.h"

namespace cumsum {
namespace {

template <class R, Decays D>
constexpr void add_kind(DecayKernels& kernels) {
  constexpr int index = static_cast<int>(D);
  kernels.rows[index] = DecayRows<R, 1, D>::scan;
  kernels.reversed[index] = DecayRows<R, -1, D>::scan;
  kernels.columns[index] = DecayColumns<R, D>::scan;
}

template <class R>
constexpr DecayKernels make_decay_kernels() {
  DecayKernels kernels{};
  add_kind<R, Decays::constant>(kernels);
  add_kind<R, Decays::own>(kernels);
  add_kind<R, Decays::wide>(kernels);
  kernels.shared = DecayColumns<R, Decays::wide, true>::scan;
  return kernels;
}

template <class R>
void add(Kernels& kernels, DType dtype) {
  static constexpr DecayKernels decays = make_decay_kernels<R>();
  kernels.decays[int(dtype)] = &decays;
}

}  // namespace

void CUMSUM_TARGET::add_decays(Kernels& kernels) {
  add<Float16>(kernels, DType::float16);
  add<BFloat16>(kernels, DType::bfloat16);
  add<float>(kernels, DType::float32);
  add<double>(kernels, DType::float64);
}

}  // namespace cumsum
