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

  template <int d>
  [[gnu::always_inline]] static inline void grow(Group& weights) {
    CUMSUM_UNROLL
    for (int j = 0; j < parts; ++j) {
      V& weight = weights.part[j];
      if constexpr (d < L) {
        weight = times_chosen<typename Walk::template Lower<d>, double, L>(weight);
      } else if (j * L & d) {
        weight *= Walk::last(weights.part[tree_source(j * L, d) / L]);
      }
    }
  }

  [[gnu::always_inline]] static inline Weights weigh(double decay) {
    Weights weights;
    Group group;
    CUMSUM_UNROLL
    for (int j = 0; j < parts; ++j) group.part[j] = all_lanes<double, L>(decay);
    weights.near = group;
    grow<1>(group);
    weights.middle = group;
    grow<2>(group);
    weights.far = group;
    grow<4>(group);
    weights.all = group;
    return weights;
  }

  // What the line carries: the total in the first lane, then `local`, which has the same added to
  // it, and the product, which has nothing.
  class Carried {
    static constexpr bool apart = L < 3;  // the product has a vector of its own
    static constexpr int last = Walk::lane_of_element(Walk::elements - 1, 0);
    V sums, product;

   public:
    explicit Carried(const Decayed& line) {
      sums = V{line.total, line.local};
      if constexpr (!apart) sums[2] = line.product;
      product = all_lanes<double, L>(line.product);
    }
    Decayed line() const { return {sums[0], sums[1], apart ? product[0] : sums[apart ? 0 : 2]}; }
    void set_total(double total) { sums[0] = total; }
    V total() const { return repeated<0, L>(sums); }

    // By the last weights and sums of a group.
    void move_on(V weights, V prefixes) {
      const V weight = repeated<last, L>(weights);
      sums = weight * sums + repeated_twice<last, L>(prefixes);
      if constexpr (apart) product *= weight;
    }
  };

  // Onto the prefixes comes what was before, and what is carried moves on.
  [[gnu::always_inline]] static inline void finish(Group& sums, const Group& weights,
                                                   Carried& carried) {
    const V total = carried.total();
    carried.move_on(weights.part[parts - 1], sums.part[parts - 1]);
    CUMSUM_UNROLL
    for (int j = 0; j < parts; ++j) sums.part[j] = weights.part[j] * total + sums.part[j];
  }

  struct Delay {  // shift by one element; the first is the last of those before
    static constexpr int lane(int i) {
      return Walk::element(i) == 0 ? L + Walk::lane_of_element(Walk::elements - 1, i)
                                   : Walk::lane_of_element(Walk::element(i) - 1, i);
    }
  };

  // The results of a group one element on; `before` is the vector of results before them.
  static inline Group delayed(const Group& sums, V before) {
    Group out;
    CUMSUM_UNROLL
    for (int j = 0; j < parts; ++j) {
      out.part[j] = choose<Delay, double, L>(sums.part[j], j > 0 ? sums.part[j - 1] : before);
    }
    return out;
  }
};

}  // namespace
}  // namespace cumsum
