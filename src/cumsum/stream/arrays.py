"""Chunks that are NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cumsum import _core
from cumsum import numpy as door
from cumsum.kernels import cpu
from cumsum.options import Options
from cumsum.stream.form import Form, State
from cumsum.threads import get_num_threads

Array = NDArray[Any]


def form_of(chunk: Array, dim: int, dtype: Any, options: Options) -> Form:
    """The form of a stream that this is a chunk of."""
    if isinstance(chunk, np.ma.MaskedArray):
        raise NotImplementedError("Cumsum.update(): a stream has no chunks that are masked arrays")
    if chunk.ndim == 0:
        raise ValueError("Cumsum.update(): a chunk has a dim at least, this one has none")
    axis = door.axis_of(dim, chunk.ndim)
    result = door.result_dtype(chunk, dtype)
    if chunk.dtype.kind in "mOT" or door.code_of(result) is None:
        message = f"sums of {chunk.dtype} as {result} are not available for chunks"
        raise TypeError(f"Cumsum.update(): {message}")
    lines = (*chunk.shape[:axis], *chunk.shape[axis + 1 :])
    return Form("NumPy", axis, lines, door.native(chunk.dtype) if dtype is None else None, result)


def begin(chunk: Array, form: Form, options: Options) -> tuple[State, Array]:
    """A stream before its first chunk, and what its sums begin with: one element of each line."""
    first = 0 if options.initial is None else options.initial
    values = np.array(door.first_values(first, chunk, form.axis, form.dtype), order="C")
    code = door.code_of(form.dtype)
    assert code is not None
    records = np.zeros(values.size * _core.record_size(code, options.compensated), np.uint8)
    if options.initial is not None:
        address = values.__array_interface__["data"][0]
        _core.begin_records(records, address, code, options.compensated)
    return State(form, records, 0), values


def update(
    chunk: Array, out: Any, form: Form, before: State | None, options: Options
) -> tuple[Any, State]:
    """The sums of a chunk, and where the stream stands after it."""
    x = np.asarray(chunk)
    bordered = before is None and options.include_initial
    shape = form.shape(x.shape[form.axis] + bordered)
    if out is None:
        y = np.empty_like(x, form.dtype, subok=False, shape=shape if bordered else None)
    else:
        y = _checked_out(out, shape, form.dtype)
    sums = y
    if before is None:
        before, values = begin(x, form, options)
        if bordered:
            sums, border = door.at_border(y, form.axis, reverse=False)
    if np.may_share_memory(x, sums) and not _same_elements(x, sums):
        x = x.copy()
    after = State(form, before.records.copy(), before.position + x.shape[form.axis])
    _resume(x, sums, form.axis, after.records, before.position, options.exclusive, options)
    if bordered:
        border[...] = values
    if out is not None:
        return out, after
    return y if type(chunk) is np.ndarray else chunk.__array_wrap__(y, None, False), after


def total(state: State, options: Options) -> Any:
    """The sums of all elements so far: what an element more would have before it."""
    form = state.form
    x = np.zeros(form.shape(1), form.dtype)
    _resume(x, x, form.axis, state.records.copy(), state.position, True, options)
    return x.reshape(form.lines)[()]


def _resume(
    x: Array,
    y: Array,
    axis: int,
    records: Array,
    position: int,
    exclusive: bool,
    options: Options,
) -> None:
    if door.code_of(x.dtype) is None:  # another byte order, or a type the core cannot read
        plain = door.native(x.dtype)
        x = x.astype(y.dtype if door.code_of(plain) is None else plain)
    x_code, y_code = door.code_of(x.dtype), door.code_of(y.dtype)
    assert x_code is not None
    assert y_code is not None
    cpu.resume(
        door.memory_of(x, x_code),
        door.memory_of(y, y_code),
        axis,
        records=records.__array_interface__["data"][0],
        position=position,
        threads=get_num_threads(),
        exclusive=exclusive,
        compensated=options.compensated,
    )


def _checked_out(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    if not isinstance(out, np.ndarray):
        message = f"argument 'out' must be an array, not {type(out).__name__}"
        raise TypeError(f"Cumsum.update(): {message}")
    if out.dtype != dtype:
        raise TypeError(f"Cumsum.update(): out is of {out.dtype}, but the sums are of {dtype}")
    if out.shape != shape:
        message = f"out has shape {out.shape}, but the result has shape {shape}"
        raise ValueError(f"Cumsum.update(): {message}")
    if not out.flags.writeable:
        raise ValueError("Cumsum.update(): output array is read-only")
    return np.asarray(out)


def _same_elements(x: Array, y: Array) -> bool:
    same_place = x.__array_interface__["data"][0] == y.__array_interface__["data"][0]
    return same_place and (x.shape, x.strides, x.dtype) == (y.shape, y.strides, y.dtype)
