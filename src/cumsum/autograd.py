"""The scan as torch differentiates it: linear, and its own adjoint from the other end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._C._functorch import is_legacy_batchedtensor

from cumsum.kernels import tensor
from cumsum.precision import torch_cannot


def _scan_batched(
    x: Tensor, dim: int, dtype: torch.dtype, reverse: bool, compensated: bool
) -> Tensor:
    """torch's own scan, the only one that torch's older batching can see through."""
    if compensated and dtype in tensor.COMPENSATED:
        raise torch_cannot("for gradients with is_grads_batched=True")
    scan: Callable[..., Tensor] = torch.ops.aten.cumsum.default
    return scan(x.flip(dim), dim, dtype=dtype).flip(dim) if reverse else scan(x, dim, dtype=dtype)


def differentiable_scan(
    x: Tensor, dim: int, dtype: torch.dtype, *, reverse: bool = False, compensated: bool = False
) -> Tensor:
    """The scan of `x`, cast to `dtype`, along a non-negative `dim`, as part of the graph."""
    result: Tensor = Scan.apply(  # type: ignore[no-untyped-call]
        x, dim, dtype, reverse, compensated
    )
    return result


class Scan(torch.autograd.Function):
    """`Scan.apply(x, dim, dtype, reverse, compensated)`: every derivative is one more scan.

    Nothing is saved; `dim` is non-negative. Serves eager gradients, forward mode and the transforms
    of torch.func.
    """

    @staticmethod
    def forward(
        x: Tensor, dim: int, dtype: torch.dtype, reverse: bool, compensated: bool
    ) -> Tensor:
        if is_legacy_batchedtensor(x):  # is_grads_batched=True: no memory of ours to see
            return _scan_batched(x, dim, dtype, reverse, compensated)
        return tensor.scan(x, dim, dtype, reverse=reverse, compensated=compensated)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, ctx.dim, ctx.dtype, ctx.reverse, ctx.compensated = inputs
        ctx.input_dtype = x.dtype

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        flags = {"reverse": not ctx.reverse, "compensated": ctx.compensated}
        grad = differentiable_scan(grads[0], ctx.dim, ctx.input_dtype, **flags)
        return grad, None, None, None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        flags = {"reverse": ctx.reverse, "compensated": ctx.compensated}
        return differentiable_scan(tangents[0], ctx.dim, ctx.dtype, **flags)

    @staticmethod
    def vmap(
        info: Any,
        in_dims: tuple[int | None, ...],
        x: Tensor,
        dim: int,
        dtype: torch.dtype,
        reverse: bool,
        compensated: bool,
    ) -> tuple[Tensor, int]:
        batch = in_dims[0]
        assert batch is not None
        lines = x.movedim(batch, 0)
        flags = {"reverse": reverse, "compensated": compensated}
        if lines.dim() == 1:  # each sample is a number, and its own running sum
            return differentiable_scan(lines.unsqueeze(1), 1, dtype, **flags).squeeze(1), 0
        return differentiable_scan(lines, dim + 1, dtype, **flags), 0
