"""What a process computes of its own shard: what it adds, and its results after those before it.

A shard begins a tile of its own, so that its sums depend on nothing but its own elements and the
totals of the tiles before it, which are added to the carry one after the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cumsum import _core
from cumsum.dtypes import DType
from cumsum.kernels import tensor
from cumsum.kernels.tensor import How
from cumsum.spec import TILE

_GROUP = 8
Bytes = NDArray[np.uint8]


def count_of(length: int) -> int:
    """How many totals a shard of so many elements has."""
    return -(-length // TILE)


def total_bytes(x: Tensor, how: How) -> int:
    """The bytes of the totals of one tile of all lines."""
    return lines_of(x, how) * _core.total_size(*_manner(how))


def totals_into(x: Tensor, how: How, totals: Bytes) -> None:
    """Write the totals of the tiles of `x`, in the order of the scan."""
    length = x.size(how.dim)
    if totals.size == 0:
        return
    rest = length % TILE
    whole = totals.size // count_of(length) * (length // TILE)
    if whole:
        tensor.add_up(_part(x, how, 0, length - rest), how, totals[:whole])
    if rest:
        totals[whole:] = _total_of_rest(_part(x, how, length - rest, length), how)


def _total_of_rest(x: Tensor, how: How) -> Bytes:
    """The total of less than a tile: the chain at the end of its last group."""
    length = x.size(how.dim)
    missing = -length % _GROUP
    records = _after(x, how, _no_records(x, how), 0)
    if missing:  # zeros in a group change no sum of it
        zeros = torch.zeros((), dtype=how.dtype).expand(_shape(x, how, missing))
        records = _after(zeros, how, records, length)
    code, compensated = _manner(how)
    channels = 2 if code >= DType.complex64 else 1
    width = _core.total_size(code, compensated) // channels
    by_channel = records.reshape(lines_of(x, how) * channels, -1)
    carry = by_channel.shape[1] - 4 * width  # bytes of it; the chain stands next
    first = 0 if length + missing == TILE else carry
    return np.ascontiguousarray(by_channel[:, first : first + width]).reshape(-1)


def scan_after(x: Tensor, initial: Tensor | None, how: How, totals: Sequence[Bytes]) -> Tensor:
    """The scan of a shard, with the totals of all tiles before it in the order of the scan."""
    y = torch.empty(x.shape, dtype=how.dtype)
    if x.numel() == 0:
        return y
    records, manner = _no_records(x, how), _manner(how)
    if initial is not None:
        values = initial.contiguous().resolve_conj().resolve_neg()
        _core.begin_records(records, tensor.memory_of(values), how.compensated)
    width = total_bytes(x, how)
    for part in totals:
        after = np.empty_like(records)
        _core.advance(records, part, part.size // width, None, after, *manner)
        records = after
    tensor.resume_into(x, y, how, (records, np.empty_like(records)), 0)
    return y


def _after(x: Tensor, how: How, records: Bytes, position: int) -> Bytes:
    """The records after elements whose sums nobody wants."""
    after = np.empty_like(records)
    sums = torch.empty(x.shape, dtype=how.dtype)
    tensor.resume_into(x, sums, how, (records, after), position)
    return after


def _no_records(x: Tensor, how: How) -> Bytes:
    return np.zeros(lines_of(x, how) * _core.record_size(*_manner(how)), np.uint8)


def _part(x: Tensor, how: How, begin: int, end: int) -> Tensor:
    """Elements counted in the order of the scan."""
    first = x.size(how.dim) - end if how.reverse else begin
    return x.narrow(how.dim, first, end - begin)


def _shape(x: Tensor, how: How, length: int) -> list[int]:
    return [*x.shape[: how.dim], length, *x.shape[how.dim + 1 :]]


def lines_of(x: Tensor, how: How) -> int:
    """How many lines a shard has."""
    return math.prod(_shape(x, how, 1))


def _manner(how: How) -> tuple[DType, bool]:
    return tensor.CODES[how.dtype], how.compensated
