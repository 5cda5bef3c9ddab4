"""The arguments of a scan, cut into chunks like those of the input."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np

from cumsum import numpy as door
from cumsum.subclasses import array_of

Key = tuple[Any, ...]


def is_dask(x: object) -> bool:
    """Whether `x` is an array of Dask."""
    return isinstance(x, da.Array)


def check_chunks(x: da.Array, name: str = "an array of Dask") -> None:
    """Raise an error unless the chunks of `x` are NumPy arrays."""
    kind = type(x._meta)
    if kind is np.ma.MaskedArray:
        raise NotImplementedError(f"cumsum(): {name} must not have masked chunks")
    if kind is not np.ndarray:
        kept = f"{kind.__module__}.{kind.__qualname__}"
        message = f"{name} must have chunks that are numpy.ndarray, not {kept}"
        raise TypeError(f"cumsum(): {message}")


def tiny(name: str, values: Any) -> Any:
    """One element of an argument's dtype, to try it by; a plain number is itself."""
    if values is None or isinstance(values, int | float | complex):
        return values
    if is_dask(values):
        check_chunks(values, name)
    dtype = values.dtype if is_dask(values) else array_of(name, values).dtype
    return np.zeros((), dtype)


def mask_like(x: da.Array, where: Any) -> da.Array:
    """The argument `where` in chunks like those of `x`."""
    return like(x, where, "where")


def first_like(x: da.Array, axis: int, initial: Any) -> Any:
    """The argument `initial`: one number, or an array in chunks like those of the lines of `x`."""
    if not is_dask(initial):
        if np.ndim(initial) == 0:
            return initial
        initial = array_of("initial", initial)
    lines = (*x.shape[:axis], *x.shape[axis + 1 :])
    given = tuple(initial.shape)
    if len(given) == x.ndim and given[axis] == 1:
        given = (*given[:axis], *given[axis + 1 :])
    if not _fits(given, lines):
        message = f"cumsum(): initial has shape {initial.shape}, but there are lines of {lines}"
        raise ValueError(message)
    given = (1,) * (len(lines) - len(given)) + given
    return like(x, initial.reshape((*given[:axis], 1, *given[axis:])), "initial")


def like(x: da.Array, values: Any, name: str) -> da.Array:
    """An argument in chunks like those of `x`; where it is spread along a dim, it has one there."""
    if not is_dask(values):
        values = array_of(name, values)
    if not _fits(values.shape, x.shape):
        message = f"{name} has shape {values.shape}, but the input has shape {x.shape}"
        if np.isnan(x.shape).any():
            message = f"{name} needs an input whose chunks have known sizes"
        raise ValueError(f"cumsum(): {message}")
    shape = (1,) * (x.ndim - values.ndim) + tuple(values.shape)
    chunks = tuple((1,) if n == 1 else x.chunks[d] for d, n in enumerate(shape))
    return in_chunks(values.reshape(shape), chunks)


def in_chunks(values: Any, chunks: tuple[tuple[int, ...], ...]) -> da.Array:
    """An array of Dask with these chunks."""
    if 0 in values.shape:  # rechunk() leaves those as they are
        return da.zeros(values.shape, dtype=values.dtype, chunks=chunks)
    return values.rechunk(chunks) if is_dask(values) else da.from_array(values, chunks=chunks)


def _fits(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether an array of a shape can be spread to another."""
    pairs = zip(shape[::-1], wanted[::-1], strict=False)
    return len(shape) <= len(wanted) and all(n in {1, m} for n, m in pairs)


def edges_of(sizes: tuple[float, ...]) -> list[Any]:
    """Where chunks of these sizes begin, and where the last one ends; nan if nobody knows."""
    edges: list[Any] = door.cumsum(np.array(sizes), 0, include_initial=True).tolist()
    return edges


def key_in(array: da.Array, index: tuple[int, ...]) -> Key:
    """The key of the chunk that belongs to the chunk of the input at an index."""
    return (array.name, *(i if n > 1 else 0 for i, n in zip(index, array.numblocks, strict=True)))
