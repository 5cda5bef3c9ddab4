"""The decayed scan of strided tensors; no gradient is recorded here."""

from __future__ import annotations

import torch
from torch import Tensor

from cumsum.kernels import gpu, tensor
from cumsum.spec import Spec


def scan(x: Tensor, decay: Tensor, initial: Tensor | None, dim: int, reverse: bool) -> Tensor:
    """The decayed scan of `x`, in its dtype, as a new contiguous tensor.

    `decay` has as many dims as `x` and broadcasts to it; `initial`, of `x`'s dtype, has one element
    along `dim`.
    """
    y = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    scan_into(x, y, decay, initial, dim, reverse)
    return y


def scan_into(
    x: Tensor, y: Tensor, decay: Tensor, initial: Tensor | None, dim: int, reverse: bool
) -> None:
    """The same written to `y`, of `x`'s shape and dtype: the same elements, or none of `x`'s."""
    if y.is_conj() or y.is_neg():
        y.copy_(scan(x, decay, initial, dim, reverse))
        return
    x, decay = _readable(x), _readable(decay)
    initial = None if initial is None else _readable(initial)
    if gpu.takes(y.device):
        from cumsum.kernels.gpu import decay as on_gpu  # which imports Triton

        on_gpu.scan_into(x, y, decay, initial, dim, reverse)
        return
    first = None if initial is None else initial.to(y.dtype)  # kept alive while the core reads it
    spec = Spec(dim, reverse=reverse)
    tensor.scan_in_core(x, y, spec, first, decay=_as_stored(decay, y))


def _readable(x: Tensor) -> Tensor:
    """`x` as memory that says what it means."""
    if x._is_zerotensor():
        return torch.zeros(x.shape, dtype=x.dtype, device=x.device)
    return x.resolve_conj().resolve_neg()


def _as_stored(decay: Tensor, y: Tensor) -> Tensor:
    """The decays in a dtype that the core reads."""
    if decay.is_complex():
        return decay.to(torch.complex128)
    return decay if decay.dtype == y.dtype else decay.to(torch.float64)
