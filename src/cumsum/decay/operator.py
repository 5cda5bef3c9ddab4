"""The decayed scan as an operator of torch, and its derivatives.

`torch.ops.cumsum.decay(x, decay, initial, dim, reverse)` is what torch.compile, torch.export,
torch.func and fake tensors see. `decay` has as many dims as `x` and broadcasts to it, `initial` has
`x`'s dtype and one element along `dim`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._C._functorch import is_legacy_batchedtensor
from torch.autograd import forward_ad
from torch.autograd.function import _SingleLevelFunction

from cumsum.autograd import is_recording
from cumsum.decay import kernel
from cumsum.kernels import gpu
from cumsum.operator import batch_first, library, under_autograd
from cumsum.tensors import are_at_hand

Compute = Callable[..., Tensor]

library.define(
    "decay(Tensor x, Tensor decay, Tensor? initial, int dim, bool reverse) -> Tensor",
    tags=(torch.Tag.pt2_compliant_tag, torch.Tag.flexible_layout),
)
scan: Any = torch.ops.cumsum.decay.default


def differentiable_scan(
    x: Tensor, decay: Tensor, initial: Tensor | None, dim: int, reverse: bool
) -> Tensor:
    """The decayed scan of `x` as part of every graph that is being made."""
    result: Tensor
    if torch.compiler.is_dynamo_compiling():
        result = scan(x, decay, initial, dim, reverse)
        return result
    given = [x, decay] if initial is None else [x, decay, initial]
    if any(is_legacy_batchedtensor(t) for t in given):  # there is no memory of ours to see
        return _in_steps(x, decay, initial, dim, reverse)
    if not are_at_hand(*given):
        result = scan(x, decay, initial, dim, reverse)
        return result
    if is_recording(*given):
        return record(x, decay, initial, dim, reverse, kernel.scan, differentiable_scan)
    return kernel.scan(x, decay, initial, dim, reverse)


def before(y: Tensor, initial: Tensor | None, dim: int, reverse: bool) -> Tensor:
    """The results of the element before each; `initial`, or zero, for the first."""
    size = y.size(dim) - 1
    first = torch.zeros_like(y.narrow(dim, 0, 1)) if initial is None else initial
    if reverse:
        return torch.cat((y.narrow(dim, 1, size), first), dim)
    return torch.cat((first, y.narrow(dim, 0, size)), dim)


def _in_steps(x: Tensor, decay: Tensor, initial: Tensor | None, dim: int, reverse: bool) -> Tensor:
    """One element after another, by torch's own operators."""
    rows, decays = x.unbind(dim), decay.expand(x.shape).unbind(dim)
    total = torch.zeros_like(rows[0]) if initial is None else initial.squeeze(dim)
    results: list[Tensor] = []
    for i in range(len(rows) - 1, -1, -1) if reverse else range(len(rows)):
        total = (decays[i] * total + rows[i]).to(x.dtype)
        results.append(total)
    return torch.stack(results[::-1] if reverse else results, dim)


class Decayed(_SingleLevelFunction):
    """`Decayed.apply(x, decay, initial, dim, reverse, compute, again)`, a node of the graph.

    `compute` takes the arguments before it and records nothing; `again` takes them for derivatives,
    and records what is to be differentiated once more.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, decay: Tensor, initial: Tensor | None, *rest: Any) -> Tensor:
        ctx.dim, ctx.reverse, compute, ctx.again = rest
        y: Tensor = compute(x, decay, initial, ctx.dim, ctx.reverse)
        if forward_ad._current_level >= 0:
            ctx.primals = x, decay, initial
        ctx.save_for_backward(decay, *((initial, y) if ctx.needs_input_grad[1] else (None, None)))
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        decay, initial, y = ctx.saved_tensors
        dim, reverse = ctx.dim, ctx.reverse
        of_x = ctx.again(grad, _shifted(decay, dim, reverse).conj(), None, dim, not reverse)
        of_decay = of_initial = None
        if ctx.needs_input_grad[1]:
            of_each = of_x * before(y, initial, dim, reverse).conj()
            of_decay = _gathered(of_each, decay)
        if ctx.needs_input_grad[2]:
            edge = _edge(decay, dim, reverse).conj() * _edge(of_x, dim, reverse)
            of_initial = edge.to(grad.dtype)
        return of_x, of_decay, of_initial, None, None, None, None

    @staticmethod
    def _compiled_autograd_key(ctx: Any) -> tuple[int]:
        return (ctx._autograd_function_id,)

    @staticmethod
    def jvp(
        ctx: Any, of_x: Tensor | None, of_decay: Tensor | None, first: Tensor | None, *rest: None
    ) -> Any:
        x, decay, initial = (_primal(t) for t in ctx.primals)
        how = ctx.dim, ctx.reverse
        with forward_ad._set_fwd_grad_enabled(True):  # for the levels around this one
            terms = torch.zeros_like(x) if of_x is None else of_x
            if of_decay is not None:
                y = ctx.again(x, decay, initial, *how)
                terms = terms + (of_decay * before(y, initial, *how)).to(x.dtype)
            return ctx.again(terms, decay, first, *how)


record: Compute = Decayed.apply  # type: ignore[attr-defined]


def _primal(x: Tensor | None) -> Any:
    return None if x is None else torch._VF._unpack_dual(x, level=0).primal


def _edge(x: Tensor, dim: int, reverse: bool) -> Tensor:
    """What belongs to the first element in the scan's order."""
    return x.narrow(dim, x.size(dim) - 1 if reverse else 0, 1)


def _shifted(decay: Tensor, dim: int, reverse: bool) -> Tensor:
    """The decay of the element after each."""
    size = decay.size(dim) - 1
    if size == 0:
        return decay
    last = torch.zeros_like(decay.narrow(dim, 0, 1))
    if reverse:
        return torch.cat((last, decay.narrow(dim, 0, size)), dim)
    return torch.cat((decay.narrow(dim, 1, size), last), dim)


def _gathered(of_each: Tensor, decay: Tensor) -> Tensor:
    """The gradient of decays from that of each element's own."""
    if not decay.is_complex() and of_each.is_complex():
        of_each = of_each.real
    many = [d for d in range(decay.dim()) if decay.size(d) == 1 and of_each.size(d) != 1]
    return (of_each.sum(many, keepdim=True) if many else of_each).to(decay.dtype)


def _fake(x: Tensor, decay: Tensor, initial: Tensor | None, dim: int, reverse: bool) -> Tensor:
    return torch.empty(x.shape, dtype=x.dtype, device=x.device)


def _over_batch(
    info: Any,
    in_dims: tuple[Any, ...],
    x: Tensor,
    decay: Tensor,
    initial: Tensor | None,
    dim: int,
    reverse: bool,
) -> Any:
    x, initial = batch_first(info, (in_dims[0], in_dims[2]), x, initial)
    x = x.expand(info.batch_size, *x.shape[1:])
    decay = decay.unsqueeze(0) if in_dims[1] is None else decay.movedim(in_dims[1], 0)
    return scan(x, decay, initial, dim + 1, reverse), 0


for _key in ("CPU", *gpu.KEYS.values()):
    library.impl("decay", kernel.scan, _key)
library.impl("decay", under_autograd(scan, record), "Autograd", with_keyset=True)
torch.library.register_fake("cumsum::decay", _fake, lib=library)
torch.library.register_vmap("cumsum::decay", _over_batch, lib=library)
