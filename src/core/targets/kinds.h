// The files of this folder that are compiled once for each target, each of which enters the kernels
// of some kind in a table.
#pragma once

#include "table.h"

#define CUMSUM_EACH_WIDE_KIND(f) f(float32) f(float64) f(integers) f(complex)
#define CUMSUM_EACH_KIND(f) \
  CUMSUM_EACH_WIDE_KIND(f) f(halves) f(narrow) f(decays) f(masks) f(checked) f(casts) f(offsets)

namespace cumsum {

#define CUMSUM_DECLARE(kind) void add_##kind(Kernels& kernels);
#ifdef CUMSUM_TARGET
namespace CUMSUM_TARGET {
CUMSUM_EACH_KIND(CUMSUM_DECLARE)
}
#endif

}  // namespace cumsum
