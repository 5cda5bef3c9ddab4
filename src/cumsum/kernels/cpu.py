"""Hands memory to the compiled core."""

from __future__ import annotations

from typing import Any

from cumsum import _core
from cumsum.dtypes import DType
from cumsum.plan import Holes, Memory, arguments, backwards

Buffer = Any  # memory that Python knows the size of


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


def scan_segments(
    x: Memory,
    y: Memory,
    axis: int,
    offsets: int,
    count: int,
    *,
    threads: int,
    exclusive: bool = False,
    reverse: bool = False,
    compensated: bool = False,
    initial: Memory | None = None,
) -> None:
    """The same of each of the `count` segments that the int64 at `offsets` cut the axis into."""
    flags = {"exclusive": exclusive, "reverse": reverse, "compensated": compensated}
    of_scan = arguments(x, y, axis, **flags, threads=threads, initial=initial)
    _core.scan_segments(of_scan, offsets, count)


def resume(
    x: Memory,
    y: Memory,
    axis: int,
    *,
    records: Buffer,
    after: Buffer,
    position: int,
    threads: int,
    exclusive: bool,
    compensated: bool,
    reverse: bool = False,
) -> None:
    """Write the scan of `x` to `y` that goes on from the records of lines of `position` elements.

    They lie in `records`, in C order of the lines, of `_core.record_size` bytes each; those of the
    end of `x`, which is not empty, are written to `after`. In reverse the end is the beginning.
    """
    if reverse:
        x, y = backwards(x, axis), backwards(y, axis)
    flags = {"exclusive": exclusive, "reverse": False, "compensated": compensated}
    scan = arguments(x, y, axis, **flags, threads=threads, initial=None)
    _core.resume(scan, position, records, after)


def add_up(
    x: Memory,
    axis: int,
    dtype: DType,
    *,
    totals: Buffer,
    threads: int,
    compensated: bool,
    reverse: bool,
) -> None:
    """Write the sums of the tiles that `x` consists of to `totals`, as sums of `dtype`.

    Tile by tile, in each those of the lines in C order, of `_core.total_size` bytes each. In
    reverse the last tile is the first.
    """
    if reverse:
        x = backwards(x, axis)
    _core.add_up(x.address, x.dtype, x.shape, x.strides, axis, dtype, compensated, threads, totals)
