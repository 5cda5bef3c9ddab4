"""The decayed scan of strided tensors; no gradient is recorded here."""

from __future__ import annotations

import torch
from torch import Tensor

from cumsum.kernels import gpu, tensor
from cumsum.segments.tensors import read_offsets, write_lines
from cumsum.spec import Spec


def scan(
    x: Tensor,
    decay: Tensor,
    initial: Tensor | None,
    starts: Tensor | None,
    dim: int,
    reverse: bool,
) -> Tensor:
    """The decayed scan of `x`, in its dtype, as a new contiguous tensor.

    `decay` has as many dims as `x` and broadcasts to it; `initial`, of `x`'s dtype, has one element
    along `dim`; `starts`, of `cumsum.decay.starts`, are where each scan of a line begins anew.
    """
    y = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    scan_into(x, y, decay, initial, starts, dim, reverse)
    return y


def scan_into(
    x: Tensor,
    y: Tensor,
    decay: Tensor,
    initial: Tensor | None,
    starts: Tensor | None,
    dim: int,
    reverse: bool,
    *,
    exclusive: bool = False,
) -> None:
    """The same written to `y`, of `x`'s shape and dtype: the same elements, or none of `x`'s.

    Exclusive scans are the core's alone.
    """
    if y.is_conj() or y.is_neg():
        plain = torch.empty(y.shape, dtype=y.dtype, device=y.device)
        scan_into(x, plain, decay, initial, starts, dim, reverse, exclusive=exclusive)
        y.copy_(plain)
        return
    if starts is not None and gpu.takes(y.device):
        raise NotImplementedError(
            f"cumsum(): decay with offsets, lengths or reset is not available on {y.device}: scan "
            "the segments one by one, or on the CPU"
        )
    if starts is not None and starts.dim() > 1:

        def write(x: Tensor, y: Tensor, first: Tensor | None, starts: Tensor, own: Tensor) -> None:
            scan_into(x, y, own, first, starts, 0, reverse, exclusive=exclusive)

        write_lines(write, dim, x, y, initial, starts, decay.expand(x.shape))
        return
    x, decay = _readable(x), _readable(decay)
    initial = None if initial is None else _readable(initial)
    if gpu.takes(y.device):
        from cumsum.kernels.gpu import decay as on_gpu  # which imports Triton

        on_gpu.scan_into(x, y, decay, initial, dim, reverse)
        return
    first = None if initial is None else initial.to(y.dtype)  # kept alive while the core reads it
    cuts = None if starts is None else torch.from_numpy(read_offsets("reset", starts, len(starts)))
    spec = Spec(dim, exclusive, reverse)
    tensor.scan_in_core(x, y, spec, first, offsets=cuts, decay=_as_stored(decay, y))


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
