"""The decayed scan of tensors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from cumsum.decay import check, kernel, refuse_decay, refuse_result, refuse_shape
from cumsum.decay.operator import before, differentiable_scan
from cumsum.decay.starts import starts_of
from cumsum.kernels import gpu, tensor
from cumsum.kernels.tensor import How
from cumsum.operands import as_values
from cumsum.options import Options
from cumsum.tensors import has_elements, share_memory


def scan(x: Tensor, initial: Tensor | None, how: How, options: Options) -> Tensor:
    """The decayed scan of `x` as a new tensor, part of every graph that is being made."""
    _check(how.dtype, options)
    decay = decay_of(options.decay, x, how.dtype)
    starts = starts_of(x, how, options)
    x = x.to(how.dtype)
    if has_elements(x):
        y = differentiable_scan(x, decay, initial, starts, how.dim, how.reverse)
        y = before(y, initial, starts, how.dim, how.reverse) if how.exclusive else y
    else:  # no sums, but a graph has all that they could depend on
        y = x * decay.to(x.dtype)
        y = y if initial is None else y + initial
    if not how.include_initial:
        return y
    first = torch.zeros_like(x.sum(how.dim, keepdim=True)) if initial is None else initial
    return torch.cat((y, first) if how.reverse else (first, y), how.dim)


def scan_into(x: Tensor, y: Tensor, initial: Tensor | None, how: How, options: Options) -> None:
    """Write the decayed scan of `x`, cast to `y`'s dtype, to `y`, with nothing recorded."""
    _check(y.dtype, options)
    decay = decay_of(options.decay, x, y.dtype)
    if share_memory(decay, y):
        decay = decay.clone()
    starts = starts_of(x, how, options)
    if starts is not None and share_memory(starts, y):
        starts = starts.clone()
    if how.include_initial:
        y, border = tensor.at_border(y, how)
        border.zero_() if initial is None else border.copy_(initial)
    if x.numel() == 0:
        return
    terms = x.to(y.dtype)
    given = decay, initial, starts, how.dim, how.reverse
    if how.exclusive and gpu.takes(y.device):
        y.copy_(before(kernel.scan(terms, *given), *given[1:]))
    else:
        kernel.scan_into(terms, y, *given, exclusive=how.exclusive)


def _check(dtype: torch.dtype, options: Options) -> None:
    check(options)
    if not tensor.has_gradient(dtype):
        raise refuse_result(dtype)


def decay_of(decay: Any, x: Tensor, dtype: torch.dtype) -> Tensor:
    """The decays as a tensor of as many dims as `x`, to which it broadcasts."""
    values = as_values("decay", decay, x.device, like=x)
    if values.dim() == 0:
        values = values.to(x.device)
    if not tensor.has_gradient(values.dtype):
        values = values.to(torch.float64)
    if values.is_complex() and not dtype.is_complex:
        raise refuse_decay(values.dtype, dtype)
    try:
        values.expand(x.shape)
    except RuntimeError:
        raise refuse_shape(tuple(values.shape), tuple(x.shape)) from None
    return values.reshape((1,) * (x.dim() - values.dim()) + tuple(values.shape))
