// The decayed scan: y[i] = decay[i] * y[i - 1] + x[i], from the initial value on.
//
// The order of its operations (docs/decay.md) is cut in the same tiles and groups as that of the
// plain scan. All is computed in float64 (complex decays in pairs of them) and rounded once, on the
// store.
#pragma once

#include "decay.h"
#include "scan.h"

namespace cumsum {

// An operand: where its first element in scan order lies, and its strides in bytes.
struct DecayOperand {
  char* data;
  int64_t outer, scan, inner;
};

struct DecayProblem {
  DType dtype;  // of x and y
  Decays decays;
  int64_t outer, length, inner;
  DecayOperand x, y, decay;
  const double* initial;  // outer * inner values, or pairs of them; or null
  int threads;            // at most
};

Status run_decay(const DecayProblem& problem, Interrupted interrupted, void* context) noexcept;

// The same where decays are complex: one element after another.
Status run_complex_decay(const DecayProblem& problem, Interrupted interrupted,
                         void* context) noexcept;

}  // namespace cumsum
