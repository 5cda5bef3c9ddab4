"""Exact sums of NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from cumsum import _core
from cumsum import numpy as door
from cumsum.options import Options
from cumsum.overflow import INTEGERS, check, limits, show
from cumsum.threads import get_num_threads

Array = np.ndarray[Any, Any]


def scan_into(
    x: Array,
    y: Array,
    axis: int,
    options: Options,
    initial: Array | None,
    *,
    held: np.dtype[Any] | None = None,
    offsets: Array | None = None,
    corner: tuple[int, ...] | None = None,
) -> None:
    """Write the sums of `x` to `y`, as `options` have it; or raise OverflowError and write nothing.

    `initial` has one element along `axis`, and is of any integer dtype, or of integers as objects,
    or of words, with a dim more; or all three are of durations. `offsets` cut the axis into
    segments. Errors tell what `held` holds, if given, instead of `y`'s dtype, and indices from
    `corner` on.
    """
    if y.dtype.kind == "m" and x.dtype.kind == "m":
        from cumsum.overflow import durations

        check(options, y.dtype, is_integer=True)
        durations.scan_into(x, y, axis, options, initial, offsets, corner)
        return
    check(options, y.dtype, y.dtype.kind in INTEGERS)
    if initial is not None and initial.ndim == x.ndim:
        initial = words_of(_in_64_bits(initial))
    first = None if initial is None else initial[..., 0]
    found = door.scan_in_core(integers(x), y, options.spec(axis), first, None, offsets)
    if found is None:
        return
    line, position, value = found
    index = [int(i) for i in np.unravel_index(line, _lines(x.shape, axis))]
    index.insert(axis, position)
    raise excess(index, corner, value, y.dtype if held is None else held)


def excess(
    index: list[int], corner: tuple[int, ...] | None, value: int, dtype: np.dtype[Any]
) -> OverflowError:
    """The error for a sum that a dtype does not hold, so far from the corner."""
    if corner is not None:
        index = [i + begin for i, begin in zip(index, corner, strict=True)]
    least, most = limits(dtype)
    return OverflowError(
        f"cumsum(): the sum at index {tuple(index)} is {show(value)}, but "
        f"{dtype} holds {least} to {most}"
    )


def add_up(x: Array, axis: int) -> Array:
    """The exact sum of each line of the integers `x`, in words; one element along `axis`."""
    if x.dtype.itemsize < 8 or _fit_in_64_bits(x, axis):
        unsigned = x.dtype == np.uint64
        wide = np.dtype(np.uint64 if unsigned else np.int64)
        return words_of(np.asarray(np.add.reduce(x, axis, wide, keepdims=True)))
    low = np.add.reduce(x & 0xFFFFFFFF, axis, np.int64, keepdims=True)
    high = np.add.reduce(x >> 32, axis, np.int64, keepdims=True)
    return add_words(words_of(low), np.stack((high << 32, high >> 32), axis=-1))


def _fit_in_64_bits(x: Array, axis: int) -> bool:
    """Whether no element is so great that a sum of that many could leave the dtype."""
    least, most = (end // max(1, x.shape[axis]) for end in limits(x.dtype))
    ends = min(least + 1, 0), most
    return x.size == 0 or _core.all_within(door.memory_of(x), *ends, get_num_threads())


def add_words(a: Array, b: Array) -> Array:
    """The sums of numbers in words."""
    low = a[..., 0] + b[..., 0]
    carry = low.view(np.uint64) < a[..., 0].view(np.uint64)
    return np.stack((low, a[..., 1] + b[..., 1] + carry), axis=-1)


def integers(x: Array) -> Array:
    """The elements of `x` as integers that the core knows; of fractions, the whole part."""
    if x.dtype.kind in INTEGERS:
        return x.astype(door.native(x.dtype), copy=False)
    if x.dtype.kind == "V" and door.code_of(x.dtype) is not None:  # bfloat16
        x = x.astype(np.float32)
    if x.dtype.kind != "f":
        raise ValueError(f"cumsum(): overflow is for integers, not for elements of {x.dtype}")
    wide = x.astype(np.result_type(x.dtype, np.float64), copy=False)
    if not np.all((wide >= -(2.0**63)) & (wide < 2.0**63)):
        message = (
            "cumsum(): an element is nan, infinite or beyond 64 bits; overflow is for integers"
        )
        raise OverflowError(message)
    return wide.astype(np.int64)


def _in_64_bits(x: Array) -> Array:
    unsigned = x.dtype == np.uint64
    if x.dtype.kind == "O" and x.size:
        least, most = int(x.min()), int(x.max())
        unsigned = least >= 0 and most >= 2**63
        if least < -(2**63) or most >= 2 ** (63 + unsigned):
            return x  # some are beyond
    return x.astype(np.uint64 if unsigned else np.int64, copy=False)


def _lines(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], *shape[axis + 1 :])


def words_of(x: Array) -> Array:
    """Integers of 64 bits, or more as objects, as pairs of words, the lower first."""
    if x.dtype.kind == "O":  # from 2**120 no array has the elements to come back
        x = np.asarray(np.clip(x, -(2**120), 2**120))
        low = np.asarray(x & (2**64 - 1)).astype(np.uint64).view(np.int64)
        return np.stack((low, np.asarray(x >> 64).astype(np.int64)), axis=-1)
    low = x.view(np.int64)
    high = np.zeros_like(low) if x.dtype == np.uint64 else low >> 63
    return np.stack((low, high), axis=-1)
