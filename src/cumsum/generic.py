"""The plain way for NumPy's element types that the core has no kernels for.

Objects, variable-width strings, float8 and the like are added one index at a time along the axis,
all lines at once, by NumPy's own addition. Durations are integers to the core, and their NaT is put
back afterwards.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cumsum import numpy as door
from cumsum.options import Options

Array = np.ndarray[Any, Any]


def scan_any(
    x: Array, y: Array, axis: int, *, exclusive: bool, reverse: bool, initial: Array | None
) -> None:
    """Write the scan of `x` to `y` for any dtype that NumPy can add."""
    try:
        _scan_lines(x.astype(y.dtype), y, axis, exclusive, reverse, initial)
    except np.exceptions.DTypePromotionError as error:
        raise TypeError(f"cumsum(): elements of dtype {x.dtype} cannot be added") from error


def _scan_lines(
    x: Array, y: Array, axis: int, exclusive: bool, reverse: bool, initial: Array | None
) -> None:
    # As rows, one for each index: NumPy takes a lone object apart where it can.
    moved = np.moveaxis(x, axis, 0)
    lines = moved.reshape(len(moved), math.prod(moved.shape[1:]))
    sums = np.empty_like(lines)
    order = range(len(lines) - 1, -1, -1) if reverse else range(len(lines))
    total: Any = None
    if initial is not None and len(lines):
        total = initial.reshape(-1)
    for i in order:
        if exclusive:
            sums[i] = np.zeros((), y.dtype)[()] if total is None else total
        total = lines[i] if total is None else np.add(total, lines[i])
        if not exclusive:
            sums[i] = total
    np.moveaxis(y, axis, 0)[...] = sums.reshape(moved.shape)


def scan_durations(
    x: Array, y: Array, axis: int, *, exclusive: bool, reverse: bool, initial: Array | None
) -> None:
    """Write the scan of timedelta64 `x` to `y`; from the first NaT of a line on, all is NaT."""
    flags: dict[str, Any] = {"exclusive": exclusive, "reverse": reverse}
    same_unit = np.asarray(x.astype(y.dtype, copy=False))
    missing = np.isnat(same_unit)
    first = None if initial is None else initial.view(np.int64)
    from_start = None if initial is None else np.isnat(initial).astype(np.int64)
    door.scan_into(same_unit.view(np.int64), y.view(np.int64), axis, initial=first, **flags)
    if missing.any() or (from_start is not None and from_start.any()):
        seen = np.empty(x.shape, np.int64)
        door.scan_into(missing, seen, axis, initial=from_start, **flags)
        y[seen > 0] = np.timedelta64("NaT")


def scan_masked(input: Any, dim: Any, dtype: Any, out: Any, options: Options) -> Any:
    """`cumsum` of a masked array, as its own method has it: masked elements add nothing."""
    sums = door.scan_array(input.filled(0), dim, dtype, None, options)
    mask = np.ma.getmask(input)
    if mask is not np.ma.nomask:
        own, mask = mask, np.zeros(sums.shape, bool)
        inner = mask
        if options.include_initial:
            inner, _ = door.at_border(mask, 0 if dim is None else dim % mask.ndim, options.reverse)
        inner[...] = own.reshape(inner.shape)
    if out is None:
        result = sums.view(type(input))
        result.__setmask__(mask)
        return result
    np.copyto(np.ma.getdata(out), sums, casting="unsafe")
    if isinstance(out, np.ma.MaskedArray):
        out.__setmask__(mask)
    return out
