"""The arguments of a scan, cut into chunks like those of the input."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import dask.array as da
import numpy as np

from cumsum import numpy as door
from cumsum.dask.places import Place, edge_of, place_by, place_in
from cumsum.overflow import dtype_of_first, is_exact
from cumsum.options import Options
from cumsum.segments import check_kind, cuts_of, offsets_of
from cumsum.threads import get_num_threads

Array = np.ndarray[Any, Any]
Graph = dict[Any, Any]


def is_dask(x: object) -> bool:
    """Whether `x` is an array of Dask."""
    return isinstance(x, da.Array)


def check_chunks(x: da.Array) -> None:
    """Raise an error unless the chunks of `x` are NumPy arrays."""
    kind = type(x._meta)
    if kind is np.ma.MaskedArray:
        raise NotImplementedError("cumsum(): an array of Dask must not have masked chunks")
    if kind is not np.ndarray:
        kept = f"{kind.__module__}.{kind.__qualname__}"
        message = f"an array of Dask must have chunks that are numpy.ndarray, not {kept}"
        raise TypeError(f"cumsum(): {message}")


def mask_like(x: da.Array, where: Any) -> da.Array:
    """The argument `where` in chunks like those of `x`; where it is spread, it has one element."""
    mask = where if is_dask(where) else np.asarray(where)
    if mask.dtype != np.bool:
        raise TypeError(f"cumsum(): argument 'where' must be of bool, not of {mask.dtype}")
    if not _fits(mask.shape, x.shape):
        message = f"cumsum(): where has shape {mask.shape}, but the input has shape {x.shape}"
        raise ValueError(message)
    return _chunked_like(x, mask, "where")


def first_like(x: da.Array, axis: int, initial: Any, dtype: np.dtype[Any], options: Options) -> Any:
    """The argument `initial`: one number, or an array in chunks like those of the lines of `x`."""
    values = initial if is_dask(initial) else np.asarray(initial)
    like = np.zeros((1,) * x.ndim)
    first = dtype_of_first(values, dtype) if is_exact(options) else dtype
    if values.ndim == 0 and not is_dask(values):
        door.first_values(initial, like, axis, first)  # the errors of its dtype
        return initial
    door.first_values(np.zeros((), values.dtype), like, axis, first)
    lines = (*x.shape[:axis], *x.shape[axis + 1 :])
    if values.ndim < x.ndim:
        given = values.shape
        fits = _fits(given, lines)
        if fits:
            values = values.reshape((1,) * (x.ndim - 1 - values.ndim) + given)
            values = values.reshape((*values.shape[:axis], 1, *values.shape[axis:]))
    else:
        fits = values.ndim == x.ndim and values.shape[axis] == 1 and _fits(values.shape, x.shape)
    if not fits:
        message = f"cumsum(): initial has shape {values.shape}, but there are lines of {lines}"
        raise ValueError(message)
    return _chunked_like(x, values, "initial")


def _fits(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether an array of a shape can be spread to another."""
    if len(shape) > len(wanted):
        return False
    return all(n in {1, m} for n, m in zip(shape[::-1], wanted[::-1], strict=False))


def _chunked_like(x: da.Array, values: Any, name: str) -> da.Array:
    shape = (1,) * (x.ndim - values.ndim) + tuple(values.shape)
    chunks = tuple((1,) if n == 1 else x.chunks[d] for d, n in enumerate(shape))
    if any(math.isnan(n) for sizes in chunks for n in sizes):
        raise ValueError(f"cumsum(): {name} needs an input whose chunks have known sizes")
    values = values.reshape(shape)
    if is_dask(values):
        return values.rechunk(chunks)
    return da.from_array(np.array(values, order="C"), chunks=chunks)


def key_in(array: da.Array, index: tuple[int, ...]) -> tuple[Any, ...]:
    """The key of the chunk that belongs to the chunk of the input at an index."""
    return (array.name, *(i if n > 1 else 0 for i, n in zip(index, array.numblocks, strict=True)))


def edges_of(sizes: tuple[int, ...]) -> list[int]:
    """Where chunks of these sizes begin and end."""
    return [0, *np.add.accumulate(np.array(sizes, np.int64)).tolist()]
