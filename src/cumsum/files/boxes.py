"""Boxes of an array, cut at the edges of its chunks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

Where = tuple[slice, ...]


def cut(where: Where, shape: Sequence[int], box: Sequence[int]) -> Iterator[Where]:
    """The parts of `where` between multiples of `box`, in C order."""
    parts = []
    for chosen, extent, step in zip(where, shape, box, strict=True):
        start, stop, _ = chosen.indices(extent)
        edges = range(start - start % step, stop, step)
        parts.append([slice(max(edge, start), min(edge + step, stop)) for edge in edges])
    yield from itertools.product(*parts)


def grown(grid: Sequence[int], shape: Sequence[int], target: int) -> tuple[int, ...]:
    """As many chunks side by side as `target` elements hold, one at least, the last dims first."""
    box = list(grid)
    for dim in reversed(range(len(box))):
        whole = -(-shape[dim] // grid[dim])
        chunks = max(1, min(whole, target // math.prod(box)))
        box[dim] *= chunks
        if chunks < whole:
            break
    return tuple(box)


def within(part: Where, where: Where) -> Where:
    """A part of a box, counted from the start of the box."""
    return tuple(
        slice(p.start - (w.start or 0), p.stop - (w.start or 0))
        for p, w in zip(part, where, strict=True)
    )


def around(part: Where, grid: Sequence[int]) -> Where:
    """The chunk that a part of it lies in."""
    starts = [p.start - p.start % step for p, step in zip(part, grid, strict=True)]
    return tuple(slice(start, start + step) for start, step in zip(starts, grid, strict=True))
