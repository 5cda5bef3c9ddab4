"""Where a chunk lies among the segments of its axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


class Parts(NamedTuple):
    """The parts of a chunk along its axis.

    Attributes
    ----------
    lead : slice
        What belongs to a segment that began in a chunk before; it may be empty.
    rest : slice
        The others.
    offsets : numpy.ndarray
        Where the segments of the rest lie in it: n + 1 numbers for n of them.
    last : slice, optional
        The last segment of the rest in the order of the scan, if there is any.
    """

    lead: slice
    rest: slice
    offsets: Array
    last: slice | None


@dataclass(frozen=True)
class Place:
    """Where a chunk lies among the segments of its axis, which may be one.

    Attributes
    ----------
    begins : bool
        Whether a segment begins with it, in the order of the scan.
    position : int or None
        If not, how many elements that segment has before it; None if nobody knows.
    cuts : numpy.ndarray
        Where in the chunk other segments begin: greater than 0, and less than its length.
    """

    begins: bool
    position: int | None
    cuts: Array

    def parts(self, length: int, reverse: bool) -> Parts:
        """The parts of the chunk, which has this length."""
        if reverse:
            edges = np.append(self.cuts, [length] * self.begins).astype(np.int64)
            if not edges.size:
                return Parts(slice(0, length), slice(0, 0), edges, None)
            first, last = int(edges[0]), int(edges[-1])
            return Parts(slice(last, length), slice(0, last), np.append(0, edges), slice(0, first))
        edges = np.append([0] * self.begins, self.cuts).astype(np.int64)
        if not edges.size:
            return Parts(slice(0, length), slice(0, 0), edges, None)
        first, last = int(edges[0]), int(edges[-1])
        offsets = np.append(edges, length) - first
        return Parts(slice(0, first), slice(first, length), offsets, slice(last, length))


def place_in(offsets: Array, begin: int, end: int, reverse: bool) -> Place:
    """The place of a chunk from `begin` to `end` in segments at `offsets`."""
    inner = offsets[np.searchsorted(offsets, begin, "right") : np.searchsorted(offsets, end)]
    if reverse:
        position = offsets[np.searchsorted(offsets, end)] - end
    else:
        position = begin - offsets[np.searchsorted(offsets, begin, "right") - 1]
    return Place(bool(position == 0), int(position), np.unique(inner) - begin)


def edge_of(starts: Array, begin: int, edge: int, reverse: bool) -> int:
    """The last edge of segments up to the end of a chunk; in reverse the first from its beginning.

    `starts` tells the elements of the chunk that begin a segment, `edge` is the one of the chunk
    before it in the order of the scan.
    """
    found = np.flatnonzero(starts)
    return begin + int(found[0 if reverse else -1]) if found.size else edge


def place_by(starts: Array, begin: int, edge: int, reverse: bool) -> Place:
    """The place of a chunk by which of its elements begin a segment."""
    cuts = np.flatnonzero(starts[1:]) + 1
    if reverse:
        position = edge - begin - len(starts)
    else:
        position = 0 if len(starts) and starts[0] else begin - edge
    return Place(position == 0, position, cuts)
