"""The scan as torch differentiates it: linear, and its own adjoint from the other end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.autograd.function import _SingleLevelFunction

from cumsum.kernels.tensor import How, at_border

Compute = Callable[..., Tensor]


def is_recording(*tensors: Tensor | None) -> bool:
    """Whether a derivative of what is done to any of these may be asked for."""
    if forward_ad._current_level >= 0:
        return True
    return torch.is_grad_enabled() and any(x is not None and x.requires_grad for x in tensors)


class Cumsum(_SingleLevelFunction):
    """`Cumsum.apply(x, initial, *how, compute, again)`, a node of the graph.

    Nothing is saved: every derivative is one more scan. `compute` takes the arguments before it and
    records nothing; `again` takes them for derivatives, and records what is to be differentiated
    once more.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, initial: Tensor | None, *rest: Any) -> Tensor:
        *how, compute, ctx.again = rest
        ctx.how, ctx.like = How(*how), (x.shape, x.dtype)
        result: Tensor = compute(x, initial, *how)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        how, (_, dtype) = ctx.how, ctx.like
        of_x = of_initial = None
        if ctx.needs_input_grad[0]:
            sums = at_border(grad, how)[0] if how.include_initial else grad
            back = how._replace(dtype=dtype, reverse=not how.reverse, include_initial=False)
            of_x = ctx.again(sums, None, *back)
        if ctx.needs_input_grad[1]:
            of_initial = grad.sum(how.dim, keepdim=True)
        return of_x, of_initial, *(None,) * (len(how) + 2)

    @staticmethod
    def _compiled_autograd_key(ctx: Any) -> tuple[int]:
        return (ctx._autograd_function_id,)

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor | None, first: Tensor | None, *rest: None) -> Any:
        if tangent is None:
            assert first is not None
            tangent = first.new_zeros(ctx.like[0])
        with forward_ad._set_fwd_grad_enabled(True):  # of the levels further out
            return ctx.again(tangent, first, *ctx.how)


record: Compute = Cumsum.apply  # type: ignore[attr-defined]
