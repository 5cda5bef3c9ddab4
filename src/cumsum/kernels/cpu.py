"""Hands memory to the compiled core."""

from __future__ import annotations

from cumsum import _core
from cumsum.plan import Holes, Memory, arguments


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
    holes: Holes | None = None,
) -> None:
    """Write the scan of `x` along `axis` to `y`, which has the same shape.

    Each element of `x` is cast to `y`'s dtype first. `x` and `y` may be the same memory if their
    strides and dtypes are; any other overlap gives undefined results. `compensated` changes float64
    and complex128 results alone. Sums begin with `initial`, of `y`'s dtype and of a stride for each
    axis, the scanned one of which does not matter. Elements in `holes` add nothing.
    """
    flags = {"exclusive": exclusive, "reverse": reverse, "compensated": compensated}
    given = arguments(x, y, axis, **flags, threads=threads, initial=initial)
    if holes is None:
        _core.scan(*given)
    else:
        mask = (0, ()) if holes.mask is None else (holes.mask.address, holes.mask.strides)
        _core.scan_with_holes(*given, *mask, holes.skipna, holes.nan)
