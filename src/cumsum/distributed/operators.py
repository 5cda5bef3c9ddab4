"""The two steps of a scan over ranks as operators of torch, for graphs to hold.

`torch.ops.cumsum.shard_totals` makes the bytes that a rank has for all others, `scan_shard` the
results of a rank from the bytes of all. torch's collective stands between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from cumsum.distributed import elsewhere, shards
from cumsum.distributed.wire import HEADER, check_lengths, header
from cumsum.kernels.tensor import How
from cumsum.operator import library

_HOW = "int dim, ScalarType dtype, bool exclusive, bool reverse, bool include_initial"
_REST = f"{_HOW}, bool compensated, SymInt[] sizes, int gradients"
library.define(f"shard_totals(Tensor x, {_REST}) -> Tensor")
library.define(f"scan_shard(Tensor x, Tensor? initial, Tensor every, {_REST}, int rank) -> Tensor")
shard_totals: Any = torch.ops.cumsum.shard_totals.default
scan_shard: Any = torch.ops.cumsum.scan_shard.default


def _bytes_of(x: Tensor, how: How, sizes: Sequence[int]) -> int:
    """What each rank sends: a header, and room for the most totals that any of them has."""
    if x.device.type == "cpu":
        return HEADER + max(map(shards.count_of, sizes)) * shards.total_bytes(x, how)
    return HEADER + elsewhere.wide(how.dtype).itemsize * shards.lines_of(x, how)


def _shard_totals(x: Tensor, *rest: Any) -> Tensor:
    *given, sizes, gradients = rest
    how = How(*given)
    message = torch.zeros(_bytes_of(x, how, sizes), dtype=torch.uint8)
    message[:HEADER] = header(x, how, gradients)
    size = shards.count_of(x.size(how.dim)) * shards.total_bytes(x, how)
    if HEADER + size <= message.numel():  # else others are to learn of it by the header
        shards.totals_into(x, how, message[HEADER : HEADER + size].numpy())
    return message


def _scan_shard(x: Tensor, initial: Tensor | None, every: Tensor, *rest: Any) -> Tensor:
    *given, sizes, _, rank = rest
    how = How(*given)
    check_lengths(every[:, :HEADER], sizes)
    width = shards.total_bytes(x, how)
    totals = [
        every[r, HEADER : HEADER + shards.count_of(sizes[r]) * width].numpy()
        for r in _before(rank, len(sizes), how)
        if sizes[r]
    ]
    return shards.scan_after(x, initial, how, totals)


def _shard_totals_elsewhere(x: Tensor, *rest: Any) -> Tensor:
    *given, _, gradients = rest
    how = How(*given)
    total = elsewhere.total_of(x, how).reshape(-1).view(torch.uint8)
    return torch.cat((header(x, how, gradients), total))


def _scan_shard_elsewhere(x: Tensor, initial: Tensor | None, every: Tensor, *rest: Any) -> Tensor:
    *given, sizes, _, rank = rest
    how = How(*given)
    shape = [*x.shape[: how.dim], 1, *x.shape[how.dim + 1 :]]
    told = every[:, HEADER:].clone(memory_format=torch.contiguous_format)
    parts = told.view(elsewhere.wide(how.dtype))
    totals = [parts[r].view(shape) for r in _before(rank, len(sizes), how)]
    return elsewhere.scan_after(x, initial, how, totals)


def _before(rank: int, count: int, how: How) -> range:
    """The ranks before this one, in the order of the scan."""
    return range(count - 1, rank, -1) if how.reverse else range(rank)


def _fake_totals(x: Tensor, *rest: Any) -> Tensor:
    *given, sizes, _ = rest
    return x.new_empty(_bytes_of(x, How(*given), sizes), dtype=torch.uint8)


def _fake_scan(x: Tensor, initial: Tensor | None, every: Tensor, *rest: Any) -> Tensor:
    return torch.empty(x.shape, dtype=How(*rest[:-3]).dtype, device=x.device)


library.impl("shard_totals", _shard_totals, "CPU")
library.impl("scan_shard", _scan_shard, "CPU")
for _device in ("CUDA", "XPU"):
    library.impl("shard_totals", _shard_totals_elsewhere, _device)
    library.impl("scan_shard", _scan_shard_elsewhere, _device)
torch.library.register_fake("cumsum::shard_totals", _fake_totals, lib=library)
torch.library.register_fake("cumsum::scan_shard", _fake_scan, lib=library)
