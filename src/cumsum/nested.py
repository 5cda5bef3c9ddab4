"""The scan of nested tensors in the jagged layout, which torch itself has none for.

Sequences of different lengths lie one after the other in a buffer of values. Along the ragged dim
each is scanned by itself and in its place, without padding; along other dims the buffer is scanned
like any tensor.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nested._internal.nested_tensor import NestedTensor

from cumsum import binding as door
from cumsum.kernels import tensor
from cumsum.kernels.tensor import How
from cumsum.operator import scan
from cumsum.refusals import is_refused
from cumsum.segments.tensors import scan_segments, segmented
from cumsum.tensors import has_memory, is_watched


def cumsum(call: door.Call) -> Any:
    """`cumsum.cumsum` for a jagged nested tensor."""
    x, dtype = call.input, door.result_dtype(call)
    inner = _inner_dim(x, call.dim)
    if is_refused(call, dtype):
        return door.torchs_own(torch.cumsum, (x.values(), inner), {"dtype": dtype})
    return scan(x, None, *door.how(call, inner + 1, dtype))


def _inner_dim(x: Tensor, dim: int) -> int:
    """Which dim of the values a dim of `x` is: they lack the batch's, which comes first."""
    dims = x.dim()
    if not -dims <= dim < dims:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-dims}, {dims - 1}], "
            f"but got {dim})"
        )
    if dim % dims == 0:
        raise RuntimeError("cumsum(): not supported for NestedTensor on dim=0")
    return dim % dims - 1


def _is_ragged(x: Any, dim: int) -> bool:
    """Whether `dim` of the values is the one that the sequences share."""
    return bool(dim == x._ragged_idx - 1)


def _bounds(x: Any) -> list[tuple[int, int]]:
    """Where each sequence starts and ends among the values."""
    starts, ends, lengths = x.offsets()[:-1], x.offsets()[1:], x.lengths()
    if lengths is not None:
        if bool((starts + lengths > ends)[:-1].any()):
            raise RuntimeError("cumsum(): not supported for a NestedTensor whose sequences overlap")
        ends = starts + lengths
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def _scan_each(x: Any, how: How) -> Tensor:
    """The scan of each sequence by itself; zero between them."""
    values, offsets = x.values(), x.offsets()
    if x.lengths() is None and offsets[0] == 0 and offsets[-1] == values.size(how.dim):
        return scan_segments(values, None, offsets, "offsets", *how)
    y = torch.zeros(values.shape, dtype=how.dtype, device=values.device)
    for start, end in _bounds(x):
        part = (how.dim, start, end - start)
        tensor.scan_into(values.narrow(*part), y.narrow(*part), None, how)
    return y


def _scan(x: Any, initial: Tensor | None, dim: int, *rest: Any) -> Any:
    """The operator's kernel: a nested tensor with the sequences of `x`."""
    how = How(_inner_dim(x, dim), *rest)
    if initial is not None or how.include_initial:
        raise NotImplementedError("cumsum(): initial values not available for a NestedTensor")
    if not _is_ragged(x, how.dim):
        sums = scan(x._values, None, *how)
    elif not (is_watched() or not has_memory(x._values)):
        sums = _scan_each(x, how)
    elif x._lengths is None:
        sums = segmented(x._values, None, x._offsets, "offsets", *how)
    else:  # where the sequences end is to be read
        raise NotImplementedError(
            "cumsum(): not available along the ragged dim of a NestedTensor with lengths, whose "
            "values cannot be read now, as in a graph"
        )
    return NestedTensor(
        sums,
        x.offsets(),
        lengths=x.lengths(),
        _ragged_idx=x._ragged_idx,
        _metadata_cache=x._metadata_cache,
    )


def register() -> None:
    """Let nested tensors find their kernel, in the table that is theirs."""
    from torch.nested._internal.ops import JAGGED_OPS_TABLE

    JAGGED_OPS_TABLE[scan] = _scan
