// Scans whose decays are complex, for any target.
#pragma once

#include "table.h"

namespace cumsum {

extern const KernelSet complex64_decays, complex128_decays;

}  // namespace cumsum
