"""The arrays that are scanned: random values, lying in memory as a case says."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cumsum.bench.cases import Case

ALIGNMENT = 64


def make_input(case: Case) -> Any:
    """An array of the case's shape whose memory lies as the case's layout says."""
    shape = list(case.shape)
    axis = case.dim % len(shape)
    others = [i for i in range(len(shape)) if i != axis]
    if case.in_place:  # scanned again and again, anything but zeros would grow past every bound
        return np.zeros(shape, numpy_dtype(case.dtype))
    if case.layout == "transposed":
        shape[-2:] = shape[:-3:-1]
        return np.swapaxes(random_values(shape, case.dtype), -1, -2)
    if case.layout in {"sliced", "sliced across"}:
        return sliced(shape, case.dtype, [axis] if case.layout == "sliced" else others)
    if case.layout in {"reversed", "flipped"}:
        dims = axis if case.layout == "reversed" else None
        return np.flip(random_values(shape, case.dtype), dims)
    if case.layout == "expanded":
        return expanded(shape, case.dtype, [*others, axis][:1])
    if case.layout == "broadcast":
        return expanded(shape, case.dtype, range(len(shape) - 1))
    return random_values(shape, case.dtype)


def sliced(shape: Sequence[int], dtype: str, dims: Sequence[int]) -> Any:
    """Every second element along `dims` of a larger array."""
    base = random_values([n * 2 if i in dims else n for i, n in enumerate(shape)], dtype)
    return base[tuple(slice(None, None, 2 if i in dims else 1) for i in range(len(shape)))]


def expanded(shape: Sequence[int], dtype: str, dims: Sequence[int]) -> Any:
    """An array that repeats itself along `dims`."""
    base = random_values([1 if i in dims else n for i, n in enumerate(shape)], dtype)
    strides = [0 if i in dims else stride for i, stride in enumerate(base.strides)]
    # np.broadcast_to would do, but read-only memory makes torch warn.
    return np.lib.stride_tricks.as_strided(base, shape, strides)


def random_values(shape: Sequence[int], dtype: str) -> Any:
    """Small values of either sign; an odd period, so that no column sees one value only."""
    rng = np.random.default_rng(20)
    count = min(math.prod(shape), (1 << 20) + 7)
    kind = numpy_dtype(dtype)
    block: Any
    if kind.kind in "iu":
        block = rng.integers(0 if kind.kind == "u" else -3, 4, count)
    elif kind.kind == "b":
        block = rng.integers(0, 2, count)
    else:
        block = rng.uniform(-1, 1, count) * (1 + 1j if kind.kind == "c" else 1)
    return np.resize(block.astype(kind), shape)


def together(array: Any, result_dtype: Any, in_place: bool) -> tuple[Any, Any, Any]:
    """The input and a result in one piece of memory, and that memory.

    Where the system puts memory decides how fast it is; a copy is fair if it uses the same.
    """
    low, high = np.lib.array_utils.byte_bounds(array)
    result_bytes = array.size * np.dtype(result_dtype).itemsize
    begin = -(-(high - low) // ALIGNMENT) * ALIGNMENT
    memory = np.zeros(begin + result_bytes, np.uint8)
    offset = array.__array_interface__["data"][0] - low
    moved = np.ndarray(array.shape, array.dtype, memory, offset, array.strides)
    moved[...] = array
    if in_place:
        return moved, moved, memory
    return moved, np.ndarray(array.shape, result_dtype, memory, begin), memory


def numpy_dtype(name: str) -> np.dtype[Any]:
    """The dtype NumPy knows by `name`, or ml_dtypes' for bfloat16."""
    if name == "bfloat16":
        name = importlib.import_module("ml_dtypes").bfloat16
    return np.dtype(name)


def distinct_bytes(array: Any) -> int:
    """Bytes of input that a scan must read; a repeated (stride 0) axis is read once."""
    pairs = zip(array.shape, array.strides, strict=True)
    return int(array.itemsize * math.prod(n for n, stride in pairs if stride != 0))


def as_tensor(torch: Any, array: Any) -> Any:
    """The same memory as a tensor; bfloat16 travels as its bits."""
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)
