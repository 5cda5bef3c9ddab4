"""The decayed scan as an operator of torch, and its derivatives.

`torch.ops.cumsum.decay(x, decay, initial, starts, dim, reverse)` is what torch.compile,
torch.export, torch.func and fake tensors see. `decay` has as many dims as `x` and broadcasts to it,
`initial` has `x`'s dtype and one element along `dim`, `starts` are those of `cumsum.decay.starts`.
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
from cumsum.decay.starts import begins
from cumsum.kernels import gpu
from cumsum.operator import batch_first, library, under_autograd
from cumsum.segments.tensors import cuts_first
from cumsum.tensors import are_at_hand

Compute = Callable[..., Tensor]

library.define(
    "decay(Tensor x, Tensor decay, Tensor? initial, Tensor? starts, int dim, bool reverse) "
    "-> Tensor",
    tags=(torch.Tag.pt2_compliant_tag, torch.Tag.flexible_layout),
)
scan: Any = torch.ops.cumsum.decay.default


def differentiable_scan(
    x: Tensor,
    decay: Tensor,
    initial: Tensor | None,
    starts: Tensor | None,
    dim: int,
    reverse: bool,
) -> Tensor:
    """The decayed scan of `x` as part of every graph that is being made."""
    given = x, decay, initial, starts
    how = dim, reverse
    result: Tensor
    if torch.compiler.is_dynamo_compiling():
        result = scan(*given, *how)
        return result
    if any(t is not None and is_legacy_batchedtensor(t) for t in given):  # no memory of ours to see
        return _in_steps(*given, *how)
    if not are_at_hand(*given):
        result = scan(*given, *how)
        return result
    if is_recording(*given):
        return record(*given, *how, kernel.scan, differentiable_scan)
    return kernel.scan(*given, *how)


def before(
    y: Tensor, initial: Tensor | None, starts: Tensor | None, dim: int, reverse: bool
) -> Tensor:
    """The results of the element before each; `initial`, or zero, for the first of a segment."""
    size = y.size(dim) - 1
    first = torch.zeros_like(y.narrow(dim, 0, 1)) if initial is None else initial
    if reverse:
        late = torch.cat((y.narrow(dim, 1, size), first), dim)
    else:
        late = torch.cat((first, y.narrow(dim, 0, size)), dim)
    if starts is None:
        return late
    return torch.where(begins(starts, y.dim(), dim, reverse), first, late)


def _in_steps(
    x: Tensor,
    decay: Tensor,
    initial: Tensor | None,
    starts: Tensor | None,
    dim: int,
    reverse: bool,
) -> Tensor:
    """One element after another, by torch's own operators."""
    rows, decays = x.unbind(dim), decay.expand(x.shape).unbind(dim)
    first = torch.zeros_like(rows[0]) if initial is None else initial.squeeze(dim)
    anew = None if starts is None else begins(starts, x.dim(), dim, reverse).unbind(dim)
    total = first
    results: list[Tensor] = []
    for i in range(len(rows) - 1, -1, -1) if reverse else range(len(rows)):
        total = total if anew is None else torch.where(anew[i], first, total)
        total = (decays[i] * total + rows[i]).to(x.dtype)
        results.append(total)
    return torch.stack(results[::-1] if reverse else results, dim)


class Decayed(_SingleLevelFunction):
    """A node of the graph.

    `Decayed.apply(x, decay, initial, starts, dim, reverse, compute, again)` makes it. `compute`
    takes the arguments before it and records nothing; `again` takes them for derivatives, and
    records what is to be differentiated once more.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, decay: Tensor, initial: Tensor | None, *rest: Any) -> Tensor:
        starts, ctx.dim, ctx.reverse, compute, ctx.again = rest
        y: Tensor = compute(x, decay, initial, starts, ctx.dim, ctx.reverse)
        if forward_ad._current_level >= 0:
            ctx.primals, ctx.starts = (x, decay, initial), starts
        rest = (initial, y) if ctx.needs_input_grad[1] else (None, None)
        ctx.save_for_backward(decay, starts, *rest)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        decay, starts, initial, y = ctx.saved_tensors
        dim, reverse = ctx.dim, ctx.reverse
        after = _shifted(decay, starts, dim, reverse).conj()
        of_x = ctx.again(grad, after, None, starts, dim, not reverse)
        of_decay = of_initial = None
        if ctx.needs_input_grad[1]:
            of_each = of_x * before(y, initial, starts, dim, reverse).conj()
            of_decay = _gathered(of_each, decay)
        if ctx.needs_input_grad[2]:
            of_initial = _at_firsts(of_x, decay, starts, dim, reverse).to(grad.dtype)
        return of_x, of_decay, of_initial, *(None,) * 5

    @staticmethod
    def _compiled_autograd_key(ctx: Any) -> tuple[int]:
        return (ctx._autograd_function_id,)

    @staticmethod
    def jvp(
        ctx: Any, of_x: Tensor | None, of_decay: Tensor | None, first: Tensor | None, *rest: None
    ) -> Any:
        x, decay, initial = (_primal(t) for t in ctx.primals)
        how = ctx.starts, ctx.dim, ctx.reverse
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


def _at_firsts(
    of_x: Tensor, decay: Tensor, starts: Tensor | None, dim: int, reverse: bool
) -> Tensor:
    """The gradient of what the segments of each line begin with, from that of their elements."""
    if starts is None:
        return _edge(decay, dim, reverse).conj() * _edge(of_x, dim, reverse)
    each = decay.conj() * of_x
    firsts = begins(starts, of_x.dim(), dim, reverse)
    return torch.where(firsts, each, each.new_zeros(())).sum(dim, keepdim=True)


def _shifted(decay: Tensor, starts: Tensor | None, dim: int, reverse: bool) -> Tensor:
    """The decay of the element after each, zero where that begins a segment."""
    size = decay.size(dim) - 1
    if size == 0:
        return decay
    last = torch.zeros_like(decay.narrow(dim, 0, 1))
    if reverse:
        after = torch.cat((last, decay.narrow(dim, 0, size)), dim)
    else:
        after = torch.cat((decay.narrow(dim, 1, size), last), dim)
    if starts is None:
        return after
    ends = begins(starts, decay.dim(), dim, not reverse)
    return torch.where(ends, after.new_zeros(()), after)


def _gathered(of_each: Tensor, decay: Tensor) -> Tensor:
    """The gradient of decays from that of each element's own."""
    if not decay.is_complex() and of_each.is_complex():
        of_each = of_each.real
    many = [d for d in range(decay.dim()) if decay.size(d) == 1 and of_each.size(d) != 1]
    return (of_each.sum(many, keepdim=True) if many else of_each).to(decay.dtype)


def _fake(x: Tensor, *rest: Any) -> Tensor:
    return torch.empty(x.shape, dtype=x.dtype, device=x.device)


def _over_batch(
    info: Any,
    in_dims: tuple[Any, ...],
    x: Tensor,
    decay: Tensor,
    initial: Tensor | None,
    starts: Tensor | None,
    dim: int,
    reverse: bool,
) -> Any:
    x, initial = batch_first(info, (in_dims[0], in_dims[2]), x, initial)
    x = x.expand(info.batch_size, *x.shape[1:])
    decay = decay.unsqueeze(0) if in_dims[1] is None else decay.movedim(in_dims[1], 0)
    if starts is not None:
        x, starts = cuts_first(info, in_dims[3], x, starts, "reset", dim)
    return scan(x, decay, initial, starts, dim + 1, reverse), 0


for _key in ("CPU", *gpu.KEYS.values()):
    library.impl("decay", kernel.scan, _key)
library.impl("decay", under_autograd(scan, record), "Autograd", with_keyset=True)
torch.library.register_fake("cumsum::decay", _fake, lib=library)
torch.library.register_vmap("cumsum::decay", _over_batch, lib=library)
