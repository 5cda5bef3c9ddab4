"""The scan of tensors with holes.

What is traced, batched or transformed is written as a selection, a scan and another selection,
each of which torch can do everything with; what is merely computed, or recorded for a backward
pass, takes one pass of the core.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cumsum import writing
from cumsum.autograd import is_recording
from cumsum.kernels import gpu, tensor
from cumsum.kernels.tensor import How, Missing, at_border
from cumsum.operands import as_mask
from cumsum.options import PLAIN, Options, ability_of
from cumsum.tensors import are_at_hand, share_memory


def scan(x: Tensor, initial: Tensor | None, how: How, options: Options) -> Tensor:
    """The scan of `x` as a new tensor, part of every graph that is being made."""
    missing = _checked(x, how, options)
    others = _others(options)
    eager = are_at_hand(x, initial, missing.mask) and _is_fused(x, how.dtype)
    if ability_of(others) is not None or not eager:
        return _composed(x, initial, how, missing, others)
    if is_recording(x, initial):
        kept = _kept(x, missing)
        recorded: Tensor = MissingScan.apply(x, initial, kept, how, missing.nan)  # type: ignore[no-untyped-call]
        return recorded
    return _compute(x, initial, how, missing)


def scan_into(x: Tensor, y: Tensor, initial: Tensor | None, how: How, options: Options) -> None:
    """Write the scan of `x` to `y`, with nothing recorded."""
    missing = _checked(x, how, options)
    if missing.mask is not None and share_memory(missing.mask, y):
        missing = missing._replace(mask=missing.mask.clone())
    others = _others(options)
    if ability_of(others) is None and _is_fused(x, y.dtype):
        tensor.scan_into(x, y, initial, how, missing)
    else:
        y.copy_(_composed(x, initial, how._replace(dtype=y.dtype), missing, others))


def _is_fused(x: Tensor, dtype: torch.dtype) -> bool:
    """Whether one pass can leave elements out of sums of `dtype`."""
    plain = not (x.is_complex() or dtype.is_complex or dtype == torch.bool)
    return x.dtype in tensor.CODES and (plain or not gpu.takes(x.device))


def _others(options: Options) -> Options:
    """What is asked for besides holes."""
    return options._replace(where=None, skipna=False, missing="carry")


def _checked(x: Tensor, how: How, options: Options) -> Missing:
    """What the options say of holes, with a mask of the shape of `x`."""
    nan = options.missing == "nan"
    if nan and not tensor.has_gradient(how.dtype):
        raise ValueError(f"cumsum(): missing is 'nan', which sums of dtype {how.dtype} cannot be")
    mask = None if options.where is None else as_mask(options.where, x.device)
    if mask is not None:
        try:
            mask = mask.expand(x.shape)
        except RuntimeError:
            has = f"where has shape {tuple(mask.shape)}"
            message = f"cumsum(): {has}, but the input has shape {tuple(x.shape)}"
            raise ValueError(message) from None
    return Missing(mask, options.skipna and tensor.has_gradient(x.dtype), nan)


def _compute(x: Tensor, initial: Tensor | None, how: How, missing: Missing) -> Tensor:
    y = torch.empty(tensor.shape_of(x, how), dtype=how.dtype, device=x.device)
    tensor.scan_into(x, y, initial, how, missing)
    return y


def _kept(x: Tensor, missing: Missing) -> Tensor | None:
    """Which elements count, None for all."""
    if not missing.skipna:
        return missing.mask
    wide = x if x.dtype in tensor.CODES else x.float()  # torch cannot ask float8
    numbers = ~torch.isnan(wide)
    return numbers if missing.mask is None else missing.mask & numbers


def _composed(
    x: Tensor, initial: Tensor | None, how: How, missing: Missing, others: Options
) -> Tensor:
    """The same by torch's own selections, before a scan and after it."""
    return _around(lambda filled: writing.scan(filled, initial, how, others), x, how, missing)


def around(scan: Callable[[Tensor], Tensor], x: Tensor, how: How, options: Options) -> Tensor:
    """The scan of `x` by a scan of tensors without holes."""
    return _around(scan, x, how, _checked(x, how, options))


def _around(scan: Callable[[Tensor], Tensor], x: Tensor, how: How, missing: Missing) -> Tensor:
    kept = _kept(x, missing)
    y = scan(x if kept is None else torch.where(kept, x, x.new_zeros(())))
    if not missing.nan or kept is None:
        return y
    if how.include_initial:  # the border is no hole
        border = kept.new_ones([*kept.shape[: how.dim], 1, *kept.shape[how.dim + 1 :]])
        kept = torch.cat((kept, border) if how.reverse else (border, kept), how.dim)
    return torch.where(kept, y, _nan(y))


def _nan(y: Tensor) -> Tensor:
    nan = complex("nan+nanj") if y.is_complex() else float("nan")
    return torch.full((), nan, dtype=y.dtype, device=y.device)


class MissingScan(torch.autograd.Function):
    """`MissingScan.apply(x, initial, kept, how, nan)`, a node of the graph that keeps the mask.

    The derivative is the same from the other end: what does not enter a sum gets no gradient, and
    from NaN at its place comes none.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, initial: Tensor | None, kept: Tensor | None, how: How, nan: bool
    ) -> Tensor:
        ctx.save_for_backward(kept)
        ctx.how, ctx.dtype, ctx.nan = how, x.dtype, nan
        return _compute(x, initial, how, Missing(kept, nan=nan))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (kept,) = ctx.saved_tensors
        how = ctx.how
        sums, border = at_border(grad, how) if how.include_initial else (grad, None)
        of_x = of_initial = None
        if ctx.needs_input_grad[0]:
            back = how._replace(dtype=ctx.dtype, reverse=not how.reverse, include_initial=False)
            mask = kept if ctx.nan else None
            of_x = _composed(sums, None, back, Missing(mask), PLAIN)
            of_x = of_x if kept is None else torch.where(kept, of_x, of_x.new_zeros(()))
        if ctx.needs_input_grad[1]:
            if ctx.nan and kept is not None:
                sums = torch.where(kept, sums, sums.new_zeros(()))
            of_initial = sums.sum(how.dim, keepdim=True)
            of_initial = of_initial if border is None else of_initial + border
        return of_x, of_initial, None, None, None
