"""Hands the memory of strided CPU tensors to the core; no gradient is recorded here."""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch import Tensor
from torch._C._autograd import _profiler_enabled
from torch.profiler import record_function

from cumsum import _core
from cumsum.dtypes import BY_NAME
from cumsum.kernels import cpu
from cumsum.plan import Memory
from cumsum.threads import chosen_threads

CODES = {getattr(torch, name): code for name, code in BY_NAME.items() if "longdouble" not in name}
# Results that can be carried as pairs.
COMPENSATED = (torch.float64, torch.complex128)


def default_dtype(dtype: torch.dtype) -> torch.dtype:
    """The dtype of the scan of elements of `dtype`: integers and booleans are widened."""
    return dtype if has_gradient(dtype) else torch.int64


def has_gradient(dtype: torch.dtype) -> bool:
    """Whether results of `dtype` can be differentiated."""
    return dtype.is_floating_point or dtype.is_complex


def scan(
    x: Tensor,
    dim: int,
    dtype: torch.dtype,
    *,
    reverse: bool = False,
    compensated: bool = False,
) -> Tensor:
    """The scan of `x`, cast to `dtype`, as a new contiguous tensor; `dim` is non-negative."""
    plain = None if compensated else plain_scan(x, dim, dtype, reverse)
    if plain is not None:
        return plain
    y = torch.empty(x.shape, dtype=dtype, device=x.device)
    scan_into(x, y, dim, reverse=reverse, compensated=compensated)
    return y


def plain_scan(x: Tensor, dim: int, dtype: torch.dtype, reverse: bool) -> Tensor | None:
    """The same of a tensor that the core understands by itself and nobody else is to see."""
    if dtype != default_dtype(x.dtype):
        return None
    result: Tensor | None = _core.scan_plain_tensor(x, dim, reverse)
    return result


def scan_into(
    x: Tensor, y: Tensor, dim: int, *, reverse: bool = False, compensated: bool = False
) -> None:
    """Write the scan of `x`, cast to `y`'s dtype, to `y`: the same elements, or none of `x`'s."""
    if x.numel() == 0:
        return
    with record_function("cumsum::scan_into") if _profiler_enabled() else nullcontext():
        _scan_into(x, y, dim, {"reverse": reverse, "compensated": compensated})


def _scan_into(x: Tensor, y: Tensor, dim: int, flags: dict[str, bool]) -> None:
    if x.is_complex() and not y.is_complex():
        torch.zeros(1, dtype=x.dtype).to(y.dtype)  # torch's warning, which it gives once
    if x.dim() == 0:
        y.copy_(x)
    elif y.is_conj() or y.is_neg():
        y.copy_(scan(x, dim, y.dtype, **flags))
    else:
        x = _readable(x, y.dtype)  # kept alive while the core reads it
        axis = sum(size != 1 for size in x.shape[:dim])
        threads = chosen_threads() or torch.get_num_threads()
        cpu.scan(_memory(x, dim), _memory(y, dim), axis, threads=threads, **flags)


def _readable(x: Tensor, dtype: torch.dtype) -> Tensor:
    """`x` as memory that says what it means, in a dtype the core knows."""
    if x._is_zerotensor():
        return torch.zeros(x.shape, dtype=dtype)
    x = x.resolve_conj().resolve_neg()
    return x if x.dtype in CODES else x.to(dtype)  # float8 and the like, which the core can't read


def _memory(x: Tensor, dim: int) -> Memory:
    """Where `x` lies, without the axes of one element (a tensor may have more than 64 of them)."""
    kept = [d for d in range(x.dim()) if d == dim or x.size(d) != 1]
    shape = tuple(x.size(d) for d in kept)
    strides = tuple(x.stride(d) * x.itemsize for d in kept)
    return Memory(x.data_ptr(), CODES[x.dtype], shape, strides)
