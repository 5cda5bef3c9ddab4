"""`cumsum.cumsum` of a DTensor: a scan of shards, of which nothing but totals leaves its process.

torch's own operator gathers the whole tensor on every process where it is sharded along the dim.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import Partial, Replicate
from torch.distributed.tensor.placement_types import Shard, _StridedShard

from cumsum import binding as door
from cumsum.distributed.placed import on_this_rank, put_together, shard_of
from cumsum.distributed.scan import scan_with_holes
from cumsum.distributed.wire import Ranks
from cumsum.importing import when_imported
from cumsum.kernels import tensor
from cumsum.options import Options, take
from cumsum.refusals import is_refused

_NARROW = (torch.float16, torch.bfloat16)
# What can be asked for of shards of lines, and of lines that are whole.
_OF_SHARDS = {"exclusive", "reverse", "initial", "where", "skipna", "missing"}
_OF_LINES = {*_OF_SHARDS, "include_initial", "offsets", "lengths", "reset", "decay", "overflow"}


def cumsum(call: door.Call) -> Any:
    """`cumsum.cumsum` for a DTensor."""
    x, dtype = call.input, door.result_dtype(call)
    dim = door.normalized(call.dim, x)
    if call.out is not None:
        raise NotImplementedError("cumsum(): out= not available for a DTensor")
    if dim is None or is_refused(call, dtype):
        one = torch.ones([1] * x.dim(), dtype=x.dtype, requires_grad=x.requires_grad)
        door.torchs_own(torch.cumsum, (one, call.dim), {"dtype": call.dtype})
    assert dim is not None
    return scan(x, dim, dtype, **call.options.keywords())


def scan(x: Any, dim: int, dtype: torch.dtype, **keywords: Any) -> Any:
    """The scan of a DTensor, placed as it is."""
    options = take("cumsum", keywords)
    mesh, over = x.device_mesh, _mesh_dims(x, dim)
    _check_available(options, _OF_SHARDS if over else _OF_LINES)
    if not _stays_partial(x, dtype, options):
        x = x.redistribute(mesh, [Replicate() if p.is_partial() else p for p in x.placements])
    local = shard_of(x)
    if mesh.get_coordinate() is None:  # another process's
        y = local.new_empty(0, dtype=dtype)
    else:
        options = on_this_rank(options, x, dim)
        call = door.Call(local, dim, dtype, None, options)
        y = _scan_shards(call, _sizes(x, dim, over), _ranks(mesh, over)) if over else _scan(call)
    shape = list(x.shape)
    if options.include_initial:
        shape = shape or [1]
        shape[dim] += 1
    return put_together(y, mesh, x.placements, shape)


def _scan(call: door.Call) -> Tensor:
    """The scan of lines that are whole, as if there were no other process."""
    from cumsum.torch import cumsum as of_tensor

    y: Tensor = of_tensor(call.input, call.dim, dtype=call.dtype, **call.options.keywords())
    return y


def _scan_shards(call: door.Call, sizes: list[int], ranks: Ranks) -> Tensor:
    x, dim, dtype, _, options = call
    assert dtype is not None
    first, how = door.first_values(call, dim, dtype), door.how(call, dim, dtype)
    return scan_with_holes(x, first, how, sizes, ranks, options)


def _stays_partial(x: Any, dtype: torch.dtype, options: Options) -> bool:
    """Whether the scans of parts that are to be added up are parts of the scan of their sum.

    So it is, but for a cast of each part, or a rounding to 16 bits, or values that enter once.
    """
    kinds = {"sum", "avg"} if tensor.has_gradient(dtype) else {"sum"}
    parts = [p for p in x.placements if p.is_partial()]
    linear = all(type(p) is Partial and p.reduce_op in kinds for p in parts)
    simple = not set(options.asked()) - {"exclusive", "reverse"}
    return linear and simple and dtype == x.dtype and dtype not in _NARROW


def _mesh_dims(x: Any, dim: int) -> list[int]:
    """The dims of the mesh that shard `dim`, from the outermost on."""
    strided = [p for p in x.placements if isinstance(p, _StridedShard)]
    if any(p.dim == dim for p in strided):
        raise NotImplementedError(
            f"cumsum(): not available along dim {dim}, whose shards do not follow each other: its "
            f"placements are {x.placements}"
        )
    order = getattr(x._spec, "shard_order", None)
    usual = order is None or order == x._spec.compute_default_shard_order(x.placements)
    if not (strided or usual):  # which the placements do not tell
        raise NotImplementedError(f"cumsum(): not available for shards in the order {order}")
    return [i for i, p in enumerate(x.placements) if isinstance(p, Shard) and p.dim == dim]


def _sizes(x: Any, dim: int, over: list[int]) -> list[int]:
    """The sizes of all shards of `dim`, as torch cuts it."""
    sizes = [x.size(dim)]
    for i in over:
        parts = x.device_mesh.size(i)
        sizes = [part for size in sizes for part in _cut(size, parts)]
    return sizes


def _cut(size: int, parts: int) -> list[int]:
    step = -(-size // parts)
    return [max(0, min(step, size - i * step)) for i in range(parts)]


def _ranks(mesh: Any, over: list[int]) -> Ranks:
    groups = tuple((mesh.get_group(i).group_name, mesh.size(i)) for i in over)
    rank = 0
    for i in over:
        rank = rank * mesh.size(i) + mesh.get_local_rank(i)
    return Ranks(rank, groups)


def _check_available(options: Options, available: set[str]) -> None:
    missing = sorted(set(options.asked()) - available)
    if options.overflow == "raise":  # the other processes would not learn of it
        missing.append("overflow='raise'")
    if missing:
        where = "along a sharded dim of a DTensor" if available is _OF_SHARDS else "for a DTensor"
        raise NotImplementedError(f"cumsum(): {' and '.join(missing)} not available {where}")


def _enter_graphs() -> None:
    """Have Dynamo take the scan of a DTensor as one call."""
    from torch._dynamo.decorators import allow_in_graph

    allow_in_graph(scan)  # type: ignore[no-untyped-call]


when_imported("torch._dynamo", _enter_graphs)
