// The sums of whole tiles, by the additions that the rows' kernel makes and no others.
#pragma once

#include "row.h"

namespace cumsum {
namespace {

// What sums carry from tile to tile, in memory: a carry for each channel of each line.
template <class A>
struct Carries {
  template <class R, int C>
  static void set(char* carry, const char* values, int64_t stride, int64_t lines) {
    for (int64_t line = 0; line < lines; ++line, values += stride) {
      for (int c = 0; c < C; ++c, carry += sizeof(Carry<A>)) {
        Carry<A> sum{};
        sum += load<A, 1, R>(values + c * int64_t{sizeof(R)});
        write(carry, sum);
      }
    }
  }

  static bool fold(char* carry, const char* totals, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      char* const at = carry + i * int64_t{sizeof(Carry<A>)};
      Carry<A> sum = read<Carry<A>>(at);
      sum += read<A>(totals + i * int64_t{sizeof(A)});
      write(at, sum);
    }
    return true;
  }
};

// Groups are taken by so many that each lane has one of its own. Sklansky's tree gives the last
// element of a group ((0+1) + (2+3)) + ((4+5) + (6+7)): neighbours are added while pairs of vectors
// are folded into one, so that no addition is idle in any lane.
template <class A, int C, int Step>
struct TileSums : Row<A, C, Step> {
  using Base = Row<A, C, Step>;
  using Base::bundle, Base::L, Base::parts, Base::elements, Base::vectors;
  using typename Base::Group;
  using typename Base::V;
  // Bundles taken together, and the groups in them.
  static constexpr int bundles = elements < group_size ? elements : group_size;
  static constexpr int groups = bundles * bundle / group_size;

  // Where neighbours lie in (a, b), the first ones (odd = 0) or the second ones: neighbours within
  // each 16 bytes, which a processor shuffles most cheaply, until their sums fill the 16 bytes;
  // then neighbouring 16 bytes.
  template <int D, int odd>
  struct Neighbours {
    static constexpr int block = L == 1 ? 1 : 16 * L / vector_bytes;
    static constexpr int unit = D * C < block ? C : block, span = D * C < block ? block : L;
    static constexpr int lane(int i) {
      const int at = i % span * 2;
      return at / span * L + i / span * span + (at % span) / (2 * unit) * 2 * unit + odd * unit +
             i % unit;
    }
  };

  template <int D, int count>
  static inline void fold(V (&v)[bundles]) {
    if constexpr (count > 1) {
      CUMSUM_UNROLL
      for (int i = 0; i < count / 2; ++i) {
        v[i] = choose<Neighbours<D, 0>, A, L>(v[2 * i], v[2 * i + 1]) +
               choose<Neighbours<D, 1>, A, L>(v[2 * i], v[2 * i + 1]);
      }
      fold<2 * D, count / 2>(v);
    }
  }

  // Lane by lane, the sums of all groups in the bundles.
  template <class X>
  [[gnu::always_inline]] static inline void add_groups(const char* x, V (&sums)[vectors],
                                                       Manner manner) {
    constexpr int64_t x_step = Step * bundle * C * int64_t{sizeof(X)};
    constexpr int pieces = parts / vectors;  // vectors that hold one part each of every group
    Group g[bundles];
    CUMSUM_UNROLL
    for (int i = 0; i < bundles; ++i) g[i] = Base::template load_group<X>(x + i * x_step);
    if constexpr (C == 1) {
      if (manner.filters()) {
        CUMSUM_UNROLL
        for (int i = 0; i < bundles; ++i) Base::template filter<X>(g[i], x + i * x_step, manner);
      }
    }
    CUMSUM_UNROLL
    for (int k = 0; k < vectors; ++k) {
      V piece[pieces];
      CUMSUM_UNROLL
      for (int j = 0; j < pieces; ++j) {
        V column[bundles];
        CUMSUM_UNROLL
        for (int i = 0; i < bundles; ++i) column[i] = g[i].part[j * vectors + k];
        fold<1, bundles>(column);
        piece[j] = column[0];
      }
      CUMSUM_UNROLL
      for (int d = 1; d < pieces; d *= 2) {
        CUMSUM_UNROLL
        for (int j = 0; j + d < pieces; j += 2 * d) piece[j] += piece[j + d];
      }
      sums[k] = piece[0];
    }
  }

  // Where in `sums` the sum of group i lies: its element among the lanes. (Which of two neighbours
  // comes first changes their order, not their sum.)
  static constexpr int place(int i) {
    const int half = Step > 0 ? i % 2 : 1 - i % 2;
    return groups > group_size ? i / 8 * 8 + half * 4 + i / 2 % 4 : i;
  }

  // Integers, in any order: their sum is the same, as it wraps round.
  template <class X>
  static A add_lanes(const char* x) {
    constexpr int many = 4;
    V sums[many]{};
    if (Step < 0) x -= (tile_size - 1) * int64_t{sizeof(X)};
    for (int64_t i = 0; i < tile_size; i += many * L) {
      CUMSUM_UNROLL
      for (int k = 0; k < many; ++k) sums[k] += load<A, L, X>(x + (i + k * L) * int64_t{sizeof(X)});
    }
    const V all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    A sum{};
    CUMSUM_UNROLL
    for (int lane = 0; lane < L; ++lane) sum += lane_of<A, L>(all, lane);
    return sum;
  }

  template <class X>
  static void add_up(const Piece& p) {
    constexpr int64_t x_size = Step * C * int64_t{sizeof(X)};
    for (int64_t line = 0; line < p.lines; ++line) {
      const Manner manner = manner_of(p, line, false);
      if constexpr (std::is_integral_v<A> && C == 1) {
        if (!manner.filters()) {
          write(p.carry + line * int64_t{sizeof(A)}, add_lanes<X>(manner.x));
          continue;
        }
      }
      A chain[C]{};
      for (int64_t i = 0; i < tile_size; i += groups * group_size) {
        V sums[vectors];
        add_groups<X>(manner.x + i * x_size, sums, manner);
        CUMSUM_UNROLL
        for (int group = 0; group < groups; ++group) {
          CUMSUM_UNROLL
          for (int c = 0; c < C; ++c) {
            const int at = place(group) * C + c;
            chain[c] += lane_of<A, L>(sums[at / L], at % L);
          }
        }
      }
      for (int c = 0; c < C; ++c) write(p.carry + (line * C + c) * int64_t{sizeof(A)}, chain[c]);
    }
  }
};

}  // namespace
}  // namespace cumsum
