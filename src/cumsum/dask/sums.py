"""What one chunk hands to the next, and what a chunk adds to it, for each kind of sums.

A state is what the lines of a chunk go on from. The three kinds have the same functions: `begin`
makes the first state, `aggregate` says what a chunk adds, `advance` takes a state past it, `join`
puts the aggregates of neighbours together, and `scan` writes the results of a chunk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cumsum import chunked
from cumsum import numpy as door
from cumsum.initial import first_values
from cumsum.options import Options
from cumsum.overflow import arrays as overflow
from cumsum.overflow import dtype_of_first, is_exact
from cumsum.stream.form import Form, State

Array = np.ndarray[Any, Any]
Corner = tuple[int, ...]


@dataclass(frozen=True)
class Sums:
    """Sums along an axis.

    Attributes
    ----------
    axis : int
        The one that is scanned, non-negative.
    dtype : numpy.dtype
        That of the results.
    options : Options
        Of these ``exclusive``, ``reverse``, ``overflow`` and the precision.
    """

    axis: int
    dtype: np.dtype[Any]
    options: Options

    def scan_segments(self, x: Array, y: Array, offsets: Array, first: Any, corner: Corner) -> None:
        """Write the results of segments that begin in a chunk; the first stands at `corner`."""
        del corner
        options = self.options._replace(offsets=offsets, initial=first, overflow=None)
        door.scan_array(x, self.axis, y.dtype, y, options)

    def write_first(self, border: Array, first: Any) -> None:
        """Write the sums of no elements."""
        first = 0 if first is None else first
        border[...] = _values(first, border.shape, self.axis, self.dtype)


class Rounded(Sums):
    """Sums of floats, whose carries are added one after the other: those of `cumsum.chunked`."""

    def begin(self, shape: tuple[int, ...], first: Any) -> State:
        """The state before the first element of chunks of this shape."""
        return self._scan(shape).begin(first)

    def aggregate(self, x: Array, position: int) -> chunked.Aggregate:
        """What a chunk adds that has so many elements of its segment before it."""
        return self._scan(x.shape).aggregate(x, position)

    def shape_of(self, aggregate: chunked.Aggregate) -> tuple[int, ...]:
        """The shape of a chunk of the same lines."""
        return tuple(aggregate.head.shape)

    def advance(self, state: State, aggregate: chunked.Aggregate) -> State:
        """The state after a chunk."""
        return chunked.Scan(state.form, self.options).advance(state, aggregate)

    def join(self, first: chunked.Aggregate, second: chunked.Aggregate) -> chunked.Aggregate:
        """What two neighbours add."""
        return self._scan(self.shape_of(first)).join(first, second)

    def scan(self, x: Array, y: Array, state: State, corner: Corner) -> State:
        """Write the results of a chunk; the state after it."""
        del corner
        after: State = chunked.Scan(state.form, self.options).scan(x, state, y)[1]
        return after

    def _scan(self, shape: tuple[int, ...]) -> chunked.Scan:
        lines = (*shape[: self.axis], *shape[self.axis + 1 :])
        return chunked.Scan(Form("NumPy", self.axis, lines, None, self.dtype), self.options)


class Wrapped(Sums):
    """Sums of integers: a number for each line, since their order does not matter."""

    def begin(self, shape: tuple[int, ...], first: Any) -> Array:
        """What the sums of chunks of this shape begin with."""
        return _values(0 if first is None else first, shape, self.axis, self.dtype)

    def aggregate(self, x: Array, position: int | None) -> Array:
        """The sum of each line of a chunk."""
        del position
        if not np.can_cast(x.dtype, self.dtype, "same_kind"):
            given, x = x, np.empty(x.shape, self.dtype)
            door.cast_into(given, x)
        return np.asarray(np.add.reduce(x, self.axis, self.dtype, keepdims=True))

    def shape_of(self, aggregate: Array) -> tuple[int, ...]:
        """The shape of a chunk of the same lines."""
        return tuple(aggregate.shape)

    def advance(self, state: Array, aggregate: Array) -> Array:
        """The sums before the chunk that follows."""
        return np.asarray(np.add(state, aggregate))

    join = advance

    def scan(self, x: Array, y: Array, state: Array, corner: Corner) -> None:
        """Write the results of a chunk."""
        del corner
        door.scan_into(x, y, self.options.spec(self.axis), state)


class Exact(Sums):
    """Exact sums of integers, as pairs of words of 64 bits, the lower first."""

    def begin(self, shape: tuple[int, ...], first: Any) -> Array:
        """What the sums of chunks of this shape begin with."""
        first = 0 if first is None else first
        values = _values(first, shape, self.axis, dtype_of_first(first, self.dtype))
        return overflow.words_of(values)

    def aggregate(self, x: Array, position: int | None) -> Array:
        """The sum of each line of a chunk."""
        del position
        return overflow.add_up(overflow.integers(x), self.axis)

    def shape_of(self, aggregate: Array) -> tuple[int, ...]:
        """The shape of a chunk of the same lines."""
        return tuple(aggregate.shape[:-1])

    def advance(self, state: Array, aggregate: Array) -> Array:
        """The sums before the chunk that follows."""
        return overflow.add_words(state, aggregate)

    join = advance

    def scan(self, x: Array, y: Array, state: Array, corner: Corner) -> None:
        """Write the results of a chunk, the first at `corner`, or raise OverflowError."""
        overflow.scan_into(x, y, self.axis, self.options, state, corner=corner)

    def scan_segments(self, x: Array, y: Array, offsets: Array, first: Any, corner: Corner) -> None:
        """Write the results of segments, or raise OverflowError."""
        initial = None
        if first is not None:
            initial = _values(first, x.shape, self.axis, dtype_of_first(first, self.dtype))
        given = x, y, self.axis, self.options, initial
        overflow.scan_into(*given, offsets=offsets, corner=corner)

    def write_first(self, border: Array, first: Any) -> None:
        """Write the sums of no elements, or raise OverflowError."""
        shape, options = border.shape, self.options._replace(include_initial=True)
        first = 0 if first is None else first
        values = _values(first, shape, self.axis, dtype_of_first(first, self.dtype))
        none = np.empty((*shape[: self.axis], 0, *shape[self.axis + 1 :]), self.dtype)
        overflow.scan_into(none, border, self.axis, options, values)


def sums_for(axis: int, dtype: np.dtype[Any], options: Options) -> Rounded | Wrapped | Exact:
    """The kind of sums that a result dtype and options ask for."""
    kept = Options(
        exclusive=options.exclusive,
        reverse=options.reverse,
        overflow=options.overflow,
        compensated=options.compensated,
    )
    if is_exact(options):
        return Exact(axis, dtype, kept)
    kind = Wrapped if dtype.kind in "biu" else Rounded
    return kind(axis, dtype, kept)


def _values(first: Any, shape: tuple[int, ...], axis: int, dtype: np.dtype[Any]) -> Array:
    like = np.broadcast_to(np.zeros((), dtype), shape)
    return first_values(first, like, axis, dtype)
