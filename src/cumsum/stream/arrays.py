"""Chunks that are NumPy arrays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cumsum import _core
from cumsum import numpy as door
from cumsum.initial import first_values
from cumsum.options import Options
from cumsum.spec import Spec
from cumsum.stream.form import Form, State
from cumsum.subclasses import array_of, check
from cumsum.threads import get_num_threads

Array = NDArray[Any]


def is_like(chunk: Array, form: Form) -> bool:
    """Whether a chunk is one of a stream of this form beyond doubt."""
    shape, axis = chunk.shape, form.axis
    return (
        type(chunk) is np.ndarray
        and form.library == "NumPy"
        and chunk.dtype == form.source
        and chunk.ndim == len(form.lines) + 1
        and (*shape[:axis], *shape[axis + 1 :]) == form.lines
    )


def form_of(chunk: Array, dim: int, dtype: Any) -> Form:
    """The form of a stream that this is a chunk of."""
    check("RunningSum.update", "chunk", chunk)
    if isinstance(chunk, np.ma.MaskedArray):
        raise NotImplementedError(
            "RunningSum.update(): a stream has no chunks that are masked arrays"
        )
    if chunk.ndim == 0:
        raise ValueError("RunningSum.update(): a chunk has one dim or more, this one has none")
    axis = door.axis_of(dim, chunk.ndim)
    result = door.result_dtype(chunk, dtype)
    if chunk.dtype.kind in "mOT" or door.code_of(result) is None:
        message = f"sums of {chunk.dtype} as {result} are not available for chunks"
        raise TypeError(f"RunningSum.update(): {message}")
    lines = (*chunk.shape[:axis], *chunk.shape[axis + 1 :])
    return Form("NumPy", axis, lines, door.native(chunk.dtype) if dtype is None else None, result)


def begin(chunk: Array, form: Form, options: Options) -> State:
    """A stream of this form before its first chunk."""
    code = door.code_of(form.dtype)
    assert code is not None
    size = math.prod(form.lines) * _core.record_size(code, options.compensated)
    records = np.zeros(size, np.uint8)
    if options.initial is not None:
        values = first_values(options.initial, chunk, form.axis, form.dtype)
        values = np.ascontiguousarray(values)
        _core.begin_records(records, door.memory_of(values), options.compensated)
    return State(form, records, 0)


def update(
    chunk: Array, out: Any, state: State, spare: Array, bordered: bool, options: Options
) -> tuple[Any, State]:
    """The sums of a chunk, and where the stream stands after it: its records are in `spare`."""
    form = state.form
    x = np.asarray(chunk)
    length = x.shape[form.axis]
    if out is None:
        shape = form.shape(length + 1) if bordered else None
        y = np.empty_like(x, form.dtype, subok=False, shape=shape)
    else:
        y = _checked_out(out, form.shape(length + bordered), form.dtype)
    sums = y
    if bordered:
        sums, border = door.at_border(y, form.axis, reverse=False)
    if out is not None and np.may_share_memory(x, y) and not _same_elements(x, sums):
        x = x.copy()
    if bordered:
        border[...] = _one_more(state, spare, options)
    after = State(form, spare if x.size else state.records, state.position + length)
    if x.size:
        _resume(x, sums, state, spare, options.spec(form.axis))
    if out is not None:
        return out, after
    return y if type(chunk) is np.ndarray else chunk.__array_wrap__(y, None, False), after


def total(state: State, options: Options) -> Any:
    """The sums of all elements so far."""
    sums = _one_more(state, np.empty_like(state.records), options)
    return sums.reshape(state.form.lines)[()]


def _one_more(state: State, spare: Array, options: Options) -> Array:
    """The sums before an element more of each line; `spare` is written to."""
    x = np.zeros(state.form.shape(1), state.form.dtype)
    if x.size:
        exclusive = options._replace(exclusive=True, reverse=False)
        _resume(x, x, state, spare, exclusive.spec(state.form.axis))
    return x


def _resume(x: Array, y: Array, state: State, after: Array, spec: Spec) -> None:
    x, spec = door.readable(x, y.dtype), spec._replace(include_initial=False)
    memories, position = (door.memory_of(x), door.memory_of(y)), state.position
    _core.resume(*memories, spec, get_num_threads(), state.records, after, position)


def add_up(x: Array, form: Form, totals: Array, options: Options) -> None:
    """Write the sums of the tiles that a chunk consists of to `totals`."""
    x, spec = door.readable(x, form.dtype), options.spec(form.axis)
    _core.totals(door.memory_of(x), spec, get_num_threads(), code_of(form), totals)


def part(chunk: Array, axis: int, begin: int, end: int) -> Array:
    """Elements of a chunk."""
    elements: Array = chunk[(slice(None),) * axis + (slice(begin, end),)]
    return elements


def keep(chunk: Array) -> Array:
    """A copy that no other chunk lies in."""
    return np.array(chunk, order="C", subok=False)


def joined(chunks: list[Array], axis: int) -> Array:
    """Chunks, one after the other."""
    return np.concatenate(chunks, axis)


def none_of(form: Form) -> Array:
    """A chunk of one element a line that has no memory, for its shape and its dtype."""
    return np.broadcast_to(np.zeros((), form.source or form.dtype), form.shape(1))


def code_of(form: Form) -> int:
    """The core's number of the dtype of the sums."""
    code = door.code_of(form.dtype)
    assert code is not None
    return code


def _checked_out(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    if not isinstance(out, np.ndarray):
        message = f"argument 'out' must be an array, not {type(out).__name__}"
        raise TypeError(f"RunningSum.update(): {message}")
    array_of("out", out, "RunningSum.update")
    if out.dtype != dtype:
        raise TypeError(f"RunningSum.update(): out is of {out.dtype}, but the sums are of {dtype}")
    if out.shape != shape:
        message = f"out has shape {out.shape}, but the result has shape {shape}"
        raise ValueError(f"RunningSum.update(): {message}")
    if not out.flags.writeable:
        raise ValueError("RunningSum.update(): output array is read-only")
    return np.asarray(out)


def _same_elements(x: Array, y: Array) -> bool:
    same_place = x.__array_interface__["data"][0] == y.__array_interface__["data"][0]
    return same_place and (x.shape, x.strides, x.dtype) == (y.shape, y.strides, y.dtype)
