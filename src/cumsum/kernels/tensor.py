"""Hands the memory of strided tensors to the core, or to a GPU's kernels.

No gradient is recorded here.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch._C._autograd import _profiler_enabled
from torch.profiler import record_function

from cumsum import _core
from cumsum.dtypes import BY_NAME
from cumsum.kernels import gpu
from cumsum.kernels.addresses import address_of
from cumsum.spec import Memory, Spec
from cumsum.threads import chosen_threads

Buffer = Any  # memory that Python knows the size of
CODES = {getattr(torch, name): code for name, code in BY_NAME.items() if "longdouble" not in name}
# Results that can be carried as pairs.
COMPENSATED = (torch.float64, torch.complex128)


def default_dtype(dtype: torch.dtype) -> torch.dtype:
    """The dtype of the scan of elements of `dtype`: integers and booleans are widened."""
    return dtype if has_gradient(dtype) else torch.int64


def has_gradient(dtype: torch.dtype) -> bool:
    """Whether results of `dtype` can be differentiated."""
    return dtype.is_floating_point or dtype.is_complex


class How(NamedTuple):
    """How a tensor is scanned: the arguments of the operator after its tensors."""

    dim: int  # non-negative
    dtype: torch.dtype
    exclusive: bool = False
    reverse: bool = False
    include_initial: bool = False
    compensated: bool = False


def scan(x: Tensor, initial: Tensor | None, how: How) -> Tensor:
    """The scan of `x`, cast to `how.dtype`, as a new contiguous tensor.

    `initial` is what the sums begin with, of that dtype and with one element along the dim.
    """
    plain = plain_scan(x, initial, how)
    if plain is not None:
        return plain
    y = torch.empty(shape_of(x, how), dtype=how.dtype, device=x.device)
    scan_into(x, y, initial, how)
    return y


def shape_of(x: Tensor, how: How) -> list[Any]:
    """The shape of the scan of `x`."""
    shape = list(x.shape)
    if how.include_initial:
        shape[how.dim] += 1
    return shape


def plain_scan(x: Tensor, initial: Tensor | None, how: How) -> Tensor | None:
    """The same of a tensor that the core understands by itself and nobody else is to see."""
    if initial is not None or how.exclusive or how.include_initial or how.compensated:
        return None
    if how.dtype != default_dtype(x.dtype):
        return None
    result: Tensor | None = _core.scan_plain_tensor(x, how.dim, how.reverse)
    return result


def at_border(y: Tensor, how: How) -> tuple[Tensor, Tensor]:
    """The sums in `y` of some elements, and the sum of none, at their beginning."""
    size = y.size(how.dim) - 1
    sums, first = (0, size) if how.reverse else (1, 0)
    return y.narrow(how.dim, sums, size), y.narrow(how.dim, first, 1)


class Missing(NamedTuple):
    """Which elements add nothing: where `mask`, of the shape of the input, is false, and NaN."""

    mask: Tensor | None
    skipna: bool = False
    nan: bool = False  # whether NaN stands at their places


def scan_into(
    x: Tensor, y: Tensor, initial: Tensor | None, how: How, missing: Missing | None = None
) -> None:
    """Write the scan of `x`, cast to `y`'s dtype, to `y`: the same elements, or none of `x`'s.

    The caller counts the version of `y`, which the core does not either: hence the `data` here.
    """
    if how.include_initial:
        y, border = at_border(y.data, how)
        border.zero_() if initial is None else border.copy_(initial)
    if x.numel() == 0:
        return
    with record_function("cumsum::scan_into") if _profiler_enabled() else nullcontext():
        _scan_into(x, y, initial, how, missing)


def _scan_into(
    x: Tensor, y: Tensor, initial: Tensor | None, how: How, missing: Missing | None
) -> None:
    if x.dim() == 0:
        is_whole = has_gradient(x.dtype) and not has_gradient(y.dtype)
        cast_into(x, y.data) if is_whole else y.data.copy_(x)
        return
    if x.is_complex() and not y.is_complex():
        torch.zeros(1, dtype=x.dtype).to(y.dtype)  # torch's warning, which it gives once
    if y.is_conj() or y.is_neg():
        sums = torch.empty(x.shape, dtype=y.dtype, device=y.device)
        scan_into(x, sums, initial, how._replace(include_initial=False), missing)
        y.copy_(sums)
    else:
        x = readable(x, y.dtype)  # kept alive while the core reads it
        first = None if initial is None else readable(initial, y.dtype)
        if gpu.takes(x.device):
            _scan_on_gpu(x, y, first, how, missing)
            return
        mask = None if missing is None else missing.mask
        scan_in_core(x, y, spec_of(how, missing), first, mask)


def _scan_on_gpu(
    x: Tensor, y: Tensor, initial: Tensor | None, how: How, missing: Missing | None
) -> None:
    from cumsum.kernels.gpu import tensor as on_gpu  # which imports Triton

    flags = {"exclusive": how.exclusive, "reverse": how.reverse, "compensated": how.compensated}
    on_gpu.scan_into(x, y, initial, how.dim, **flags, missing=missing)


def scan_segments_into(
    x: Tensor, y: Tensor, initial: Tensor | None, offsets: np.ndarray[Any, Any], how: How
) -> None:
    """Write the scans of the segments between checked int64 `offsets` of the dim to `y`."""
    if y.is_conj() or y.is_neg():
        plain = torch.empty(y.shape, dtype=y.dtype)
        scan_segments_into(x, plain, initial, offsets, how)
        y.copy_(plain)
        return
    x = readable(x, y.dtype)
    first = None if initial is None else readable(initial, y.dtype)
    cuts = torch.from_numpy(offsets)
    scan_in_core(x, y, spec_of(how), first, None, cuts)


def cast_into(x: Tensor, y: Tensor) -> None:
    """Write `x`, cast to `y`'s dtype by the core's rule, to `y`: a scan of lines of one element."""
    x, y = x.unsqueeze(-1), y.unsqueeze(-1)
    scan_into(x, y, None, How(x.dim() - 1, y.dtype))


def spec_of(how: How, missing: Missing | None = None) -> Spec:
    """What the core is to do, borders aside."""
    missing = Missing(None) if missing is None else missing
    return Spec(
        how.dim,
        how.exclusive,
        how.reverse,
        skipna=missing.skipna,
        missing="nan" if missing.nan else "carry",
        compensated=how.compensated,
    )


def scan_in_core(
    x: Tensor,
    y: Tensor,
    spec: Spec,
    initial: Tensor | None = None,
    mask: Tensor | None = None,
    offsets: Tensor | None = None,
    decay: Tensor | None = None,
) -> None:
    """The core's scan of memory that it can read; the operands are those of `_core.scan`."""
    target = _memory(y, x, spec.dim, written=True)  # first: x may be the same
    first, where, decays = (
        None if t is None else _memory(t, x, spec.dim) for t in (initial, mask, decay)
    )
    cuts = None if offsets is None else memory_of(offsets)
    operands = first, where, cuts, decays
    _core.scan(_memory(x, x, spec.dim), target, _kept(spec, x), _threads(), *operands)


def _threads() -> int:
    return chosen_threads() or torch.get_num_threads()


def _kept(spec: Spec, x: Tensor) -> Spec:
    """The same of memory without dims of one element."""
    return spec._replace(dim=sum(size != 1 for size in x.shape[: spec.dim]))


def resume_into(
    x: Tensor, y: Tensor, how: How, records: tuple[Buffer, Buffer], position: int
) -> None:
    """Write the sums of `x` to `y`, the same elements or none of them, without a border.

    `records` are those before it and memory for those after it; see `_core.resume`.
    """
    if x.numel() == 0:
        return
    if x.is_complex() and not y.is_complex():
        torch.zeros(1, dtype=x.dtype).to(y.dtype)  # torch's warning, which it gives once
    x = readable(x, y.dtype)  # kept alive while the core reads it
    target = _memory(y, x, how.dim, written=True)  # first: x may be the same
    spec = _kept(spec_of(how), x)
    _core.resume(_memory(x, x, how.dim), target, spec, _threads(), *records, position)


def add_up(x: Tensor, how: How, totals: Buffer) -> None:
    """Write the sums of the tiles that `x` consists of to `totals`; see `_core.totals`."""
    x = readable(x, how.dtype)  # kept alive while the core reads it
    spec = _kept(spec_of(how), x)
    _core.totals(_memory(x, x, how.dim), spec, _threads(), CODES[how.dtype], totals)


def readable(x: Tensor, dtype: torch.dtype) -> Tensor:
    """`x` as memory that says what it means, in a dtype the core knows."""
    if x._is_zerotensor():
        return torch.zeros(x.shape, dtype=dtype, device=x.device)
    x = x.resolve_conj().resolve_neg()
    return x if x.dtype in CODES else x.to(dtype)  # float8 and the like, which the core can't read


def memory_of(x: Tensor) -> Memory:
    """Where a tensor lies, to be read."""
    strides = tuple(step * x.itemsize for step in x.stride())
    return Memory(address_of(x), CODES[x.dtype], tuple(x.shape), strides)


def _memory(x: Tensor, like: Tensor, dim: int, written: bool = False) -> Memory:
    """The same without dims of one element of `like` (a tensor may have more than 64)."""
    kept = [d for d in range(like.dim()) if d == dim or like.size(d) != 1]
    shape = tuple(x.size(d) for d in kept)
    strides = tuple(x.stride(d) * x.itemsize for d in kept)
    address = x.data_ptr() if written else address_of(x)
    return Memory(address, CODES[x.dtype], shape, strides)
