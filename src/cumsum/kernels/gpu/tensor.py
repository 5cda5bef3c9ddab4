"""Hands the memory of a GPU's tensors to the kernels; no gradient is recorded here."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from cumsum.kernels.gpu.code import order
from cumsum.kernels.gpu.layout import layout_of
from cumsum.kernels.gpu.scan import Values, kind_of, scan
from cumsum.kernels.tensor import Missing


def scan_into(
    x: Tensor,
    y: Tensor,
    initial: Tensor | None,
    dim: int,
    *,
    exclusive: bool = False,
    reverse: bool = False,
    compensated: bool = False,
    missing: Missing | None = None,
) -> None:
    """Write the scan of `x`, cast to `y`'s dtype, to `y`.

    Nothing waits for the device, and memory comes from torch alone: a CUDA graph may hold the call.

    Parameters
    ----------
    x, y : Tensor
        Of one shape, with elements, none of them a conjugate or a negative one; the same elements,
        or none in common.
    initial : Tensor or None
        What lines begin with, of `y`'s dtype and with one element along `dim`.
    dim : int
        The scanned one, non-negative.
    exclusive, reverse, compensated : bool
        As for ``cumsum.cumsum``.
    missing : Missing or None
        Which elements add nothing, of real numbers.
    """
    flags = {"exclusive": exclusive, "reverse": reverse, "compensated": compensated}
    if missing is not None:
        with on(x.device):
            _scan_with_holes(x, y, initial, dim, missing, **flags)
        return
    if y.is_complex() and not x.is_complex():
        y.zero_() if initial is None else y.copy_(initial)  # for the imaginary parts
        y, initial = torch.view_as_real(y)[..., 0], None if initial is None else initial.real
    elif y.is_complex():  # both parts are lines
        x, y = torch.view_as_real(x), torch.view_as_real(y)
        initial = None if initial is None else torch.view_as_real(initial)
    elif x.is_complex():
        x = torch.view_as_real(x)[..., 0]
    with on(x.device):
        _scan_lines(x, y, initial, dim, **flags)


def on(device: torch.device) -> AbstractContextManager[Any]:
    """Where kernels are launched: the device whose memory they are given, on its current stream."""
    if device.type == "cpu":
        return nullcontext()
    context: AbstractContextManager[Any] = torch.get_device_module(device).device(device)
    return context


_layout = lru_cache(maxsize=1024)(layout_of)


def _scan_lines(
    x: Tensor,
    y: Tensor,
    initial: Tensor | None,
    dim: int,
    *,
    exclusive: bool,
    reverse: bool,
    compensated: bool,
) -> None:
    """The same of real numbers."""
    if y.dtype == torch.bool:  # whether anything was there
        x = x.to(torch.bool)
    layout = _layout(x.shape, dim, (x.stride(), y.stride()))
    if layout is None:  # three dims or more besides the scanned one that are in disorder
        x = x.contiguous()
        layout = _layout(x.shape, dim, (x.stride(), y.stride()))
    sums = y
    if layout is None or y.dtype == torch.bool:
        wide = torch.int64 if y.dtype == torch.bool else y.dtype
        sums = torch.empty(y.shape, dtype=wide, device=y.device)
        layout = _layout(x.shape, dim, (x.stride(), sums.stride()))
    assert layout is not None
    first = None if initial is None else initial.reshape(-1).contiguous()
    kind = kind_of(y.dtype, compensated=compensated)
    scan(
        Values(x, x), Values(sums, sums), first, layout, kind, exclusive=exclusive, reverse=reverse
    )
    if sums is not y:
        y.copy_(sums)


def _scan_with_holes(
    x: Tensor,
    y: Tensor,
    initial: Tensor | None,
    dim: int,
    missing: Missing,
    *,
    exclusive: bool,
    reverse: bool,
    compensated: bool,
) -> None:
    """The same of real numbers, some of which add nothing."""
    mask = x if missing.mask is None else missing.mask
    strides = [x.stride(), y.stride(), mask.stride()]
    sums, layout = y, layout_of(x.shape, dim, strides)
    if layout is None:
        x, mask = x.contiguous(), mask.contiguous()
        sums = torch.empty(y.shape, dtype=y.dtype, device=y.device)
        layout = layout_of(x.shape, dim, [t.stride() for t in (x, sums, mask)])
        assert layout is not None
    first = None if initial is None else initial.reshape(-1).contiguous()
    kind = kind_of(y.dtype, compensated=compensated)
    masked, skipped = missing.mask is not None, missing.skipna
    holes = masked * order.MASKED.value + skipped * order.SKIPPED.value
    if holes and missing.nan:
        holes += order.SHOWN.value
    scan(
        Values(x, mask), Values(sums, sums), first, layout, kind,
        exclusive=exclusive, reverse=reverse, holes=holes,
    )  # fmt: skip
    if sums is not y:
        y.copy_(sums)
