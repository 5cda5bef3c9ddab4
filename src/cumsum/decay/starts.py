"""Where segments begin: all that the operator of the decayed scan knows of them.

Starts are bool: one for each element along the dim, or of the shape of the input where lines are
cut differently. `torch.ops.cumsum.starts(cuts, name, size)` makes them of the offsets or lengths of
a dim, by `name`; what is wrong with these is an error when it is computed, in a graph as well.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from cumsum.kernels import gpu
from cumsum.kernels.tensor import How
from cumsum.operator import library
from cumsum.options import Options, has_cuts
from cumsum.segments.tensors import read_cuts, read_offsets
from cumsum.tensors import are_at_hand

library.define(
    "starts(Tensor cuts, str name, SymInt size) -> Tensor",
    tags=(torch.Tag.pt2_compliant_tag,),
)
_starts: Any = torch.ops.cumsum.starts.default


def starts_of(x: Tensor, how: How, options: Options) -> Tensor | None:
    """The starts that a call asks for, None if it asks for no segments."""
    if not has_cuts(options):
        return None
    name, cuts = read_cuts(x, how, options)
    if name != "reset":
        cuts = (_compute if are_at_hand(cuts) else _starts)(cuts, name, x.size(how.dim))
    return cuts.to(x.device)


def begins(starts: Tensor, dims: int, dim: int, reverse: bool) -> Tensor:
    """Where segments begin in the order of the scan, to be broadcast to a tensor of `dims` dims."""
    if starts.dim() == 1:
        starts = starts.view([-1 if d == dim else 1 for d in range(dims)])
    within = starts.narrow(dim, 1, starts.size(dim) - 1)
    edge = torch.ones_like(starts.narrow(dim, 0, 1))  # a line begins whatever is said there
    return torch.cat((within, edge) if reverse else (edge, within), dim)


def _compute(cuts: Tensor, name: str, size: int) -> Tensor:
    starts = torch.zeros(size + 1, dtype=torch.bool)  # segments of nothing may begin at the end
    starts[torch.from_numpy(read_offsets(name, cuts, size))] = True
    return starts[:size].to(cuts.device)


def _fake(cuts: Tensor, name: str, size: int) -> Tensor:
    return torch.empty(size, dtype=torch.bool, device=cuts.device)


def _over_batch(
    info: Any, in_dims: tuple[Any, ...], cuts: Tensor, name: str, size: int
) -> tuple[Tensor, int]:
    each = cuts.movedim(in_dims[0], 0).unbind()
    return torch.stack([_starts(one, name, size) for one in each]), 0


for _key in ("CPU", *gpu.KEYS.values()):
    library.impl("starts", _compute, _key)
torch.library.register_fake("cumsum::starts", _fake, lib=library)
torch.library.register_vmap("cumsum::starts", _over_batch, lib=library)
