"""The decayed scan of NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from cumsum import numpy as door
from cumsum.decay import check, refuse_decay, refuse_result, refuse_shape
from cumsum.dtypes import DType
from cumsum.initial import are_all
from cumsum.options import Options
from cumsum.spec import Spec
from cumsum.subclasses import array_of

Array = np.ndarray[Any, Any]

_REAL = (DType.float16, DType.bfloat16, DType.float32, DType.float64)
_COMPLEX = (DType.complex64, DType.complex128)
_LONG = (DType.longdouble, DType.clongdouble)


def scan_into(x: Array, y: Array, axis: int, options: Options, initial: Array | None) -> None:
    """Write the decayed scan of `x`, cast to `y`'s dtype, to `y`."""
    check(options)
    code = door.code_of(y.dtype)
    if not (code in _REAL or code in _COMPLEX or code in _LONG):
        raise refuse_result(y.dtype)
    decay = decay_of(options.decay, x.shape, y.dtype)
    if np.may_share_memory(decay, y):
        decay = decay.copy()
    x = x.astype(y.dtype, copy=False)
    if options.include_initial:
        y, border = door.at_border(y, axis, options.reverse)
        border[...] = 0 if initial is None else initial
    if options.exclusive:
        _scan_before(x, y, decay, axis, options.reverse, initial)
    else:
        _scan(x, y, decay, axis, options.reverse, initial)


def decay_of(decay: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """The decays as an array of as many axes as `shape`, to which it broadcasts."""
    values = array_of("decay", decay)
    are_integers = values.dtype.kind in "biu" or (values.size > 0 and are_all(values, int))
    if are_integers or door.code_of(values.dtype) is DType.bfloat16:
        values = values.astype(np.float64)
    if values.dtype.kind not in "fc" or (values.dtype.kind == "c" and dtype.kind != "c"):
        raise refuse_decay(values.dtype, dtype)
    try:
        np.broadcast_to(values, shape)
    except ValueError:
        raise refuse_shape(values.shape, shape) from None
    return values.reshape((1,) * (len(shape) - values.ndim) + values.shape)


def _scan_before(
    x: Array, y: Array, decay: Array, axis: int, reverse: bool, initial: Array | None
) -> None:
    """The same where each result is that of the element before."""
    size = x.shape[axis]
    if size == 0:
        return
    begin = (slice(None),) * axis
    early = (*begin, slice(1, None) if reverse else slice(None, -1))
    late = (*begin, slice(None, -1) if reverse else slice(1, None))
    terms = x[early].copy() if np.may_share_memory(x, y) else x[early]
    decays = decay if decay.shape[axis] == 1 else decay[early]
    _scan(terms, y[late], decays, axis, reverse, initial)
    edge = (*begin, slice(-1, None) if reverse else slice(None, 1))
    y[edge] = 0 if initial is None else initial


def _scan(
    x: Array, y: Array, decay: Array, axis: int, reverse: bool, initial: Array | None
) -> None:
    if door.code_of(y.dtype) in _LONG:
        _scan_plainly(x, y, decay, axis, reverse, initial)
        return
    kind = np.complex128 if decay.dtype.kind == "c" else np.float64
    stored = decay if decay.dtype == y.dtype else decay.astype(kind, copy=False)
    first = None if initial is None else initial.astype(y.dtype, copy=False)
    door.scan_in_core(x, y, Spec(axis, reverse=reverse), first, None, None, stored)


def _scan_plainly(
    x: Array, y: Array, decay: Array, axis: int, reverse: bool, initial: Array | None
) -> None:
    """One index after another, all lines at once, by NumPy's own arithmetic."""
    rows = np.moveaxis(x, axis, 0)
    decays = np.moveaxis(np.broadcast_to(decay.astype(y.dtype), x.shape), axis, 0)
    results = np.moveaxis(y, axis, 0)
    total: Any = 0 if initial is None else np.moveaxis(initial, axis, 0)[0]
    for i in range(len(rows) - 1, -1, -1) if reverse else range(len(rows)):
        total = decays[i] * total + rows[i]
        results[i] = total
