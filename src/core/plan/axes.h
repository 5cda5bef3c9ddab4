// The axes of a request, as few as they can be: the one that is scanned, the lines that are taken
// side by side, and all others.
#pragma once

#include "plan.h"

namespace cumsum {

void set_axes(Plan& plan, const Request& request);

}  // namespace cumsum
