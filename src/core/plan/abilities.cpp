#include "abilities.h"

#include <algorithm>

#include "policy.h"
#include "sizes.h"

namespace cumsum {

// What it changes that elements add nothing: unless the kernels read past them, as they can where
// neighbours in the walk are neighbours in both x and the mask, x is packed.
void mind_gaps(Plan& plan, const Kernels& kernels) {
  const int64_t x_size = item_size(plan.x_dtype), y_size = item_size(plan.y_dtype);
  const bool columns = plan.walk == Walk::columns;
  const Axis& along = columns ? plan.inner : plan.scan;
  const bool backward = along.x_stride == -x_size && along.y_stride == -y_size;
  const KernelSet& own = set_of(kernels, plan, plan.y_dtype);
  if (!columns) {
    plan.walk = backward && own.scan[int(Walk::reversed)] ? Walk::reversed : Walk::rows;
  }
  const int step = plan.walk == Walk::reversed ? -1 : 1;
  const bool beside =
      along.x_stride == step * x_size && (!plan.masked || along.mask_stride == step);
  const int64_t least = x_size == 2 ? policy::least_unwidened : policy::least_filled;
  const bool long_enough = columns || plan.scan.size >= least;
  const KernelSet& direct = set_of(kernels, plan, plan.x_dtype);
  // NaN is put where x has none to be seen, or another mask has a say, by way of the buffer.
  const bool seen = !plan.nan || !plan.skipna || (!plan.masked && plan.x_dtype == plan.y_dtype);
  plan.filters = beside && long_enough && direct.filters && seen;
  plan.pack_x = !plan.filters;
  plan.pack_y = plan.nan || (!direct.any_strides && along.y_stride != step * y_size);
  plan.packed = direct.scan[0] && !plan.pack_y ? plan.x_dtype : plan.y_dtype;
}

// Fewer elements than a group go by way of a buffer, one by one.
void choose_steps(Plan& plan) {
  const bool by_groups = plan.op == Operator::sum || plan.op == Operator::decay;
  plan.stepped = by_groups && plan.scan.size % group_size != 0;
  if (!plan.stepped) return;
  plan.pack_x = plan.pack_y = true;
  plan.filters = false;
  plan.packed = plan.y_dtype;
}

// Decays are float64 or, if there is one for each element, of y's type; and lie along the walk, or
// are the same all along it.
void mind_operator(Plan& plan, const Request& request, const Kernels& kernels) {
  plan.alone = set_of(kernels, plan).add_up[int(plan.walk)] == nullptr;
  plan.decay_dtype = request.decay_dtype;
  if (plan.op != Operator::decay) return;
  const bool columns = plan.walk == Walk::columns, constant = plan.scan.decay_stride == 0;
  const int64_t size = item_size(request.decay_dtype);
  const int64_t stride = columns ? plan.inner.decay_stride : plan.scan.decay_stride;
  const bool along = stride == (plan.walk == Walk::reversed ? -size : size);
  const bool wide = request.decay_dtype == DType::float64;
  plan.pack_decay = plan.stepped || !(along ? wide || !constant : wide && stride == 0);
  plan.own_decays = !plan.pack_decay && !wide;
}

// What lines are made of that are cut into segments: blocks of the axis, where segments begin.
void share_out_segments(Plan& plan, int threads) {
  plan.split = false;
  const bool columns = plan.walk == Walk::columns, packs = plan.pack_x || plan.pack_y;
  if (!columns && !packs && !plan.pack_decay) plan.panel = 1;
  const int64_t line = plan.panel * (item_size(plan.x_dtype) + item_size(plan.y_dtype));
  plan.panels = divide_up(plan.inner.size, plan.panel);
  plan.block = std::max<int64_t>(group_size, sizes().claim / line);
  plan.blocks = divide_up(plan.scan.size, plan.block);
  plan.units = plan.outer_size * plan.panels * plan.blocks;
  plan.grain = std::max<int64_t>(1, plan.block / plan.scan.size);
  plan.workers = static_cast<int>(std::min<int64_t>(threads, divide_up(plan.units, plan.grain)));
}

}  // namespace cumsum
