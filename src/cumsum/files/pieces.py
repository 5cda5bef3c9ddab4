"""Which boxes an array is cut into, and in which order: decided once, from numbers alone.

The lines of an array are taken a *panel* at a time, as many side by side as memory allows; a panel
is scanned in *pieces* that follow each other along the scanned dim, one after the other:

    whole short lines     a panel is one piece of many lines: nothing is carried
    long lines            a panel is one line or a few, in pieces; carried are their records
    dim 0, in C order     a panel is all lines, in blocks of rows; carried are all records
    ... with many lines   panels of some lines, as wide as memory allows, in blocks of rows

so that each run of neighbours in a file is long.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cumsum.console import CommandError, size
from cumsum.files.store import Where

# A piece of this size keeps a disk and every thread busy. 512 MB in the cache (0.31 s
# by `cp` and `sync`): 0.29, 0.26, 0.32 and 0.51 s in pieces of 4, 8, 16 and 32 MB.
PIECE_BYTES = 8 << 20

# One of long rows may be as large, in a file of at least so many: 512 MB of 32 MB rows, cold, are
# read in 0.25 s one after the other, in 0.6 to 1.3 s in runs of 1 MB. But memory that is touched
# for the first time is slow as well.
WIDE_BYTES = 128 << 20
WIDE_PIECES = 32

# Pieces in memory at once: one is read, one scanned, one written, one waits.
SLOTS = 4

# Records are read and written once for each piece: in so many rows they cost as much as the
# elements do, and half as much.
FEW_ROWS, ROWS = 8, 16

# Records at once: before a piece, after it, and those on the way to a journal.
RECORDS = 3


@dataclass(frozen=True)
class Piece:
    """A box, the how manieth it is, and whether it begins or ends its lines."""

    index: int
    where: Where
    begins: bool
    ends: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the box."""
        return tuple(part.stop - part.start for part in self.where)


@dataclass(frozen=True)
class Walk:
    """All pieces of an array: their extents, and the order they are taken in.

    `order` has the dims as they lie in the file, the one whose neighbours lie side by side last.
    """

    shape: tuple[int, ...]
    dim: int
    order: tuple[int, ...]
    box: tuple[int, ...]
    reverse: bool = False

    def __len__(self) -> int:
        return math.prod(self._counts)

    @property
    def carries(self) -> bool:
        """Whether lines go on from piece to piece."""
        return self.box[self.dim] < self.shape[self.dim]

    @property
    def _counts(self) -> tuple[int, ...]:
        return tuple(-(-n // max(b, 1)) for n, b in zip(self.shape, self.box, strict=True))

    def piece(self, index: int) -> Piece:
        """One piece; those of a panel follow each other, in the order of the scan."""
        counts, place, rest = self._counts, [0] * len(self.shape), index
        for dim in (self.dim, *(d for d in reversed(self.order) if d != self.dim)):
            rest, place[dim] = divmod(rest, counts[dim])
        step, steps = place[self.dim], counts[self.dim]
        if self.reverse:
            place[self.dim] = steps - 1 - step
        where = tuple(
            slice(k * b, min(k * b + b, n))
            for k, b, n in zip(place, self.box, self.shape, strict=True)
        )
        return Piece(index, where, step == 0, step == steps - 1)

    @property
    def lines(self) -> int:
        """Of the largest panel."""
        return math.prod(self.box) // self.box[self.dim] if math.prod(self.box) else 0


@dataclass(frozen=True)
class Costs:
    """What is in memory, in bytes: of each element of a piece, and of each line's record.

    `fixed` is what the stores take whatever is read and written, `beside` what they keep with each
    element.
    """

    element: int
    record: int
    widest: int  # bytes of an element in the file where it takes most
    fixed: int = 0
    beside: int = 0

    @property
    def each(self) -> int:
        """Of an element in memory."""
        return self.element + self.beside

    def slots(self, box: Iterable[int], slots: int = SLOTS) -> int:
        """Of the pieces in memory."""
        return slots * math.prod(box) * self.each

    def records(self, walk: Walk) -> int:
        """Of the records of a panel."""
        return RECORDS * walk.lines * self.record if walk.carries else 0

    def total(self, walk: Walk, slots: int = SLOTS) -> int:
        """Of all."""
        return self.fixed + self.slots(walk.box, slots) + self.records(walk)


def decide(
    shape: tuple[int, ...],
    dim: int,
    order: Sequence[int],
    costs: Costs,
    memory: int,
    *,
    grids: Sequence[Sequence[int]] = (),
    whole_rows: bool = False,
    whole: bool = False,
    reverse: bool = False,
) -> Walk:
    """The walk that fits `memory` bytes: pieces take half of it, records a quarter at most.

    With `whole_rows` a piece has all of dim 0's neighbours; with `whole` it is all of the array.
    """
    if 0 in shape:
        return Walk(tuple(shape), dim, tuple(order), tuple(shape), reverse)
    if whole:
        walk = Walk(tuple(shape), dim, tuple(order), tuple(shape), reverse)
        return _fitting(walk, costs, memory, slots=1)
    free = max(memory - costs.fixed, 0)
    unit = _unit(shape, grids, SLOTS * costs.each, free // 2)
    if whole_rows:
        unit = [unit[0], *shape[1:]]
    box = list(unit)
    place = list(order).index(dim)
    inner, outer = list(order[place + 1 :])[::-1], list(order[:place])[::-1]
    width = math.prod(shape[d] for d in inner)
    most, lines = _limits(costs, free, shape[dim], unit[dim], width, math.prod(shape))
    if not _grow(box, inner, shape, unit, lines * box[dim]):
        _grow(box, [dim], shape, unit, most)
    elif _grow(box, [dim], shape, unit, most):
        _grow(box, outer, shape, unit, most)
    return _fitting(Walk(tuple(shape), dim, tuple(order), tuple(box), reverse), costs, memory)


def _fitting(walk: Walk, costs: Costs, memory: int, slots: int = SLOTS) -> Walk:
    """A walk, if there is room for it."""
    if costs.total(walk, slots) > memory:
        least = size(costs.total(walk, slots))
        raise CommandError(f"memory of {size(memory)} is too small: a piece needs {least}")
    return walk


def _limits(
    costs: Costs, memory: int, length: int, step: int, width: int, elements: int
) -> tuple[int, int]:
    """How many elements a piece may have, and how many lines, of `width` that lie side by side.

    It has whole steps of its lines, which are as long as chunks are.
    All of them where a piece has some rows then; else as many as leave it more rows.
    """
    room = max(memory // 2 // (SLOTS * costs.each), 1)
    few, rows = max(min(length, FEW_ROWS), step), max(min(length, ROWS), step)
    widest = costs.widest + costs.beside
    usual, most = PIECE_BYTES // widest, WIDE_BYTES // widest
    wide = min(max(usual, min(most, elements // WIDE_PIECES)), room)
    most = min(max(usual, min(width * few, wide)), room)
    lines = memory // 4 // (RECORDS * costs.record)
    if width * length <= most or (width * few <= most and width <= lines):
        return most, width
    most = wide
    lines = most // rows if most // rows * length <= most else min(most // rows, lines)
    return most, max(lines, 1)


def _unit(
    shape: Sequence[int], grids: Sequence[Sequence[int]], element: int, memory: int
) -> list[int]:
    """The smallest box to read and write: of all grids where that fits, or of the last one."""
    unit = [1] * len(shape)
    for grid in grids:
        both = [math.lcm(a, b) for a, b in zip(unit, grid, strict=True)]
        clipped = [min(a, n) for a, n in zip(both, shape, strict=True)]
        fits = math.prod(clipped) * element <= memory
        unit = clipped if fits else [min(b, n) for b, n in zip(grid, shape, strict=True)]
    return unit


def _grow(
    box: list[int], dims: Sequence[int], shape: Sequence[int], unit: Sequence[int], limit: int
) -> bool:
    """Widen a box along `dims`, in order, up to so many elements; whether it covers them all."""
    for dim in dims:
        most = max(limit * box[dim] // math.prod(box), 1)
        if most < shape[dim]:
            pieces = -(-shape[dim] // max(most // unit[dim] * unit[dim], unit[dim]))
            even = -(-shape[dim] // pieces)
            box[dim] = min(-(-even // unit[dim]) * unit[dim], shape[dim])
            return False
        box[dim] = shape[dim]
    return True
