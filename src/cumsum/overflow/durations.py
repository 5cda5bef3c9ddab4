"""Exact sums of durations: whole numbers of their unit, the least of which is NaT's."""

from __future__ import annotations

from typing import Any

import numpy as np

from cumsum import numpy as door
from cumsum.options import Options
from cumsum.overflow import arrays, limits

Array = np.ndarray[Any, Any]

_NAT = -(2**63)


def scan_into(
    x: Array,
    y: Array,
    axis: int,
    options: Options,
    initial: Array | None,
    offsets: Array | None,
    corner: tuple[int, ...] | None,
) -> None:
    """Write the sums of `x` to `y`, of any unit; from the first NaT of a line on, all is NaT."""
    elements = _in_unit(x, y.dtype)
    ticks, missing = elements.view(np.int64), np.isnat(elements)
    first = lost = None
    if initial is not None:
        lost = np.isnat(initial)
        first = np.where(lost, 0, initial.view(np.int64))
    seen: Any = np.False_
    if missing.any() or (lost is not None and lost.any()):
        ways = Options(reverse=options.reverse, offsets=offsets)
        ways = ways._replace(initial=None if lost is None else lost.astype(int))
        within = door.scan_array(missing, axis, np.int64, None, ways) > 0
        ticks = np.where(within, 0, ticks)
        ways = ways._replace(exclusive=options.exclusive, include_initial=options.include_initial)
        seen = door.scan_array(missing, axis, np.int64, None, ways) > 0
    sums = np.empty(y.shape, np.int64)
    arrays.scan_into(
        ticks, sums, axis, options, first, held=y.dtype, offsets=offsets, corner=corner
    )
    outside = (sums == _NAT) & ~seen
    if options.overflow == "raise":
        _check(outside, y.dtype, axis, options.reverse, corner)
    sums[outside] = limits(y.dtype)[0]
    sums[np.broadcast_to(seen, sums.shape)] = _NAT
    y[...] = sums.view(y.dtype)


def _in_unit(x: Array, dtype: np.dtype[Any]) -> Array:
    """The elements in the unit of `dtype`; an error for what that cannot hold."""
    cast = np.asarray(x.astype(dtype))
    if np.can_cast(x.dtype, dtype, "safe"):  # a finer unit
        outside = (cast.astype(x.dtype) != x) & ~np.isnat(x)
        if outside.any():
            message = f"cumsum(): an element is {x[outside][0]}, more than {dtype} holds"
            raise OverflowError(message)
    return cast


def _check(
    outside: Array,
    dtype: np.dtype[Any],
    axis: int,
    reverse: bool,
    corner: tuple[int, ...] | None,
) -> None:
    """Raise an error for the first sum that would be NaT's number."""
    if not outside.any():
        return
    lines = np.moveaxis(outside, axis, -1)
    *index, position = np.argwhere(lines[..., :: -1 if reverse else 1])[0].tolist()
    index.insert(axis, outside.shape[axis] - 1 - position if reverse else position)
    raise arrays.excess(index, corner, _NAT, dtype)
