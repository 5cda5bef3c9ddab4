// Lines along the axis of memory: a group lies in the lanes of one or more vectors.
#pragma once

#include "decay_tree.h"

namespace cumsum {
namespace {

// D is what decays are stored as. `constant`: each line has one, else each element.
template <class R, int Step, class D, bool constant>
struct DecayRows : DecayTree<Step> {
  using Tree = DecayTree<Step>;
  using Tree::L, Tree::parts;
  using typename Tree::Group, typename Tree::Carried, typename Tree::V, typename Tree::Walk,
      typename Tree::Weights;
  static constexpr int64_t x_step = Step * int64_t{sizeof(R)};
  static constexpr int64_t decay_step = constant ? 0 : Step * int64_t{sizeof(D)};
  // Groups taken together, whose trees fit in registers. A decay for each element, AVX2 on an
  // Emerald Rapids: 0.96 ns an element with two, 1.07 with four; one decay: 0.66 and 0.62.
  static constexpr int many = L > 4 || constant ? 4 : 2;

  // A group's elements in memory, as a walk over them finds them.
  struct Elements {
    double of[group_size];
    char* first() { return reinterpret_cast<char*>(&(*this)[0]); }
    double& operator[](int e) { return of[Step > 0 ? e : group_size - 1 - e]; }
    Group group() { return Walk::template load_group<double>(first()); }
  };

  static bool has_negative_zero(const Group& group) {
    bool found = false;
    for (int j = 0; j < parts; ++j) {
      for (int i = 0; i < L; ++i) {
        const double value = lane_of<double, L>(group.part[j], i);
        found |= value == 0 && __builtin_signbit(value);
      }
    }
    return found;
  }

  // Gives the zeros among the results of a group, which follow `before`, their signs.
  static void sign_zeros(const char* x, const char* decay, double before, Group& sums) {
    if (!has_negative_zero(Walk::template load_group<R>(x))) return;
    Elements results;
    Walk::template store_group<double>(results.first(), sums, false);
    for (int e = 0; e < group_size; ++e) {
      const double term = load<double, 1, R>(x + e * x_step),
                   weight = load<double, 1, D>(decay + e * decay_step);
      before = results[e] = with_sign(results[e], term, weight, before);
    }
    sums = results.group();
  }

  template <int d, int count>
  [[gnu::always_inline]] static inline void add(Group* sums, Group* weights, const Group& fixed) {
    CUMSUM_UNROLL
    for (int i = 0; i < count; ++i) {
      Tree::template add<d>(sums[i], constant ? fixed : weights[i]);
      if constexpr (!constant) Tree::template grow<d>(weights[i]);
    }
  }

  // Whether any of `count` groups must be looked at by itself.
  template <int count>
  [[gnu::always_inline]] static inline bool unusual(const Group* sums, const Group* weights) {
    Unusual<L> found;
    CUMSUM_UNROLL
    for (int i = 0; i < count; ++i) {
      CUMSUM_UNROLL
      for (int j = 0; j < parts; ++j) {
        found.see_term(sums[i].part[j]);
        if constexpr (!constant) found.see_decay(weights[i].part[j]);
      }
    }
    return found.any();
  }

  // `count` groups, if nothing about them is unusual, or one whose decays are steady.
  template <int count, bool usual>
  [[gnu::always_inline]] static inline bool scan_groups(const char* x, const char* decay, char* y,
                                                        const Weights& fixed, Carried& carried,
                                                        const double* first, Manner manner) {
    Group sums[count], weights[count];
    CUMSUM_UNROLL
    for (int i = 0; i < count; ++i) {
      sums[i] = Walk::template load_group<R>(x + i * group_size * x_step);
      if constexpr (!constant)
        weights[i] = Walk::template load_group<D>(decay + i * group_size * decay_step);
    }
    if (usual && unusual<count>(sums, weights)) return false;
    if (!usual && !constant && !all_steady(weights[0])) return false;
    add<1, count>(sums, weights, fixed.near);
    add<2, count>(sums, weights, fixed.middle);
    add<4, count>(sums, weights, fixed.far);
    const V before = carried.total();
    CUMSUM_UNROLL
    for (int i = 0; i < count; ++i)
      Tree::finish(sums[i], constant ? fixed.all : weights[i], carried);
    if constexpr (!usual) {
      sign_zeros(x, decay, lane_of<double, L>(before, 0), sums[0]);
      carried.set_total(lane_of<double, L>(Walk::last(sums[0].part[parts - 1]), 0));
    }
    if (y == nullptr) return true;
    if (manner.exclusive) {
      const V start = first ? all_lanes<double, L>(*first) : before;
      CUMSUM_UNROLL
      for (int i = 0; i < count; ++i) {
        const V left = i > 0 ? sums[i > 0 ? i - 1 : 0].part[parts - 1] : start;
        Walk::template store_group<R>(y + i * group_size * x_step, Tree::delayed(sums[i], left),
                                      manner.stream);
      }
    } else {
      CUMSUM_UNROLL
      for (int i = 0; i < count; ++i)
        Walk::template store_group<R>(y + i * group_size * x_step, sums[i], manner.stream);
    }
    return true;
  }

  static bool all_steady(const Group& decays) {
    bool steady = true;
    for (int j = 0; j < parts; ++j) {
      steady &= !any_lane(is_steady(decays.part[j]) == 0);
    }
    return steady;
  }

  // A group in which something is unusual.
  [[gnu::noinline]] static Decayed scan_group(const char* x, const char* decay, char* y,
                                              const Weights& fixed, Decayed sums, bool apart,
                                              const double* first, Manner manner) {
    Carried carried(sums);
    if (!apart && scan_groups<1, false>(x, decay, y, fixed, carried, first, manner)) {
      return carried.line();
    }
    scan_rest(x, decay, y, group_size, sums, first, manner);
    return sums;
  }

  // At most a group, an element at a time.
  static void scan_rest(const char* x, const char* decay, char* y, int count, Decayed& sums,
                        const double* first, Manner manner) {
    double values[group_size], decays[group_size];
    for (int e = 0; e < count; ++e) {
      values[e] = load<double, 1, R>(x + e * x_step);
      decays[e] = load<double, 1, D>(decay + e * decay_step);
    }
    double before = first ? *first : sums.total;
    scan_apart(values, decays, count, sums);
    if (!y) return;
    for (int e = 0; manner.exclusive && e < count; ++e) {
      const double own = values[e];
      values[e] = before;
      before = own;
    }
    if (manner.stream && count == group_size) {  // as its neighbours in the same cache line
      Elements results;
      for (int e = 0; e < group_size; ++e) results[e] = values[e];
      Walk::template store_group<R>(y, results.group(), true);
      return;
    }
    for (int e = 0; e < count; ++e) store<R, double, 1>(y + e * x_step, values[e]);
  }

  // Elements of one tile; `first` is what is before them, for exclusive results, unless the sums
  // have it.
  static void scan_tile(const char* x, const char* decay, char* y, int64_t length, Decayed& sums,
                        const double* first, Manner manner) {
    const double fixed = constant ? read<double>(decay) : 0;
    const bool apart = constant && !is_steady(fixed);
    const Weights weights = constant ? Tree::weigh(fixed) : Weights{};
    const auto place = [&](int64_t i) { return y ? y + i * x_step : nullptr; };
    const auto before_it = [&](int64_t i) { return i == 0 ? first : nullptr; };
    int64_t i = 0;
    for (const int64_t most = length - length % group_size; i < most;) {
      Carried carried(sums);
      const auto scan_next = [&](auto count) {
        return !apart &&
               scan_groups<count(), true>(x + i * x_step, decay + i * decay_step, place(i), weights,
                                          carried, before_it(i), manner);
      };
      constexpr std::integral_constant<int, many> several;
      constexpr std::integral_constant<int, 1> single;
      while (most - i >= many * group_size && scan_next(several)) i += many * group_size;
      const int64_t end = most - i < many * group_size ? most : i + many * group_size;
      while (i < end && scan_next(single)) i += group_size;
      sums = carried.line();
      if (i == end) continue;
      sums = scan_group(x + i * x_step, decay + i * decay_step, place(i), weights, sums, apart,
                        before_it(i), manner);
      i += group_size;
    }
    if (i < length) {
      const int rest = static_cast<int>(length - i);
      scan_rest(x + i * x_step, decay + i * decay_step, place(i), rest, sums, before_it(i), manner);
    }
  }

  static void scan(const Piece& p) {
    for (int64_t line = 0; line < p.lines; ++line) {
      char* const carry_at = p.carry ? p.carry + line * int64_t{sizeof(double)} : nullptr;
      double carry = carry_at ? read<double>(carry_at) : 0;
      Decayed sums = carry_at ? load_state(p, line) : Decayed{};
      const Manner manner = manner_of(p, line, p.stream && p.length % group_size == 0);
      const char* const decay = p.decay + line * p.decay_line;
      char* const y = p.y ? p.y + line * p.y_line : nullptr;
      for (int64_t i = 0; i < p.length;) {
        const int64_t at = (p.position + i) % tile_size, left = tile_size - at;
        const int64_t count = left < p.length - i ? left : p.length - i;
        const double before = sums.total;  // the last result, which a carry is not to the bit
        const bool inside = at == 0 && p.position + i > 0;
        if (at == 0) sums = begin_tile(carry);
        scan_tile(manner.x + i * x_step, decay + i * decay_step, y ? y + i * x_step : nullptr,
                  count, sums, inside ? &before : nullptr, manner);
        i += count;
        if (count == left) carry = close_tile(carry, sums);
      }
      if (!carry_at) continue;
      write(carry_at, carry);
      store_state(p, line, sums);
    }
  }

  static void add_up(const Piece& p) {
    for (int64_t line = 0; line < p.lines; ++line) {
      const char *const x = p.x + line * p.x_line, *const decay = p.decay + line * p.decay_line;
      Decayed sums = begin_tile(0);
      scan_tile(x, decay, nullptr, tile_size, sums, nullptr, manner_of(p, line, false));
      const double last = load<double, 1, R>(x + (tile_size - 1) * x_step);
      write(p.carry + line * int64_t{sizeof(DecayTotal)},
            DecayTotal{sums.local, sums.product, last == 0 && __builtin_signbit(last)});
    }
  }
};

}  // namespace
}  // namespace cumsum
