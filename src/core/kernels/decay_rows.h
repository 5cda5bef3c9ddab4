// Lines along the axis of memory: a group lies in the lanes of one or more vectors.
#pragma once

#include "decay_tree.h"

namespace cumsum {
namespace {

// `constant`: each line has one decay, else each element.
template <class R, int Step, bool constant>
struct DecayRows : DecayTree<Step> {
  using Tree = DecayTree<Step>;
  using Tree::L, Tree::parts;
  using typename Tree::Group, typename Tree::Spread, typename Tree::V, typename Tree::Walk,
      typename Tree::Weights;
  static constexpr int64_t x_step = Step * int64_t{sizeof(R)};
  static constexpr int many = 4;  // groups taken together

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

  // Gives the zeros among the results of `count` groups, which follow `before`, their signs.
  [[gnu::noinline]] static void sign_zeros(const char* x, const char* decay, bool own,
                                           double before, Group* sums, int count) {
    for (int i = 0; i < count; ++i) {
      const char* const from = x + i * group_size * x_step;
      const Group terms = Walk::template load_group<R>(from);
      if (has_negative_zero(terms)) {
        Elements results;
        Walk::template store_group<double>(results.first(), sums[i], false);
        for (int e = 0; e < group_size; ++e) {
          const double term = load<double, 1, R>(from + e * x_step);
          const double weight = decay_at(decay, i * group_size + e, own);
          before = results[e] = with_sign(results[e], term, weight, before);
        }
        sums[i] = results.group();
      } else {
        for (int j = 0; j < parts; ++j) sums[i].part[j] += V{};
        before = lane_of<double, L>(Walk::last(sums[i].part[parts - 1]), 0);
      }
    }
  }
  // Where the decay of element i lies, from that of the first one; and what it is.
  static const char* place_of(const char* decay, int64_t i, bool own) {
    if (constant) return decay;
    return decay + Step * i * (own ? int64_t{sizeof(R)} : int64_t{sizeof(double)});
  }
  static double decay_at(const char* decay, int64_t i, bool own) {
    const char* const at = place_of(decay, i, own);
    return own ? load<double, 1, R>(at) : read<double>(at);
  }

  // `count` groups, if their decays are steady.
  template <int count>
  [[gnu::always_inline]] static inline bool scan_groups(const char* x, const char* decay, char* y,
                                                        const Weights& fixed, Spread& carried,
                                                        const double* first, Manner manner) {
    Group weights[constant ? 1 : count];
    if constexpr (!constant) {
      auto steady = is_steady(V{});
      CUMSUM_UNROLL
      for (int i = 0; i < count; ++i) {
        const char* const at = place_of(decay, i * group_size, manner.own_decays);
        weights[i] = manner.own_decays ? Walk::template load_group<R>(at)
                                       : Walk::template load_group<double>(at);
        CUMSUM_UNROLL
        for (int j = 0; j < parts; ++j) steady &= is_steady(weights[i].part[j]);
      }
      if (!holds<Extent::all, L>(steady)) return false;
    }
    Group sums[count];
    CUMSUM_UNROLL
    for (int i = 0; i < count; ++i) {
      sums[i] = Walk::template load_group<R>(x + i * group_size * x_step);
    }
    CUMSUM_UNROLL
    for (int i = 0; i < count; ++i) {
      if constexpr (constant) {
        Tree::template add<1>(sums[i], fixed.near);
        Tree::template add<2>(sums[i], fixed.middle);
        Tree::template add<4>(sums[i], fixed.far);
      } else {
        const Weights own = Tree::weigh(weights[i]);
        Tree::template add<1>(sums[i], own.near);
        Tree::template add<2>(sums[i], own.middle);
        Tree::template add<4>(sums[i], own.far);
        weights[i] = own.all;
      }
    }
    const V before = carried.total;
    auto zeros = V{} != V{};
    CUMSUM_UNROLL
    for (int i = 0; i < count; ++i) {
      Tree::finish(sums[i], constant ? fixed.all : weights[i], carried);
      CUMSUM_UNROLL
      for (int j = 0; j < parts; ++j) zeros |= sums[i].part[j] == 0;
    }
    if (holds<Extent::any, L>(zeros)) {
      sign_zeros(x, decay, manner.own_decays, lane_of<double, L>(before, 0), sums, count);
      carried.total = Walk::last(sums[count - 1].part[parts - 1]);
    }
    if (y == nullptr) return true;
    if (manner.exclusive) {
      Tree::delay(sums, first ? all_lanes<double, L>(*first) : before, count);
    }
    CUMSUM_UNROLL
    for (int i = 0; i < count; ++i) {
      Walk::template store_group<R>(y + i * group_size * x_step, sums[i], manner.stream);
    }
    return true;
  }

  // At most a group, an element at a time.
  static void scan_rest(const char* x, const char* decay, char* y, int count, Decayed& sums,
                        const double* first, Manner manner) {
    double values[group_size], decays[group_size];
    for (int e = 0; e < count; ++e) {
      values[e] = load<double, 1, R>(x + e * x_step);
      decays[e] = decay_at(decay, e, manner.own_decays);
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

  static inline Decayed gathered(const Spread& carried) {
    return {lane_of<double, L>(carried.total, 0), lane_of<double, L>(carried.local, 0),
            lane_of<double, L>(carried.product, 0)};
  }
  static inline Spread spread(const Decayed& sums) {
    return {all_lanes<double, L>(sums.total), all_lanes<double, L>(sums.local),
            all_lanes<double, L>(sums.product)};
  }

  // Elements of one tile; `first` is what is before them, for exclusive results, unless the sums
  // have it.
  static void scan_tile(const char* x, const char* decay, char* y, int64_t length, Decayed& sums,
                        const double* first, Manner manner) {
    const double fixed = constant ? read<double>(decay) : 0;
    const bool apart = constant && !is_steady(fixed);
    const Weights weights = constant ? Tree::weigh(Tree::all_of(fixed)) : Weights{};
    Spread carried = spread(sums);
    const auto place = [&](int64_t i) { return y ? y + i * x_step : nullptr; };
    const auto before_it = [&](int64_t i) { return i == 0 ? first : nullptr; };
    int64_t i = 0;
    while (length - i >= group_size) {
      const char *const from = x + i * x_step, *const by = place_of(decay, i, manner.own_decays);
      if (!apart && length - i >= many * group_size &&
          scan_groups<many>(from, by, place(i), weights, carried, before_it(i), manner)) {
        i += many * group_size;
      } else if (!apart &&
                 scan_groups<1>(from, by, place(i), weights, carried, before_it(i), manner)) {
        i += group_size;
      } else {
        Decayed now = gathered(carried);
        scan_rest(from, by, place(i), group_size, now, before_it(i), manner);
        carried = spread(now);
        i += group_size;
      }
    }
    sums = gathered(carried);
    if (i < length) {
      const int rest = static_cast<int>(length - i);
      scan_rest(x + i * x_step, place_of(decay, i, manner.own_decays), place(i), rest, sums,
                before_it(i), manner);
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
        scan_tile(manner.x + i * x_step, place_of(decay, i, manner.own_decays),
                  y ? y + i * x_step : nullptr, count, sums, inside ? &before : nullptr, manner);
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
