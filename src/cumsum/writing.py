"""Results in the memory of tensors that were given for them."""

from __future__ import annotations

import torch
from torch import Tensor

from cumsum import abilities
from cumsum.kernels import tensor
from cumsum.kernels.tensor import How
from cumsum.operator import differentiable_scan
from cumsum.options import PLAIN, Options
from cumsum.tensors import (
    has_memory,
    is_strided,
    is_transformed,
    is_watched,
    same_elements,
    share_memory,
)


def can_take(x: Tensor, out: Tensor, options: Options) -> bool:
    """Whether we write to `out`: memory, unless options are asked for that torch has not.

    Fakes are none, transforms have none.
    """
    if not options.is_plain:
        return is_strided(out)
    hidden = is_transformed() or torch._C._get_tracing_state() is not None
    return is_strided(out) and has_memory(x) and has_memory(out) and not hidden


def scan(x: Tensor, initial: Tensor | None, how: How, options: Options = PLAIN) -> Tensor:
    """The scan of `x` as a new tensor, part of every graph that is being made."""
    ability = abilities.for_tensors(options)
    if ability is None:
        return differentiable_scan(x, initial, *how)
    y: Tensor = ability.scan(x, initial, how, options)
    return y


def write(
    x: Tensor, out: Tensor, initial: Tensor | None, how: How, options: Options = PLAIN
) -> Tensor:
    """The scan of `x` in `out`, which gets the shape for it."""
    if is_watched() or not (has_memory(x) and has_memory(out)):
        y = scan(x, initial, how, options)
        _fit(out, x, how)
        return out.copy_(y)
    if out.is_inference():  # such a tensor has no version
        return write_unversioned(x, out, initial, how, options)
    with torch.autograd.grad_mode._unsafe_preserve_version_counter(out):
        write_unversioned(x, out, initial, how, options)
    torch.autograd.graph.increment_version(out)
    return out


def _fit(out: Tensor, x: Tensor, how: How) -> None:
    if torch._C._get_tracing_state() is not None:  # sizes must not be compared
        return
    shape = torch.Size(tensor.shape_of(x, how))
    if out.shape != shape:
        resize(out, shape)


def resize(out: Tensor, shape: tuple[int, ...]) -> None:
    """Give `out` another shape, with torch's warning unless it is empty."""
    if out.numel():
        zero = torch.zeros((), dtype=torch.uint8)
        torch.add(zero.expand(shape), zero, out=zero.expand(out.shape).clone())
    out.resize_(shape)


@torch.no_grad()
def write_unversioned(
    x: Tensor, out: Tensor, initial: Tensor | None, how: How, options: Options = PLAIN
) -> Tensor:
    """The same with nothing recorded, and without a new version of `out`."""
    ability = abilities.for_tensors(options)
    if (ability is not None or out is x) and out.shape != torch.Size(tensor.shape_of(x, how)):
        y = scan(x, initial, how, options)  # first of all: after an error, `out` is what it was
        _fit(out, x, how)
        return out.copy_(y)
    _fit(out, x, how)
    sums = tensor.at_border(out, how)[0] if how.include_initial else out
    if x.numel() and share_memory(x, out) and not same_elements(x, sums):
        x = x.clone()
    if initial is not None and share_memory(initial, out):
        initial = initial.clone()
    if ability is None:
        tensor.scan_into(x, out, initial, how)
    else:
        ability.scan_into(x, out, initial, how, options)
    return out
