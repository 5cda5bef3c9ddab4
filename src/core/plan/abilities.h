// What it changes in a plan that a scan is more than a plain sum: each of these is called where
// that is so, in this order.
#pragma once

#include "plan.h"

namespace cumsum {

void mind_gaps(Plan& plan, const Kernels& kernels);
void choose_steps(Plan& plan);
void mind_operator(Plan& plan, const Request& request, const Kernels& kernels);
void share_out_segments(Plan& plan, int threads);

}  // namespace cumsum
