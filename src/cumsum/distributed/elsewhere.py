"""The same as `shards` for other devices than the CPU, whose totals are torch's sums.

A shard has one total, in float64 or int64 (or complex128); sums are made in that type and rounded
once. The bits of torch's are not promised to be the same each time. Devices that have no kernels of
ours scan by torch's operations as well.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from cumsum.kernels import gpu, tensor
from cumsum.kernels.tensor import How
from cumsum.operator import in_core_aten
from cumsum.precision import torch_cannot


def wide(dtype: torch.dtype) -> torch.dtype:
    """The type that sums of `dtype` are made in."""
    if dtype.is_complex:
        return torch.complex128
    return torch.float64 if dtype.is_floating_point else torch.int64


def total_of(x: Tensor, how: How) -> Tensor:
    """The total of each line."""
    if how.compensated and how.dtype in tensor.COMPENSATED:
        raise torch_cannot(f"for shards on {x.device}")
    return x.to(how.dtype).sum(how.dim, keepdim=True, dtype=wide(how.dtype))


def scan_after(x: Tensor, initial: Tensor | None, how: How, totals: Sequence[Tensor]) -> Tensor:
    """The scan of a shard, with the totals of those before it in the order of the scan."""
    dtype = wide(how.dtype)
    carry = torch.zeros((), dtype=dtype, device=x.device)
    for part in (*([] if initial is None else [initial.to(dtype)]), *totals):
        carry = carry + part
    flags = how._replace(dtype=dtype, compensated=False)
    return (_sums(x.to(how.dtype), flags) + carry).to(how.dtype)


def _sums(x: Tensor, how: How) -> Tensor:
    if gpu.has_kernels(x.device.type, x.device.index):
        return tensor.scan(x, None, how)
    sums: Tensor = in_core_aten(x, None, *how)
    return sums
