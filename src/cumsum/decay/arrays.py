"""The decayed scan of NumPy arrays."""

from __future__ import annotations

from itertools import pairwise
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


def scan_into(
    x: Array,
    y: Array,
    axis: int,
    options: Options,
    initial: Array | None,
    offsets: Array | None = None,
) -> None:
    """Write the decayed scan of `x`, cast to `y`'s dtype, to `y`; of segments, if given."""
    check(options)
    code = door.code_of(y.dtype)
    if not (code in _REAL or code in _COMPLEX or code in _LONG):
        raise refuse_result(y.dtype)
    decay = decay_of(options.decay, x.shape, y.dtype)
    if np.may_share_memory(decay, y):
        decay = decay.copy()
    spec = Spec(axis, options.exclusive, options.reverse, options.include_initial)
    x = x.astype(y.dtype, copy=False)
    if code in _LONG:
        _scan_plainly(x, y, decay, spec, initial, offsets)
        return
    if decay.dtype.kind == "c":
        decay = decay.astype(np.complex128, copy=False)
    elif decay.dtype != y.dtype:
        decay = decay.astype(np.float64, copy=False)
    first = None if initial is None else initial.astype(y.dtype, copy=False)
    door.scan_in_core(x, y, spec, first, None, offsets, decay)


def decay_of(decay: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """The decays as an array of as many axes as `shape`, to which it broadcasts."""
    values = array_of("decay", decay)
    are_integers = values.dtype.kind in "biu" or (values.size > 0 and are_all(values, int))
    if are_integers or door.code_of(values.dtype) is DType.bfloat16:
        try:
            values = values.astype(np.float64)
        except OverflowError:
            raise OverflowError("cumsum(): decay is an integer beyond all floats") from None
    if values.dtype.kind not in "fc" or (values.dtype.kind == "c" and dtype.kind != "c"):
        raise refuse_decay(values.dtype, dtype)
    try:
        np.broadcast_to(values, shape)
    except ValueError:
        raise refuse_shape(values.shape, shape) from None
    return values.reshape((1,) * (len(shape) - values.ndim) + values.shape)


def _scan_plainly(
    x: Array, y: Array, decay: Array, spec: Spec, initial: Array | None, offsets: Array | None
) -> None:
    """One index after another, all lines at once, by NumPy's own arithmetic."""
    axis = spec.dim
    first: Any = np.zeros((), y.dtype) if initial is None else np.moveaxis(initial, axis, 0)[0]
    if spec.include_initial:
        y, border = door.at_border(y, axis, spec.reverse)
        border[...] = first if initial is None else initial
    rows, results = np.moveaxis(x, axis, 0), np.moveaxis(y, axis, 0)
    decays = np.moveaxis(np.broadcast_to(decay.astype(y.dtype), x.shape), axis, 0)
    ends = [0, len(rows)] if offsets is None else offsets.tolist()
    for begin, end in pairwise(ends):
        total = first
        for i in range(end - 1, begin - 1, -1) if spec.reverse else range(begin, end):
            before, total = total, decays[i] * total + rows[i]
            results[i] = before if spec.exclusive else total
