// Decays that are complex: a plain loop over each line, all lines of a panel at once.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <vector>

#include "decay_run.h"
#include "float_mode.h"
#include "policy.h"
#include "pool.h"

namespace cumsum {
namespace {

using Number = Complex<double>;

template <class T>
Number load_number(const char* p) {
  T parts[2];
  std::memcpy(parts, p, sizeof(parts));
  return {parts[0], parts[1]};
}

template <class T>
void store_number(char* p, Number value) {
  const T parts[2] = {static_cast<T>(value.real), static_cast<T>(value.imag)};
  std::memcpy(p, parts, sizeof(parts));
}

struct ComplexRun {
  const DecayProblem& problem;
  Patience patience;
  int64_t panel, panels;
  std::atomic<int64_t> next{0};
};

template <class T>
void scan_panel(ComplexRun& run, int64_t unit, int worker) {
  const DecayProblem& p = run.problem;
  const int64_t outer = unit / run.panels, line = unit % run.panels * run.panel;
  const int64_t lines = std::min(run.panel, p.inner - line);
  const auto at = [&](const DecayOperand& o) { return o.data + outer * o.outer + line * o.inner; };
  const char *const x = at(p.x), *const decay = at(p.decay);
  char* const y = at(p.y);
  Number totals[policy::complex_lines] = {};
  if (p.initial) {
    std::memcpy(totals, p.initial + 2 * (outer * p.inner + line), lines * sizeof(Number));
  }
  for (int64_t i = 0; i < p.length; ++i) {
    if (i % tile_size == 0 && run.patience.is_over(worker)) return;
    for (int64_t l = 0; l < lines; ++l) {
      const Number a = load_number<double>(decay + i * p.decay.scan + l * p.decay.inner);
      const Number term = load_number<T>(x + i * p.x.scan + l * p.x.inner), before = totals[l];
      totals[l] = {a.real * before.real - a.imag * before.imag + term.real,
                   a.real * before.imag + a.imag * before.real + term.imag};
      store_number<T>(y + i * p.y.scan + l * p.y.inner, totals[l]);
    }
  }
}

void work(void* context, int worker) noexcept {
  ComplexRun& run = *static_cast<ComplexRun*>(context);
  const StandardFloats standard;
  const int64_t units = run.problem.outer * run.panels;
  for (;;) {
    const int64_t unit = run.next.fetch_add(1, std::memory_order_relaxed);
    if (unit >= units) return;
    if (run.problem.dtype == DType::complex64) {
      scan_panel<float>(run, unit, worker);
    } else {
      scan_panel<double>(run, unit, worker);
    }
  }
}

}  // namespace

Status run_complex_decay(const DecayProblem& problem, Interrupted interrupted,
                         void* context) noexcept {
  constexpr int64_t panel = policy::complex_lines;
  ComplexRun run{problem, {interrupted, context}, panel, (problem.inner + panel - 1) / panel};
  const int64_t elements = problem.outer * problem.length * problem.inner;
  const bool small = 2 * elements * item_size(problem.dtype) < policy::parallel_bytes;
  const int64_t units = problem.outer * run.panels;
  const auto workers = std::clamp<int64_t>(units, 1, small ? 1 : problem.threads);
  run_parallel(static_cast<int>(workers), work, &run, run.patience);
  return run.patience.status(problem.x.data == problem.y.data);
}

}  // namespace cumsum
