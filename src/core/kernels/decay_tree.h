// The tree of a decayed group whose elements lie in the lanes of one or more vectors.
#pragma once

#include "decay.h"
#include "row.h"

namespace cumsum {
namespace {

template <int Step>
struct DecayTree {
  using Walk = Row<double, 1, Step, 1>;
  using Group = typename Walk::Group;
  using V = typename Walk::V;
  static constexpr int L = Walk::L, parts = Walk::parts;

  // The products of decays at each distance of the tree, and of all up to each element.
  struct Weights {
    Group near, middle, far, all;
  };

  // One where nothing comes from below, zero elsewhere.
  template <int d>
  static inline V untouched() {
    V ones{};
    for (int i = 0; i < L; ++i) {
      if constexpr (L > 1) ones[i] = Walk::element(i) & d ? 0 : 1;
    }
    return ones;
  }

  template <int d>
  static inline void add(Group& sums, const Group& weights) {
    CUMSUM_UNROLL
    for (int j = 0; j < parts; ++j) {
      V& sum = sums.part[j];
      if constexpr (d < L) {
        sum += weights.part[j] * permute<typename Walk::template Lower<d>, double, L>(sum);
      } else if (j * L & d) {
        sum += weights.part[j] * Walk::last(sums.part[tree_source(j * L, d) / L]);
      }
    }
  }

  // (GCC 12 has been seen to call these two for AVX2, with 256 bytes by way of memory. A decay for
  // each element: 3.3 ns an element so, 0.8 inlined.)
  template <int d>
  [[gnu::always_inline]] static inline Group grown(Group weights) {
    CUMSUM_UNROLL
    for (int j = 0; j < parts; ++j) {
      V& weight = weights.part[j];
      if constexpr (d < L) {
        using Below = typename Walk::template Lower<d>;
        weight *= permute<Below, double, L>(weight) + untouched<d>();
      } else if (j * L & d) {
        weight *= Walk::last(weights.part[tree_source(j * L, d) / L]);
      }
    }
    return weights;
  }

  [[gnu::always_inline]] static inline Weights weigh(const Group& decays) {
    Weights weights;
    weights.near = decays;
    weights.middle = grown<1>(weights.near);
    weights.far = grown<2>(weights.middle);
    weights.all = grown<4>(weights.far);
    return weights;
  }

  static inline Group all_of(double decay) {
    Group group;
    for (int j = 0; j < parts; ++j) group.part[j] = all_lanes<double, L>(decay);
    return group;
  }

  struct Spread {  // what the line carries, in all lanes
    V total, local, product;
  };

  // Onto the prefixes comes what was before, and what is carried moves on.
  static inline void finish(Group& sums, const Group& weights, Spread& carried) {
    const V weight = Walk::last(weights.part[parts - 1]), sum = Walk::last(sums.part[parts - 1]);
    CUMSUM_UNROLL
    for (int j = 0; j < parts; ++j) {
      sums.part[j] = weights.part[j] * carried.total + sums.part[j];
    }
    carried.total = weight * carried.total + sum;
    carried.local = weight * carried.local + sum;
    carried.product *= weight;
  }

  struct Delay {  // shift by one element; the first is the last of those before
    static constexpr int lane(int i) {
      return Walk::element(i) == 0 ? L + Walk::lane_of_element(Walk::elements - 1, i)
                                   : Walk::lane_of_element(Walk::element(i) - 1, i);
    }
  };

  // The results of `count` groups one element on; `before` is in all lanes.
  [[gnu::noinline]] static void delay(Group* sums, V before, int count) {
    for (int i = 0; i < count; ++i) {
      for (int j = 0; j < parts; ++j) {
        V& here = sums[i].part[j];
        const V own = here;
        if constexpr (L == 1) {
          here = before;
        } else {
          here = choose<Delay, double, L>(own, before);
        }
        before = own;
      }
    }
  }
};

}  // namespace
}  // namespace cumsum
