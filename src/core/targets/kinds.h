// The files of this folder that are compiled once for each target, each of which enters the kernels
// of some kind in a table.
#pragma once

#include "table.h"

#define CUMSUM_EACH_KIND(f)                                                                      \
  f(float32) f(float64) f(halves) f(narrow) f(integers) f(complex) f(masks) f(decays) f(checked) \
      f(casts)

namespace cumsum {

#define CUMSUM_DECLARE(kind) void add_##kind(Kernels& kernels);
#ifdef CUMSUM_TARGET
namespace CUMSUM_TARGET {
CUMSUM_EACH_KIND(CUMSUM_DECLARE)
}
#endif

}  // namespace cumsum
