// A group of eight elements of the decayed scan, and which decays it takes.
//
// Sklansky's tree again (tree.h): at distance d = 1, 2, 4, every element of an upper half-block of
// d elements receives the last prefix of the lower half-block, times the product of the decays in
// between; the products grow by the same tree.
//
//   y = product * total + prefix;   total = last y
//
// A decay is steady if the products of eight neither overflow nor vanish. From the first other one
// on, a group is scanned one element after another, so that the results are those of a plain loop
// where infinities are about.
#pragma once

#include "decay.h"
#include "tree.h"

namespace cumsum {
namespace {

inline constexpr double most_steady = 2, least_steady = 0x1p-100;

// In each lane; zero is steady.
template <class V>
inline auto is_steady(V decay) {
  const V square = decay * decay;
  constexpr double most = most_steady * most_steady, least = least_steady * least_steady;
  return (square <= most) & ((square >= least) | (decay == 0));
}

template <int L, class Mask>
inline bool in_all_lanes(Mask mask) {
  if constexpr (L == 1) {
    return mask;
  } else {
    auto all = mask[0];
    CUMSUM_UNROLL
    for (int i = 1; i < L; ++i) all &= mask[i];
    return all != 0;
  }
}

template <int L, class Mask>
inline bool in_any_lane(Mask mask) {
  if constexpr (L == 1) {
    return mask;
  } else {
    auto any = mask[0];
    CUMSUM_UNROLL
    for (int i = 1; i < L; ++i) any |= mask[i];
    return any != 0;
  }
}

// A result, of one line or of several: a zero has its sign in a plain loop, whose last addition has
// a negative one only where both terms are.
template <class V>
inline V with_sign(V result, V x, V decay, V before) {
  const V sum = decay * before + x;
  const V zero = sum == 0 ? sum : V{};
  return result == 0 ? zero : result;
}

// What one line carries, see DecayState.
struct Decayed {
  double total, local, product;
};

inline Decayed load_state(const DecayState& state, int64_t line) {
  return {state.total[line], state.local[line], state.product[line]};
}

inline void store_state(const DecayState& state, int64_t line, const Decayed& sums) {
  state.total[line] = sums.total;
  state.local[line] = sums.local;
  state.product[line] = sums.product;
}

// Any nan becomes the one that 16-bit stores can keep.
inline double usual(double value) { return value == value ? value : __builtin_nan(""); }

// Up to eight elements of one line; prefixes in `x` and products in `decay` take their places, and
// the results those of `x`.
inline void scan_apart(double* x, double* decay, int count, Decayed& sums) {
  double terms[group_size], factors[group_size];
  __builtin_memcpy(terms, x, count * sizeof(double));
  __builtin_memcpy(factors, decay, count * sizeof(double));
  int steady = 0;
  while (steady < count && is_steady(decay[steady])) ++steady;
  for (int d = 1; d < group_size; d *= 2) {
    for (int e = 0; e < steady; ++e) {
      if ((e & d) == 0) continue;
      const int source = tree_source(e, d);
      x[e] += decay[e] * x[source];
      decay[e] *= decay[source];
    }
  }
  const Decayed before = sums;
  for (int e = 0; e < steady; ++e) {
    const double prefix = x[e];
    x[e] = with_sign(decay[e] * before.total + prefix, terms[e], factors[e], sums.total);
    sums = {x[e], decay[e] * before.local + prefix, before.product * decay[e]};
  }
  for (int e = steady; e < count; ++e) {
    sums.local = decay[e] * sums.local + x[e];
    sums.product *= decay[e];
    sums.total = x[e] = usual(decay[e] * sums.total + x[e]);
  }
}

}  // namespace
}  // namespace cumsum
