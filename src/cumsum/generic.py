"""The plain way for NumPy's element types that the core has no kernels for.

Objects, variable-width strings, float8 and the like are added one index at a time along the axis,
all lines at once, by NumPy's own addition; a few lines of objects or strings by Python's. Durations
are integers to the core, and their NaT is put back afterwards.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cumsum import _core, overflow
from cumsum import numpy as door
from cumsum.spec import Spec
from cumsum.threads import get_num_threads

Array = np.ndarray[Any, Any]

_MANY = 8  # from so many lines on, a call of NumPy's for each index costs less than Python's loop


def scan_any(
    x: Array, y: Array, spec: Spec, initial: Array | None, kept: Array | None = None
) -> None:
    """Write the scan of `x` to `y` for any dtype that NumPy can add, without a border.

    Only the elements count where `kept` is true, which is for objects.
    """
    x = x.astype(y.dtype, copy=False)
    try:
        if kept is not None or (_knows_python(x, initial) and x.size < _MANY * x.shape[spec.dim]):
            _scan_objects(x, y, spec, initial, kept)
        else:
            _scan_rows(x, y, spec, initial)
    except np.exceptions.DTypePromotionError as error:
        raise TypeError(f"cumsum(): elements of dtype {x.dtype} cannot be added") from error


def _knows_python(x: Array, initial: Array | None) -> bool:
    """Whether Python adds the elements as NumPy does: not those that a StringDType has for none."""
    if x.dtype.kind != "T" or not hasattr(x.dtype, "na_object"):
        return x.dtype.kind in "OT"
    return not any(texts is not None and np.isnan(texts).any() for texts in (x, initial))


def _scan_objects(
    x: Array, y: Array, spec: Spec, initial: Array | None, kept: Array | None
) -> None:
    """One line after the other, by Python's addition."""
    axis = spec.dim
    lines = np.moveaxis(x, axis, -1)
    count, length = math.prod(lines.shape[:-1]), lines.shape[-1]
    step = -1 if spec.reverse else 1

    def table_of(values: Array) -> Array:
        moved: Array = np.moveaxis(values, axis, -1)
        return moved.reshape(count, moved.shape[-1])

    terms = table_of(x).astype(object, copy=False)[:, ::step]
    counts = None if kept is None else table_of(kept)[:, ::step]
    firsts = None if initial is None else table_of(initial)[:, 0].tolist()
    sums: Array = np.empty((count, length), object)
    places = _place_of(terms), _place_of(sums), _place_of(counts)
    _core.add_objects(*places, count, length, spec.exclusive, np.zeros((), y.dtype)[()], firsts)
    np.moveaxis(y, axis, -1)[...] = sums[:, ::step].reshape(lines.shape)


def _place_of(table: Array | None) -> tuple[int, int, int]:
    """Where a table begins, and the bytes from row to row and from column to column."""
    if table is None:
        return 0, 0, 0
    row, column = table.strides
    return table.__array_interface__["data"][0], row, column


def _scan_rows(x: Array, y: Array, spec: Spec, initial: Array | None) -> None:
    # As rows, one for each index: NumPy takes a lone object apart where it can.
    moved = np.moveaxis(x, spec.dim, 0)
    lines = moved.reshape(len(moved), math.prod(moved.shape[1:]))
    sums = np.empty_like(lines)
    order = range(len(lines) - 1, -1, -1) if spec.reverse else range(len(lines))
    total: Any = None
    if initial is not None and len(lines):
        total = initial.reshape(-1)
    for i in order:
        if spec.exclusive:
            sums[i] = np.zeros((), y.dtype)[()] if total is None else total
        total = lines[i] if total is None else np.add(total, lines[i])
        if not spec.exclusive:
            sums[i] = total
    np.moveaxis(y, spec.dim, 0)[...] = sums.reshape(moved.shape)


def scan_durations(x: Array, y: Array, spec: Spec, initial: Array | None) -> None:
    """Write the scan of timedelta64 `x` to `y`; from the first NaT of a line on, all is NaT."""
    same_unit = np.asarray(x.astype(y.dtype, copy=False))
    ticks = same_unit.view(np.int64)
    first = None if initial is None else initial.view(np.int64)
    from_start = None if initial is None else np.isnat(initial).astype(np.int64)
    missing = None
    if not _are_numbers(ticks) or (from_start is not None and from_start.any()):
        missing = np.isnat(same_unit)  # before `y` may be written over it
    door.scan_into(ticks, y.view(np.int64), spec, first)
    if missing is not None:
        seen = np.empty(x.shape, np.int64)
        door.scan_into(missing, seen, spec, from_start)
        y[seen > 0] = np.timedelta64("NaT")
    if not _are_numbers(y.view(np.int64)):  # as in NumPy, also a sum that wrapped to NaT's number
        seen = np.empty(y.shape, np.int64)
        door.scan_into(np.isnat(y), seen, spec._replace(exclusive=False))
        y[seen > 0] = np.timedelta64("NaT")


def _are_numbers(ticks: Array) -> bool:
    """Whether no duration is NaT, by its ticks."""
    if not ticks.size:
        return True
    least, most = overflow.limits(np.dtype("m8"))
    return _core.all_within(door.memory_of(ticks), least, most, get_num_threads())
