"""The decayed scan of a GPU's tensors.

A value is the sum of some elements and the product of their decays, both float64 whatever the
dtype of the elements is. Decays are read where they lie: one that many elements share has a stride
of 0.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cumsum.kernels.gpu.layout import Layout, layout_of
from cumsum.kernels.gpu.scan import Values, kind_of, scan
from cumsum.kernels.gpu.tensor import on


def scan_into(
    x: Tensor, y: Tensor, decay: Tensor, initial: Tensor | None, dim: int, reverse: bool
) -> None:
    """Write the decayed scan of `x` to `y`, of its shape and dtype: the same elements, or others.

    `decay` has as many dims as `x` and broadcasts to it; `initial`, of `x`'s dtype, has one element
    along `dim`.
    """
    if x.numel() == 0:
        return
    if y.is_complex():
        if decay.is_complex():
            raise NotImplementedError(f"cumsum(): a complex decay is not available on {y.device}")
        x, y, decay = torch.view_as_real(x), torch.view_as_real(y), decay.unsqueeze(-1)
        initial = None if initial is None else torch.view_as_real(initial)
    first = None if initial is None else initial.contiguous()
    layout = _layout(x, y, decay, dim)
    result = y
    if layout is None:
        x, y, decay = (
            x.contiguous(),
            torch.empty(y.shape, dtype=y.dtype, device=y.device),
            _each(decay, x.shape, dim),
        )
        layout = _layout(x, y, decay, dim)
        assert layout is not None
    kind = kind_of(y.dtype, decay=True)
    with on(x.device):
        scan(Values(x, decay), Values(y, y), first, layout, kind, exclusive=False, reverse=reverse)
    if y is not result:
        result.copy_(y)


def _layout(x: Tensor, y: Tensor, decay: Tensor, dim: int) -> Layout | None:
    strides = (x.stride(), y.stride(), decay.expand(x.shape).stride())
    return layout_of(x.shape, dim, strides)


def _each(decay: Tensor, shape: torch.Size, dim: int) -> Tensor:
    """The decays of every line by themselves, still one along it where one is all there is."""
    return decay.expand(*shape[:dim], decay.size(dim), *shape[dim + 1 :]).contiguous()
