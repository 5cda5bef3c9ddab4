"""The scan over ranks as torch differentiates it: its own adjoint, from the last rank to the first.

Every rank makes the same collectives in the same order, forward and backward, whatever of the
others' totals it needs itself; otherwise some would wait for what never comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from cumsum.distributed import wire
from cumsum.distributed.operators import scan_shard, shard_totals
from cumsum.distributed.wire import Ranks, gather, recorded
from cumsum.importing import when_imported
from cumsum.kernels.tensor import How
from cumsum.missing.tensors import around
from cumsum.options import Options, ability_of


def scan_over_ranks(
    x: Tensor,
    initial: Tensor | None,
    how: Sequence[Any],
    sizes: Sequence[int],
    ranks: Sequence[Any],
) -> Tensor:
    """The part of this rank of the scan of all shards, one after the other in the order of ranks.

    `how` and `ranks` are the fields of a `How`, which has no border, and of `Ranks`; `sizes` are
    the lengths of all shards. Sums begin with `initial`, the same on every rank.
    """
    given = How(*how), list(sizes), Ranks(*ranks), recorded(x, initial)
    scanned: Tensor = ScanOverRanks.apply(x, initial, *given)  # type: ignore[no-untyped-call]
    return scanned


def scan_with_holes(
    x: Tensor,
    initial: Tensor | None,
    how: How,
    sizes: Sequence[int],
    ranks: Ranks,
    options: Options,
) -> Tensor:
    """The same with what the options say of elements that are missing."""
    if ability_of(options) is None:
        return scan_over_ranks(x, initial, how, sizes, ranks)
    return around(lambda kept: scan_over_ranks(kept, initial, how, sizes, ranks), x, how, options)


class ScanOverRanks(torch.autograd.Function):
    """`ScanOverRanks.apply(x, initial, how, sizes, ranks, gradients)`, a node of the graph."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        initial: Tensor | None,
        how: How,
        sizes: list[int],
        ranks: Ranks,
        gradients: int,
    ) -> Tensor:
        ctx.how, ctx.over, ctx.like = how, (sizes, ranks), (x.shape, x.dtype)
        rest = *how, sizes, gradients
        every = gather(shard_totals(x, *rest), ranks)
        result: Tensor = scan_shard(x, initial, every, *rest, ranks.rank)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        how, (sizes, ranks) = ctx.how, ctx.over
        of_x = of_initial = None
        if ctx.needs_input_grad[0]:
            back = how._replace(dtype=ctx.like[1], reverse=not how.reverse)
            of_x = scan_over_ranks(grad, None, back, sizes, ranks)
        if ctx.needs_input_grad[1]:
            of_initial = SumOverRanks.apply(grad.sum(how.dim, keepdim=True), ranks)  # type: ignore[no-untyped-call]
        return of_x, of_initial, None, None, None, None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor | None, first: Tensor | None, *rest: None) -> Any:
        if tangent is None:
            assert first is not None
            tangent = first.new_zeros(ctx.like[0])
        with forward_ad._set_fwd_grad_enabled(True):  # of the levels further out
            return scan_over_ranks(tangent, first, ctx.how, *ctx.over)


class SumOverRanks(torch.autograd.Function):
    """`SumOverRanks.apply(x, ranks)`: the sum of all ranks' tensors, on each of them."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, ranks: Ranks) -> Tensor:
        ctx.ranks = ranks
        every = gather(x.contiguous().view(-1).view(torch.uint8), ranks).view(x.dtype)
        total = every[0].clone()
        for part in every[1:]:
            total += part
        return total.view(x.shape)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, None]:
        return SumOverRanks.apply(grad, ctx.ranks), None  # type: ignore[no-untyped-call]


def _enter_graphs() -> None:
    """Have Dynamo take the scan as one call, which what comes after it looks into."""
    from torch._dynamo.decorators import allow_in_graph, disable

    allow_in_graph(scan_over_ranks)  # type: ignore[no-untyped-call]
    why = "the sizes of other processes' shards are values; give them as sizes="
    wire.exchange_lengths = disable(wire.exchange_lengths, reason=why)  # type: ignore[no-untyped-call]


when_imported("torch._dynamo", _enter_graphs)
