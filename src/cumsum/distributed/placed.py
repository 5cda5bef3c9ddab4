"""DTensors as each process holds them: its shard, and its part of the options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor, Partial, Replicate
from torch.distributed.tensor.placement_types import Shard, _StridedShard

from cumsum.operands import as_mask, as_values
from cumsum.options import Options


def shard_of(x: Any) -> Tensor:
    """What this process holds of a DTensor.

    Its gradient is placed like `x`; of parts that are to be added up, each has the whole of it.
    """
    of_gradient = [Replicate() if p.is_partial() else p for p in x.placements]
    local: Tensor = Shards.apply(x, of_gradient)  # type: ignore[no-untyped-call]
    return local


def put_together(local: Tensor, mesh: Any, placements: Any, shape: Sequence[int]) -> Any:
    """The DTensor of such a shape that all processes hold a part of."""
    return Placed.apply(local, mesh, placements, torch.Size(shape))  # type: ignore[no-untyped-call]


class Shards(torch.autograd.Function):
    """``to_local``, and its adjoint, which can be differentiated again, wherever gradients lie."""

    @staticmethod
    def forward(ctx: Any, x: Any, of_gradient: Any) -> Tensor:
        ctx.meta = x.device_mesh, of_gradient, x.shape
        local: Tensor = x.to_local()
        return local.view_as(local)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, None]:
        return put_together(grad, *ctx.meta), None


class Placed(torch.autograd.Function):
    """``from_local``, likewise."""

    @staticmethod
    def forward(ctx: Any, local: Tensor, mesh: Any, placements: Any, shape: torch.Size) -> Any:
        ctx.mesh = mesh
        ctx.placements = [Replicate() if p.is_partial() else p for p in placements]
        stride = torch.empty(shape, device="meta").stride()
        return DTensor.from_local(
            local, mesh, placements, run_check=False, shape=shape, stride=stride
        )

    @staticmethod
    def backward(ctx: Any, grad: Any) -> tuple[Tensor, None, None, None]:
        return shard_of(grad.redistribute(ctx.mesh, ctx.placements)), None, None, None


def on_this_rank(options: Options, x: Any, dim: int) -> Options:
    """The options with the part of `initial` and `where` that is this process's shard's."""
    device = torch.device(x.device_mesh.device_type)
    for name, most in (("offsets", 1), ("lengths", 1), ("reset", 1), ("decay", 0)):
        value = getattr(options, name)
        value = None if value is None else as_values(name, value, device)
        if isinstance(value, DTensor) or (value is not None and value.dim() > most):
            kind = f"a {type(value).__name__} of {value.dim()} dims"
            raise NotImplementedError(f"cumsum(): {name} not available as {kind} for a DTensor")
    every = list(range(x.dim()))
    if options.where is not None:
        where = as_mask(options.where, device)
        options = options._replace(where=_part("where", where, x, every, dim))
    if options.initial is not None:
        values = as_values("initial", options.initial, device)
        whole = values.dim() == x.dim() and values.size(dim) == 1
        dims = every if whole else every[:dim] + every[dim + 1 :]
        options = options._replace(initial=_part("initial", values, x, dims, dim))
    return options


def _part(name: str, value: Any, x: Any, dims: list[int], dim: int) -> Tensor:
    """The elements of `value` for the shard of `x` here; it broadcasts to these dims of `x`."""
    dims = dims[len(dims) - value.dim() :]
    lines = [x.size(d) for d in dims]
    fits = [n in {1, size} for n, size in zip(value.shape, lines, strict=False)]
    if len(dims) != value.dim() or not all(fits):
        message = f"{name} has shape {tuple(value.shape)}, but the input {tuple(x.shape)}"
        raise ValueError(f"cumsum(): {message}, scanned along dim {dim}")
    cut = {d: j for j, d in enumerate(dims) if value.size(j) != 1}
    placements: list[Any] = []
    of_gradient: list[Any] = []
    for p in x.placements:
        sharded = isinstance(p, (Shard, _StridedShard))
        if isinstance(p, _StridedShard) and p.dim in cut:
            raise NotImplementedError(f"cumsum(): {name} not available for a DTensor with {p}")
        placements.append(Shard(cut[p.dim]) if sharded and p.dim in cut else Replicate())
        shared = sharded and p.dim not in cut and p.dim != dim
        of_gradient.append(Partial() if shared else placements[-1])
    if not isinstance(value, DTensor):
        if value.requires_grad and torch.is_grad_enabled():
            raise RuntimeError(f"cumsum(): {name} has to be a DTensor to get a gradient")
        everywhere = [Replicate()] * len(placements)
        value = DTensor.from_local(value, x.device_mesh, everywhere, run_check=False)
    value = value.redistribute(x.device_mesh, placements)
    part: Tensor = value.to_local(grad_placements=of_gradient)
    return part
