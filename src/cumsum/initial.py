"""What sums of arrays begin with: `initial`, in the dtype and the shape that they need."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from cumsum.overflow import INTEGERS, limits, show
from cumsum.subclasses import array_of

Array = np.ndarray[Any, Any]

# Kinds of numbers: booleans, integers, floats, complex ones; each holds those before it.
_KINDS = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}


def first_values(initial: Any, x: Array, axis: int, dtype: np.dtype[Any]) -> Array:
    """What the sums of `x` begin with, of `dtype`, for every line; one element along `axis`."""
    values = _cast(array_of("initial", initial), dtype)
    lines = (*x.shape[:axis], *x.shape[axis + 1 :])
    if values.ndim == x.ndim and values.shape[axis] == 1:
        values = values.squeeze(axis)
    try:
        spread = np.broadcast_to(values, lines)
    except ValueError:
        message = f"cumsum(): initial has shape {values.shape}, but there are lines of {lines}"
        raise ValueError(message) from None
    return np.expand_dims(spread, axis)


def _cast(values: Array, dtype: np.dtype[Any]) -> Array:
    """`values` as sums of `dtype`, or an error where they cannot be."""
    whole = values.dtype.kind in INTEGERS or are_all(values, int)
    if dtype.kind == "b" and whole and values.ndim == 0:
        return np.asarray(values != 0)
    if dtype.kind == "m":
        return _durations(values, dtype, whole)
    if not _is_kind(values.dtype.kind, dtype, whole):
        raise _refuse(values, dtype)
    if whole and dtype.kind in "iu":
        _check_range(values, dtype, *limits(dtype))
    try:
        if whole and dtype == np.clongdouble:  # NumPy goes by way of a double
            values = values.astype(np.longdouble)
        return values.astype(dtype, copy=False)
    except OverflowError:  # an integer beyond all floats
        largest = next(v for v in values.flat if abs(int(v)) > int(np.finfo(dtype).max))
        message = f"cumsum(): initial is {show(largest)}, which no {dtype} is near to"
        raise OverflowError(message) from None


def _is_kind(kind: str, dtype: np.dtype[Any], whole: bool) -> bool:
    """Whether elements of a kind can be sums of `dtype`; `whole` are integers, also as objects."""
    if dtype.kind == "O":
        return True
    if dtype.kind == "T":
        return kind in "UT"
    kind = "i" if whole and kind == "O" else kind
    if dtype.kind == "V":  # those of ml_dtypes
        return kind in "biufV"
    return _KINDS.get(kind, 2 if kind == "V" else 4) <= _KINDS[dtype.kind]


def are_all(values: Array, kind: type) -> bool:
    """Whether an array of objects has none but those of a kind."""
    return values.dtype.kind == "O" and all(isinstance(v, kind) for v in values.flat)


def _refuse(values: Array, dtype: np.dtype[Any]) -> TypeError:
    return TypeError(f"cumsum(): initial of {values.dtype} cannot be a sum of dtype {dtype}")


def _check_range(values: Array, dtype: np.dtype[Any], least: int, most: int) -> None:
    if not values.size:
        return
    for value in (int(values.min()), int(values.max())):
        if not least <= value <= most:
            message = f"cumsum(): initial is {show(value)}, but {dtype} holds {least} to {most}"
            raise OverflowError(message)


def _durations(values: Array, dtype: np.dtype[Any], whole: bool) -> Array:
    """The same for sums of durations: whole numbers of their unit, or durations that are some."""
    least, most = limits(dtype)
    if whole:
        _check_range(values, dtype, least, most)
        return values.astype(np.int64).view(dtype)
    if are_all(values, dt.timedelta):
        values = values.astype("m8[us]")
    if values.dtype.kind != "m" or not np.can_cast(values.dtype, dtype, "same_kind"):
        raise _refuse(values, dtype)
    if np.datetime_data(values.dtype)[0] == "generic":
        return values.view(np.int64).view(dtype)
    cast = values.astype(dtype)
    changed = (cast.astype(values.dtype) != values) & ~np.isnat(values)
    if not changed.any():
        return cast
    value = values[changed][0]
    if np.can_cast(values.dtype, dtype, "safe"):  # a finer unit, of which there are too many
        raise OverflowError(f"cumsum(): initial is {value}, more than {dtype} holds")
    raise TypeError(f"cumsum(): initial is {value}, a fraction of the unit of {dtype}")
