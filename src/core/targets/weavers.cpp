// Short lines without gaps between them, once for each accumulator.
#ifndef CUMSUM_SMALL
#include "short_rows.h"
#include "weave.h"

namespace cumsum {
namespace {

template <class A, int n, int C>
constexpr Weaver make_weaver() {
  if constexpr (can_weave(n, C)) {
    return {Weave<A, n, C>::scan, Weave<A, n, C>::lanes};
  } else {
    return {};
  }
}

template <class A, int... at>
constexpr void add(Weaver (&to)[weaver_count], std::integer_sequence<int, at...>) {
  ((to[at] = make_weaver<A, at / most_woven_lines, at % most_woven_lines + 1>()), ...);
}

constexpr Weavers make_weavers() {
  constexpr std::make_integer_sequence<int, weaver_count> all;
  Weavers weavers{};
  add<float>(weavers.of[accumulator<float>], all);
  add<double>(weavers.of[accumulator<double>], all);
  add<uint32_t>(weavers.of[accumulator<uint32_t>], all);
  add<uint64_t>(weavers.of[accumulator<uint64_t>], all);
  return weavers;
}

}  // namespace

constinit const Weavers CUMSUM_TARGET::weavers = make_weavers();

}  // namespace cumsum
#endif
