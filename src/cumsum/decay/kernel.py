"""The decayed scan of strided tensors; no gradient is recorded here."""

from __future__ import annotations

import torch
from torch import Tensor

from cumsum.decay.memory import Operand, Scan, run
from cumsum.kernels import gpu
from cumsum.kernels.addresses import address_of
from cumsum.kernels.tensor import CODES
from cumsum.threads import chosen_threads


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
    stored = _as_stored(decay, dim, y)
    spread = stored.expand(x.shape)
    first = None if initial is None else initial.to(y.dtype)  # kept alive while the core reads it
    begin = None if first is None else _operand(first, address_of(first))
    target = _operand(y, y.data_ptr())  # first: x may be the same
    operands = (_operand(x, address_of(x)), target, _operand(spread, address_of(spread)))
    threads = chosen_threads() or torch.get_num_threads()
    code, kind = CODES[y.dtype], CODES[spread.dtype]
    run(Scan(code, kind, tuple(y.shape), dim, reverse, *operands, begin), threads)


def _readable(x: Tensor) -> Tensor:
    """`x` as memory that says what it means."""
    if x._is_zerotensor():
        return torch.zeros(x.shape, dtype=x.dtype, device=x.device)
    return x.resolve_conj().resolve_neg()


def _operand(x: Tensor, address: int) -> Operand:
    return Operand(address, tuple(step * x.itemsize for step in x.stride()))


def _as_stored(decay: Tensor, dim: int, y: Tensor) -> Tensor:
    """The decays in a dtype that the core reads."""
    if decay.is_complex():
        return decay.to(torch.complex128)
    if decay.dtype == y.dtype and decay.shape == y.shape and y.size(dim) > 1:
        return decay
    return decay.to(torch.float64)
