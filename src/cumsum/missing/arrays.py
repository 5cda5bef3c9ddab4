"""The scan of NumPy arrays with holes."""

from __future__ import annotations

from typing import Any

import numpy as np

from cumsum import abilities, generic
from cumsum import numpy as door
from cumsum.options import Options, ability_of
from cumsum.subclasses import array_of

Array = np.ndarray[Any, Any]


def scan_into(x: Array, y: Array, axis: int, options: Options, initial: Array | None) -> None:
    """Write the scan of `x` with holes to `y`."""
    kept = None if options.where is None else mask_of(options.where, x.shape)
    check_holes(options, y.dtype)
    if kept is not None and np.may_share_memory(kept, y):
        kept = kept.copy()
    codes = door.code_of(x.dtype), door.code_of(y.dtype)
    if None in codes or ability_of(_others(options)) is not None:
        _scan_filled(x, y, axis, options, initial, kept)
        return
    terms = door.readable(x, y.dtype)
    if options.skipna and terms.dtype.kind != x.dtype.kind:  # the imaginary part may be missing
        _scan_filled(x, y, axis, options, initial, kept)
    else:
        door.scan_in_core(terms, y, options.spec(axis), initial, kept)


def mask_of(where: Any, shape: tuple[int, ...]) -> Array:
    """The argument `where` as an array of bool of a shape."""
    mask = array_of("where", where)
    if not mask.size and mask.dtype == np.float64:  # an empty list
        mask = mask.astype(np.bool)
    if mask.dtype != np.bool:
        raise TypeError(f"cumsum(): argument 'where' must be of bool, not of {mask.dtype}")
    try:
        return np.broadcast_to(mask, shape)
    except ValueError:
        message = f"cumsum(): where has shape {mask.shape}, but the input has shape {shape}"
        raise ValueError(message) from None


def _can_be_nan(dtype: np.dtype[Any]) -> bool:
    """Whether a sum of `dtype` can be NaN, or a duration NaT."""
    if dtype.kind == "V":  # the dtypes of ml_dtypes
        return bool(_is_nan(np.full(1, np.nan).astype(dtype)).all())
    return dtype.kind in "fcmO"


def _is_nan(x: Array) -> Array:
    """Where `x` is NaN."""
    if x.dtype.kind in "mM":
        return np.isnat(x)
    if x.dtype.kind in "OT":  # what a text has for missing data may be any object
        return np.asarray(np.frompyfunc(_is_missing, 1, 1)(x.astype(object)), np.bool)
    return np.asarray(x != x, np.bool)  # noqa: PLR0124


def _is_missing(element: Any) -> bool:
    """Whether an object stands for missing data: None, NaN, NaT, pandas' NA."""
    if element is None:
        return True
    try:
        return bool(element != element)  # noqa: PLR0124
    except ValueError:  # an array
        return False
    except (TypeError, ArithmeticError):  # NA, and Decimal's signalling NaN
        return True


def _others(options: Options) -> Options:
    """What is asked for besides holes."""
    return options._replace(where=None, skipna=False, missing="carry")


def kept_of(x: Array, kept: Array | None, skipna: bool) -> Array:
    """Where the elements of `x` count."""
    if skipna:
        numbers = ~_is_nan(x)
        kept = numbers if kept is None else kept & numbers
    assert kept is not None
    return kept


def fill(x: Array, kept: Array | None, skipna: bool) -> tuple[Array, Array]:
    """A copy of `x` with zeros in its holes, and where those are."""
    holes = ~kept_of(x, kept, skipna)
    filled = np.array(x, order="K")
    filled[holes] = np.zeros((), x.dtype)
    return filled, holes


def hole_of(dtype: np.dtype[Any]) -> Any:
    """What shows a hole among sums of `dtype`, where one can."""
    return {"m": np.timedelta64("NaT"), "c": complex(np.nan, np.nan)}.get(dtype.kind, np.nan)


def check_holes(options: Options, dtype: np.dtype[Any]) -> None:
    """Raise an error if holes are to be shown where sums of `dtype` cannot."""
    if options.missing == "nan" and not _can_be_nan(dtype):
        raise ValueError(f"cumsum(): missing is 'nan', which sums of dtype {dtype} cannot be")


def _scan_filled(
    x: Array, y: Array, axis: int, options: Options, initial: Array | None, kept: Array | None
) -> None:
    """By way of a copy: for dtypes that the core has no kernels for, and for other abilities."""
    others = _others(options)
    ability, spec = abilities.for_arrays(others), others.spec(axis)
    sums = y
    if options.include_initial:
        sums, border = door.at_border(y, axis, options.reverse)
    if y.dtype.kind == "O":  # not all objects can be added to a zero
        kept = kept_of(x, kept, options.skipna)
        filled, holes = x, ~kept
        others = others._replace(where=kept)
    else:
        filled, holes = fill(x, kept, options.skipna)
    if ability is not None:
        ability.scan_into(filled, y, axis, others, initial)
    elif y.dtype.kind != "O":
        door.scan_into(filled, y, spec, initial)
    else:
        if options.include_initial:
            border[...] = np.zeros((), y.dtype) if initial is None else initial
        generic.scan_any(x, sums, spec, initial, kept)
    if options.missing == "nan":
        sums[holes] = hole_of(y.dtype)
