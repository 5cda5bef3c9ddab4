"""Hands memory to the compiled core."""

from __future__ import annotations

from cumsum import _core
from cumsum.plan import Memory, arguments


def scan(
    x: Memory,
    y: Memory,
    axis: int,
    *,
    threads: int,
    exclusive: bool = False,
    reverse: bool = False,
    compensated: bool = False,
    initial: Memory | None = None,
) -> None:
    """Write the scan of `x` along `axis` to `y`, which has the same shape.

    Each element of `x` is cast to `y`'s dtype first. `x` and `y` may be the same memory if their
    strides and dtypes are; any other overlap gives undefined results. `compensated` changes float64
    and complex128 results alone. Sums begin with `initial`, of `y`'s dtype and of a stride for each
    axis, the scanned one of which does not matter.
    """
    flags = {"exclusive": exclusive, "reverse": reverse, "compensated": compensated}
    _core.scan(*arguments(x, y, axis, **flags, threads=threads, initial=initial))


def resume(
    x: Memory,
    y: Memory,
    axis: int,
    *,
    records: int,
    after: int,
    position: int,
    threads: int,
    exclusive: bool,
    compensated: bool,
) -> None:
    """Write the scan of `x` to `y` that goes on from the records of lines of `position` elements.

    They lie at the address `records`, in C order of the lines; those of the end of `x`, which is
    not empty, are written to the address `after`.
    """
    step = _core.record_size(y.dtype, compensated)
    strides = [0] * len(x.shape)
    for d in reversed(range(len(x.shape))):
        if d != axis:
            strides[d] = step
            step *= x.shape[d]
    first = Memory(records, y.dtype, x.shape, tuple(strides))
    flags = {"exclusive": exclusive, "reverse": False, "compensated": compensated}
    _core.resume(arguments(x, y, axis, **flags, threads=threads, initial=first), position, after)
