"""The scan as torch differentiates it: linear, and its own adjoint from the other end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.autograd.function import _SingleLevelFunction

Compute = Callable[..., Tensor]


def is_recording(x: Tensor) -> bool:
    """Whether a derivative of what is done to `x` may be asked for."""
    return forward_ad._current_level >= 0 or (x.requires_grad and torch.is_grad_enabled())


class Cumsum(_SingleLevelFunction):
    """`Cumsum.apply(x, dim, dtype, reverse, compensated, compute, again)`, a node of the graph.

    Nothing is saved: every derivative is one more scan. `compute` takes the first five arguments
    and records nothing; `again` takes them for derivatives, and records what is to be
    differentiated once more.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        dim: int,
        dtype: torch.dtype,
        reverse: bool,
        compensated: bool,
        compute: Compute,
        again: Compute,
    ) -> Tensor:
        ctx.again, ctx.cast = again, (x.dtype, dtype)
        ctx.dim, ctx.reverse, ctx.compensated = dim, reverse, compensated
        return compute(x, dim, dtype, reverse, compensated)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        grad = ctx.again(grad, ctx.dim, ctx.cast[0], not ctx.reverse, ctx.compensated)
        return grad, None, None, None, None, None, None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *rest: None) -> Any:
        return ctx.again(tangent, ctx.dim, ctx.cast[1], ctx.reverse, ctx.compensated)


record: Compute = Cumsum.apply  # type: ignore[attr-defined]
