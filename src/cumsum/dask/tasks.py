"""What the tasks of a graph do, each with one chunk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from cumsum import numpy as door
from cumsum.dask.places import Place
from cumsum.dask.sums import Exact, Rounded, Wrapped
from cumsum.missing.arrays import fill, hole_of, mask_of
from cumsum.options import Options
from cumsum.threads import chosen_threads, num_threads

Array = np.ndarray[Any, Any]


class Piece(NamedTuple):
    """What a chunk adds.

    Attributes
    ----------
    begins : bool
        Whether a segment begins in it: what came before it is then of no account.
    adds : object
        The aggregate of the last segment's elements.
    """

    begins: bool
    adds: Any


@contextmanager
def one_thread() -> Iterator[None]:
    """A task has one thread, as Dask runs others beside it, unless the user chose a number."""
    with num_threads(chosen_threads() or 1):
        yield


@dataclass(frozen=True)
class Tasks:
    """The tasks of one scan: its chunks differ in these arguments alone.

    ``block`` is a chunk, ``mask`` the part of ``where`` that belongs to it or None, ``place`` where
    it lies, ``first`` what its segments begin with, or None.
    """

    sums: Rounded | Wrapped | Exact
    options: Options  # of these skipna and missing
    bordered: bool = False  # whether a result has an element more: the first one of all

    def aggregate(self, block: Any, mask: Any, place: Place) -> Piece:
        """What a chunk adds."""
        x = plain(block)
        last = place.parts(x.shape[self.sums.axis], self.sums.options.reverse).last
        position: Any = place.position
        if last is not None:
            position = 0
            mask = None if mask is None else self._part(mask_of(mask, x.shape), last)
            x = self._part(x, last)
        with one_thread():
            return Piece(last is not None, self.sums.aggregate(self._filled(x, mask)[0], position))

    def join(self, *pieces: Piece) -> Piece:
        """What neighbours add together."""
        begins = [i for i, piece in enumerate(pieces) if piece.begins]
        adds = [piece.adds for piece in pieces[begins[-1] if begins else 0 :]]
        return Piece(bool(begins), reduce(self.sums.join, adds))

    def advance(self, first: Any, state: Any, *pieces: Piece) -> Any:
        """The state after what was added."""
        for begins, adds in pieces:
            if begins:
                state = self.sums.begin(self.sums.shape_of(adds), first)
            state = self.sums.advance(state, adds)
        return state

    def scan(
        self,
        block: Any,
        mask: Any,
        place: Place,
        first: Any,
        corner: Any,
        state: Any,
        *pieces: Piece,
    ) -> Array:
        """The results of a chunk, which has these pieces between the state and itself."""
        state = self.advance(first, state, *pieces)
        return self._scan(block, mask, place, first, corner, state, ends=True)[0]

    def step(
        self, block: Any, mask: Any, place: Place, first: Any, corner: Any, state: Any
    ) -> tuple[Array, Any]:
        """The results of a chunk and the state after it."""
        return self._scan(block, mask, place, first, corner, state, ends=False)

    def _scan(
        self, block: Any, mask: Any, place: Place, first: Any, corner: Any, state: Any, ends: bool
    ) -> tuple[Array, Any]:
        block = plain(block)
        x, holes = self._filled(block, mask)
        y, sums = self._room(x, x is not block, first)
        lead, rest, offsets, last = place.parts(x.shape[self.sums.axis], self._reverse)
        pairs = [(self._part(x, part), self._part(sums, part)) for part in (lead, rest)]
        with one_thread():
            if last is None or lead.stop > lead.start:
                lead_corner = _moved(corner, self.sums.axis, lead.start)
                state = self.sums.scan(*pairs[0], state, lead_corner)
            if last is not None:
                begin: Any = self.sums.begin(x.shape, first)
                corner = _moved(corner, self.sums.axis, rest.start)
                if last == rest:
                    state = self.sums.scan(*pairs[1], begin, corner)
                else:
                    adds: Any = None if ends else self.sums.aggregate(self._part(x, last), 0)
                    self.sums.scan_segments(*pairs[1], offsets, first, corner)
                    state = None if ends else self.sums.advance(begin, adds)
        if holes is not None and self.options.missing == "nan":
            sums[holes] = hole_of(sums.dtype)
        return y, state

    @property
    def _reverse(self) -> bool:
        return self.sums.options.reverse

    def _part(self, x: Array, part: slice) -> Array:
        return x[(slice(None),) * self.sums.axis + (part,)]

    def _filled(self, x: Array, mask: Any) -> tuple[Array, Array | None]:
        """The elements with zeros in the holes, and where those are."""
        if mask is None and not self.options.skipna:
            return x, None
        kept = None if mask is None else mask_of(mask, x.shape)
        return fill(x, kept, self.options.skipna)

    def _room(self, x: Array, is_own: bool, first: Any) -> tuple[Array, Array]:
        """An array for the results, and its part that stands beside the elements."""
        axis, dtype = self.sums.axis, self.sums.dtype
        if not self.bordered:
            y = x if is_own and x.dtype == dtype else np.empty_like(x, dtype, subok=False)
            return y, y
        length = x.shape[axis] + 1
        y = np.empty((*x.shape[:axis], length, *x.shape[axis + 1 :]), dtype)
        sums, border = door.at_border(y, axis, self._reverse)
        self.sums.write_first(border, first)
        return y, sums


def _moved(corner: Any, axis: int, count: int) -> Any:
    """The index so many elements further along an axis."""
    return (*corner[:axis], corner[axis] + count, *corner[axis + 1 :])


def plain(block: Any) -> Array:
    """A chunk as an array, which masked ones would lose their masks by."""
    if isinstance(block, np.ma.MaskedArray):
        raise NotImplementedError("cumsum(): an array of Dask must not have masked chunks")
    return np.asarray(block)
