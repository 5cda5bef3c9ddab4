// The kernels. A group of eight elements is scanned in registers, a tile is a chain of groups.
//
// Inside a group the prefix sums are Sklansky's tree (Conditional-Sum Addition Logic, 1960): at
// distance d = 1, 2, 4, every element of an upper half-block of d elements receives the last prefix
// of the lower half-block. In rows the eight elements lie in the lanes of one or more vectors, in
// columns each has a vector of its own; the additions are the same ones. For non-negative input
// every step keeps the prefixes non-decreasing, because rounding is monotone.
//
//   y = carry + (chain + prefix);   chain += last prefix;   at the end of a tile carry += chain
#pragma once

#include "source.h"

namespace cumsum {
namespace {

// Loops over a group are written out by the compiler, so that the group stays in registers.
#define CUMSUM_UNROLL _Pragma("GCC unroll 16")

// The last element of the lower half-block of e at distance d, or e itself where e is in a lower
// one.
constexpr int tree_source(int e, int d) { return e & d ? (e & ~(2 * d - 1)) + d - 1 : e; }

// The baseline of x86 is there to be right on any processor, not to be fast: what the driver can do
// without is left out.
#ifdef CUMSUM_SMALL
inline constexpr bool small = true;
#else
inline constexpr bool small = false;
#endif

}  // namespace
}  // namespace cumsum
