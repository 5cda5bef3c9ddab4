"""The scan as torch differentiates it: linear, and its own adjoint from the other end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._C._functorch import is_legacy_batchedtensor

from cumsum.kernels import tensor


def _scan_batched(x: Tensor, dim: int, dtype: torch.dtype, reverse: bool) -> Tensor:
    """torch's own scan, the only one that torch's older batching can see through."""
    scan: Callable[..., Tensor] = torch.ops.aten.cumsum.default
    return scan(x.flip(dim), dim, dtype=dtype).flip(dim) if reverse else scan(x, dim, dtype=dtype)


def differentiable_scan(
    x: Tensor, dim: int, dtype: torch.dtype, *, reverse: bool = False
) -> Tensor:
    """The scan of `x`, cast to `dtype`, along a non-negative `dim`, as part of the graph."""
    result: Tensor = Scan.apply(x, dim, dtype, reverse)  # type: ignore[no-untyped-call]
    return result


class Scan(torch.autograd.Function):
    """`Scan.apply(x, dim, dtype, reverse)`: nothing is saved, every derivative is one more scan.

    `dim` is non-negative. Serves eager gradients, forward mode and the transforms of torch.func.
    """

    @staticmethod
    def forward(x: Tensor, dim: int, dtype: torch.dtype, reverse: bool) -> Tensor:
        if is_legacy_batchedtensor(x):  # is_grads_batched=True: no memory of ours to see
            return _scan_batched(x, dim, dtype, reverse)
        return tensor.scan(x, dim, dtype, reverse=reverse)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, ctx.dim, ctx.dtype, ctx.reverse = inputs
        ctx.input_dtype = x.dtype

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        grad = differentiable_scan(grads[0], ctx.dim, ctx.input_dtype, reverse=not ctx.reverse)
        return grad, None, None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        return differentiable_scan(tangents[0], ctx.dim, ctx.dtype, reverse=ctx.reverse)

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], x: Tensor, dim: int, dtype: Any, reverse: bool
    ) -> tuple[Tensor, int]:
        batch = in_dims[0]
        assert batch is not None
        lines = x.movedim(batch, 0)
        if lines.dim() == 1:  # each sample is a number, and its own running sum
            return differentiable_scan(lines.unsqueeze(1), 1, dtype, reverse=reverse).squeeze(1), 0
        return differentiable_scan(lines, dim + 1, dtype, reverse=reverse), 0
