// Compiled once for each target: the kernels of the decayed scan, in one table.
#include "decay_columns.h"
#include "decay_rows.h"

namespace cumsum {
namespace {

template <class R, Decays D>
constexpr void add_decays(DecayKernels& kernels) {
  constexpr int index = static_cast<int>(D);
  kernels.rows[index] = DecayRows<R, 1, D>::scan;
  kernels.reversed[index] = DecayRows<R, -1, D>::scan;
  kernels.columns[index] = DecayColumns<R, D>::scan;
}

template <class R>
constexpr DecayKernels make_decay_kernels() {
  DecayKernels kernels{};
  add_decays<R, Decays::constant>(kernels);
  add_decays<R, Decays::own>(kernels);
  add_decays<R, Decays::wide>(kernels);
  kernels.shared = DecayColumns<R, Decays::wide, true>::scan;
  return kernels;
}

}  // namespace

namespace CUMSUM_TARGET {
extern constinit const DecayTable decays = {
    CUMSUM_TARGET_NAME,
    {make_decay_kernels<Float16>(), make_decay_kernels<BFloat16>(), make_decay_kernels<float>(),
     make_decay_kernels<double>()}};
}  // namespace CUMSUM_TARGET

}  // namespace cumsum
