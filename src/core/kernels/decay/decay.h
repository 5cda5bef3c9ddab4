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

#include "bits.h"
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

// Whether there may be terms or decays that a group has to be looked at for: negative zeros, and
// decays from 2 on or below 2^-63 other than zero. Most lines have none, and what tells so is taken
// together for as many elements as one likes.
template <int L>
class Unusual {
  using Words = Vector<int32_t, 2 * L>;  // the upper ones tell
  using Numbers = Vector<int64_t, L>;
  static constexpr int64_t one = 0x3c00000000000000, digits = 0x7c00000000000000;
  Numbers decays{};
  Words least{};

 public:
  void see_term(Vector<double, L> term) { least = lesser<2 * L>(least, bit_cast<Words>(term)); }
  void see_decay(Vector<double, L> decay) { decays = also_unlike<L>(decays, decay, one); }
  bool any() const {
    return any_bit((decays | bit_cast<Numbers>(Words(least == INT32_MIN))) & digits);
  }
};

template <class Mask>
inline bool any_lane(Mask mask) {
  if constexpr (std::is_same_v<Mask, bool>) {
    return mask;
  } else {
    return any_bit(mask);
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

// What one line carries from group to group: `total` is the last result, `local` what it would be
// had the tile begun with zero, `product` that of the tile's decays. In memory they are three
// planes.
struct Decayed {
  double total, local, product;
};
inline constexpr int decay_planes = 3;

inline char* plane_at(const Piece& p, int plane, int64_t line) {
  return p.chain + plane * p.plane + line * int64_t{sizeof(double)};
}

inline Decayed load_state(const Piece& p, int64_t line) {
  return {read<double>(plane_at(p, 0, line)), read<double>(plane_at(p, 1, line)),
          read<double>(plane_at(p, 2, line))};
}

inline void store_state(const Piece& p, int64_t line, const Decayed& sums) {
  write(plane_at(p, 0, line), sums.total);
  write(plane_at(p, 1, line), sums.local);
  write(plane_at(p, 2, line), sums.product);
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

// ---- from tile to tile ------------------------------------------------------------------------

// Beyond these the carry into a tile is the last result of the tile before, found one group after
// another, instead of that of the tile from zero plus what its decays leave of the carry into it.
inline constexpr double most_carried = 0x1p500;

inline bool is_ordinary(double carry, double local, double product) {
  constexpr double infinity = __builtin_inf();
  return __builtin_fabs(carry) <= most_carried && __builtin_fabs(product) <= most_carried &&
         __builtin_fabs(local) < infinity;
}

inline Decayed begin_tile(double carry) { return {carry, 0, 1}; }

// The carry into the next tile.
inline double close_tile(double carry, const Decayed& sums) {
  const bool ordinary = is_ordinary(carry, sums.local, sums.product);
  const double next = ordinary ? sums.product * carry + sums.local : sums.total;
  return next == 0 ? __builtin_copysign(0.0, sums.total == 0 ? sums.total : 0.0) : next;
}

// What a tile adds to a carry, found without it.
struct DecayTotal {
  double local, product;
  bool ends_negative;  // with a negative zero
};

// False if that is not enough for some line, and nothing is changed: a zero after a negative zero
// may be negative.
inline bool fold_decayed(char* carry, const char* totals, int64_t lines) {
  const auto next = [&](int64_t i, double& sum) {
    const double before = read<double>(carry + i * int64_t{sizeof(double)});
    const auto total = read<DecayTotal>(totals + i * int64_t{sizeof(DecayTotal)});
    sum = total.product * before + total.local;
    return is_ordinary(before, total.local, total.product) && !(sum == 0 && total.ends_negative);
  };
  double sum;
  for (int64_t i = 0; i < lines; ++i) {
    if (!next(i, sum)) return false;
  }
  for (int64_t i = 0; i < lines; ++i) {
    next(i, sum);
    write(carry + i * int64_t{sizeof(double)}, sum + 0.0);  // a negative zero is a positive one
  }
  return true;
}

// Any type that values are stored as.
template <class R>
void set_decayed(char* carry, const char* values, int64_t stride, int64_t lines) {
  for (int64_t line = 0; line < lines; ++line) {
    const double first = usual(load<double, 1, R>(values + line * stride));
    write(carry + line * int64_t{sizeof(double)}, first);
  }
}

}  // namespace
}  // namespace cumsum
