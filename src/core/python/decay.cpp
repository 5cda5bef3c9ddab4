#include "decayed.h"
#include "functions.h"

namespace cumsum {
namespace {

Status run_either(const void* job, Interrupted interrupted, void* context) {
  const auto& problem = *static_cast<const DecayProblem*>(job);
  return problem.decays == Decays::complex ? run_complex_decay(problem, interrupted, context)
                                           : run_decay(problem, interrupted, context);
}

bool read_arguments(PyObject* args, DecayProblem& p) {
  int dtype, decays;
  long long shape[3], x[3], y[3], decay[3];
  unsigned long long x_data, y_data, decay_data, initial;
  if (!PyArg_ParseTuple(args, "ii(LLL)(KLLL)(KLLL)(KLLL)Ki", &dtype, &decays, &shape[0], &shape[1],
                        &shape[2], &x_data, &x[0], &x[1], &x[2], &y_data, &y[0], &y[1], &y[2],
                        &decay_data, &decay[0], &decay[1], &decay[2], &initial, &p.threads)) {
    return false;
  }
  p.dtype = static_cast<DType>(dtype);
  p.decays = static_cast<Decays>(decays);
  const bool is_complex = p.dtype == DType::complex64 || p.dtype == DType::complex128;
  const bool is_real = p.dtype >= DType::float16 && p.dtype <= DType::float64;
  const bool known = decays >= 0 && decays <= static_cast<int>(Decays::complex);
  if (!known || !(p.decays == Decays::complex ? is_complex : is_real) || p.threads < 1) {
    PyErr_SetString(PyExc_ValueError, "element type, kind of decays or threads out of range");
    return false;
  }
  p.outer = shape[0], p.length = shape[1], p.inner = shape[2];
  p.x = {reinterpret_cast<char*>(x_data), x[0], x[1], x[2]};
  p.y = {reinterpret_cast<char*>(y_data), y[0], y[1], y[2]};
  p.decay = {reinterpret_cast<char*>(decay_data), decay[0], decay[1], decay[2]};
  p.initial = reinterpret_cast<const double*>(initial);
  return true;
}

}  // namespace

PyObject* scan_decayed(PyObject*, PyObject* args) {
  DecayProblem problem;
  if (!read_arguments(args, problem)) return nullptr;
  const int64_t count = problem.outer * problem.length * problem.inner;
  if (!run_released(2 * count * item_size(problem.dtype), run_either, &problem)) return nullptr;
  Py_RETURN_NONE;
}

}  // namespace cumsum
