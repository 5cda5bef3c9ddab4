"""Exact sums of NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from cumsum import _core
from cumsum import numpy as door
from cumsum.dtypes import DType
from cumsum.kernels import cpu
from cumsum.options import Options
from cumsum.overflow import INTEGERS, check, limits, show
from cumsum.plan import Memory, arguments
from cumsum.threads import get_num_threads

Array = np.ndarray[Any, Any]


def scan_into(
    x: Array,
    y: Array,
    axis: int,
    options: Options,
    initial: Array | None,
    threads: int | None = None,
    held: np.dtype[Any] | None = None,
) -> None:
    """Write the sums of `x` to `y`, as `options` have it; or raise OverflowError and write nothing.

    `initial` has one element along `axis`, and any integer dtype, or is of integers as objects; or
    all three are of durations. Errors tell what `held` holds, if given, instead of `y`'s dtype.
    """
    if y.dtype.kind == "m" and x.dtype.kind == "m":
        from cumsum.overflow import durations

        check(options, y.dtype, is_integer=True)
        durations.scan_into(x, y, axis, options, initial)
        return
    check(options, y.dtype, y.dtype.kind in INTEGERS)
    sums, border = y, None
    if options.include_initial:
        sums, border = door.at_border(y, axis, options.reverse)
    first, words = None if initial is None else _in_64_bits(initial), None
    if first is not None and first.dtype.kind == "O":
        words = words_of(first)
    job = _Job(integers(x), sums, axis, options, first, threads or get_num_threads(), words)
    job = job._replace(held=held)
    fits = job.fits_by_bounds()
    if options.overflow == "raise":
        job.check_sums(fits)
        fits = True
    if fits and y.dtype.kind != "b":  # plain sums of bool are not additions
        job.scan()
    else:
        job.saturate()
    if border is not None:
        border[...] = 0 if first is None else _clamped(first, y.dtype)


def scan_from(
    x: Array, y: Array, axis: int, options: Options, before: Array, corner: tuple[int, ...]
) -> None:
    """Write the sums of a chunk to `y`; `before` are the exact sums up to it, in words.

    An error names the index of the chunk's first result, `corner`, and from there.
    """
    low, high = before[..., 0], before[..., 1]
    first, words = low, None
    if not np.array_equal(high, low >> 63):
        first, words = low.view(np.uint64), before if high.any() else None
    job = _Job(integers(x), y, axis, options, first, get_num_threads(), words, corner)
    fits = job.fits_by_bounds()
    if options.overflow == "raise":
        job.check_sums(fits)
        fits = True
    if fits and y.dtype.kind != "b":
        job.scan()
    else:
        job.saturate()


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
    address, code, shape, strides = _memory(x)
    ends = min(least + 1, 0), most
    return x.size == 0 or _core.all_within(address, code, shape, strides, *ends, get_num_threads())


def add_words(a: Array, b: Array) -> Array:
    """The sums of numbers in words."""
    low = a[..., 0] + b[..., 0]
    carry = low.view(np.uint64) < a[..., 0].view(np.uint64)
    return np.stack((low, a[..., 1] + b[..., 1] + carry), axis=-1)


def integers(x: Array) -> Array:
    """The elements of `x` as integers that the core knows; of fractions, the whole part."""
    if x.dtype.kind in INTEGERS:
        return x.astype(door.native(x.dtype), copy=False)
    if x.dtype.kind != "f":
        raise ValueError(f"cumsum(): overflow is for integers, not for elements of {x.dtype}")
    wide = x.astype(np.result_type(x.dtype, np.float64), copy=False)
    if not np.all((wide >= -(2.0**63)) & (wide < 2.0**63)):
        message = f"cumsum(): an element of {x.dtype} is nan, infinite or beyond 64 bits"
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


def _clamped(x: Array, dtype: np.dtype[Any]) -> Array:
    """The nearest numbers of `dtype` to 64-bit integers, or to any as objects."""
    if x.dtype.kind == "O":
        return np.asarray(np.clip(x, *limits(dtype))).astype(dtype)
    ends = zip(limits(dtype), limits(x.dtype), (max, min), strict=True)
    least, most = (inner(theirs, own) for theirs, own, inner in ends)
    return np.clip(x, least, most).astype(dtype)


class _Job(NamedTuple):
    """The exact sums of the integers `x`, with a place for them."""

    x: Array
    y: Array
    axis: int
    options: Options
    first: Array | None  # of 64 bits
    threads: int
    words: Array | None = None  # the same where 64 bits are too few
    corner: tuple[int, ...] | None = None  # the index of the first result, for errors
    held: np.dtype[Any] | None = None  # what the results are, for errors, if not of y's dtype

    def fits_by_bounds(self) -> bool:
        """Whether no sum leaves the dtype, by how many elements there are and how great they are.

        The elements are looked at if their dtype alone does not tell.
        """
        x, count = self.x, self.x.shape[self.axis]
        if x.size == 0:
            return True
        if self.words is not None:
            return False
        least, most = limits(self.y.dtype)
        if self.first is not None:
            least, most = least - int(self.first.min()), most - int(self.first.max())
        if least > 0 or most < 0:
            return False
        least, most = -(-least // count), most // count
        own_least, own_most = limits(x.dtype)
        if least <= own_least and own_most <= most:
            return True
        address, code, shape, strides = _memory(x)
        ends = max(least, own_least), min(most, own_most)
        return _core.all_within(address, code, shape, strides, *ends, self.threads)

    def scan(self) -> None:
        """Write the plain sums, which are the exact ones where all fit."""
        initial = None if self.first is None else self.first.astype(self.y.dtype)
        cpu.scan(
            _memory(self.x),
            _memory(self.y),
            self.axis,
            threads=self.threads,
            exclusive=self.options.exclusive,
            reverse=self.options.reverse,
            initial=None if initial is None else _memory(initial),
        )

    def saturate(self) -> None:
        """Write the exact sums, each clamped to the range of the dtype."""
        if self.x.size:
            self._call(_core.saturate, _memory(self.y))

    def check_sums(self, fits: bool) -> None:
        """Raise an error for the first sum out of range; `fits` tells that no scanned one is."""
        found = self._first_outside()
        if not fits:
            target = _memory(self.x)._replace(dtype=_code(self.y.dtype))
            scanned = self._call(_core.find_excess, target)
            if scanned is not None and (found is None or scanned[0] < found[0]):
                forward = self.options.include_initial and not self.options.reverse
                found = scanned[0], scanned[1] + forward, scanned[2]
        if found is None:
            return
        line, position, value = found
        index = [int(i) for i in np.unravel_index(line, _lines(self.x.shape, self.axis))]
        index.insert(self.axis, position)
        if self.corner is not None:
            index = [i + begin for i, begin in zip(index, self.corner, strict=True)]
        held = self.y.dtype if self.held is None else self.held
        least, most = limits(held)
        raise OverflowError(
            f"cumsum(): the sum at index {tuple(index)} is {show(value)}, but "
            f"{held} holds {least} to {most}"
        )

    def _first_outside(self) -> tuple[int, int, int] | None:
        """The line, position and value of the first initial value in the result out of range."""
        if self.first is None or not self.options.include_initial:
            return None
        outside = np.flatnonzero(_clamped(self.first, self.y.dtype) != self.first)
        if not outside.size:
            return None
        position = self.x.shape[self.axis] if self.options.reverse else 0
        return int(outside[0]), position, int(self.first.ravel()[outside[0]])

    def _call(self, function: Callable[..., Any], y: Memory) -> Any:
        words = self.words
        if words is None and self.first is not None:
            words = words_of(self.first)
        initial = None if words is None else _memory(words[..., 0])
        return function(
            *arguments(
                _memory(self.x),
                y,
                self.axis,
                exclusive=self.options.exclusive,
                reverse=self.options.reverse,
                compensated=False,
                threads=self.threads,
                initial=initial,
            )
        )


def _lines(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], *shape[axis + 1 :])


def _code(dtype: np.dtype[Any]) -> DType:
    code = door.code_of(dtype)
    assert code is not None  # an integer in native byte order
    return code


def _memory(x: Array) -> Memory:
    return door.memory_of(x, _code(x.dtype))


def words_of(x: Array) -> Array:
    """Integers of 64 bits, or more as objects, as pairs of words, the lower first."""
    if x.dtype.kind == "O":  # from 2**120 no array has the elements to come back
        x = np.asarray(np.clip(x, -(2**120), 2**120))
        low = np.asarray(x & (2**64 - 1)).astype(np.uint64).view(np.int64)
        return np.stack((low, np.asarray(x >> 64).astype(np.int64)), axis=-1)
    low = x.view(np.int64)
    high = np.zeros_like(low) if x.dtype == np.uint64 else low >> 63
    return np.stack((low, high), axis=-1)
