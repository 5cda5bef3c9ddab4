// Decayed scans: y[i] = decay[i] * y[i - 1] + x[i], in the order of docs/decay.md. All is computed
// in float64 (complex decays in pairs of them) and rounded once, on the store.
#include "decay_columns.h"
#include "decay_rows.h"
#include "elements.h"
#include "kinds.h"

namespace cumsum {
namespace {

// Decays are one for each line, which is known by its stride, or float64, or of the results' type.
template <class R, int Step>
void with_rows(const Piece& p, auto function) {
  if (p.decay_scan == 0) return function(DecayRows<R, Step, double, true>{}, p);
  if constexpr (!std::is_same_v<R, double>) {
    if (p.own_decays) return function(DecayRows<R, Step, R, false>{}, p);
  }
  function(DecayRows<R, Step, double, false>{}, p);
}

// The same for all lines, or float64, or of the results' type.
template <class R>
void with_columns(const Piece& p, auto function) {
  if constexpr (!std::is_same_v<R, double>) {
    if (p.own_decays) return function(DecayColumns<R, R, false>{}, p);
  }
  if (p.decay_line == 0) return function(DecayColumns<R, double, true>{}, p);
  function(DecayColumns<R, double, false>{}, p);
}

template <class R, int Step>
void scan_rows(const Piece& p) {
  with_rows<R, Step>(p, [](auto rows, const Piece& piece) { rows.scan(piece); });
}

template <class R, int Step>
void add_up_rows(const Piece& p) {
  with_rows<R, Step>(p, [](auto rows, const Piece& piece) { rows.add_up(piece); });
}

template <class R>
void scan_columns(const Piece& p) {
  with_columns<R>(p, [](auto columns, const Piece& piece) { columns.scan(piece); });
}

template <class R>
void add_up_columns(const Piece& p) {
  with_columns<R>(p, [](auto columns, const Piece& piece) { columns.add_up(piece); });
}

template <class T>
void add(Kernels& kernels) {
  using R = typename T::type;
  KernelSet& set = kernels.decays[T::index];
  constexpr int rows = int(Walk::rows), reversed = int(Walk::reversed);
  set.scan[rows] = scan_rows<R, 1>;
  set.add_up[rows] = add_up_rows<R, 1>;
  if constexpr (!small) {
    set.scan[reversed] = scan_rows<R, -1>;
    set.add_up[reversed] = add_up_rows<R, -1>;
  }
  set.scan[int(Walk::columns)] = scan_columns<R>;
  set.add_up[int(Walk::columns)] = add_up_columns<R>;
  set.fold = fold_decayed;
  set.set = set_decayed<R>;
  set.carry_size = sizeof(double);
  set.chain_size = decay_planes * sizeof(double);
  set.planes = decay_planes;
  set.total_size = sizeof(DecayTotal);
  set.channels = 1;
}

}  // namespace

void CUMSUM_TARGET::add_decays(Kernels& kernels) {
  add<F16>(kernels);
  add<BF16>(kernels);
  add<F32>(kernels);
  add<F64>(kernels);
  kernels.complex_decays[C64::index] = complex64_decays;
  kernels.complex_decays[C128::index] = complex128_decays;
}

}  // namespace cumsum
