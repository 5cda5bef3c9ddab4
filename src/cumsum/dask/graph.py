"""The graph of a scan: which tasks there are, and what each is handed.

Of the chunks along the axis, either each is added up (`aggregate`), a chain or a tree of small
tasks takes the state from chunk to chunk (`advance`), and each is scanned from there (`scan`):
chunks wait for nothing but small numbers. Or each is scanned after the one before it (`step`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count, product
from typing import Any, NamedTuple

from cumsum.dask.tasks import Tasks

Index = tuple[int, ...]
Key = tuple[Any, ...]

WIDTH = 8  # chunks that a state is shared by, and branches of a node of the tree
LONGEST_CHAIN = 256  # states; longer rows have a tree


class Chunk(NamedTuple):
    """What the tasks of a chunk are handed: values, or keys of the graph."""

    block: Key
    mask: Key | None
    place: Any
    first: Any
    corner: Index


@dataclass
class Scan:
    """A graph that grows by one row of chunks along the axis after another.

    Attributes
    ----------
    name : str
        That of the results.
    tasks : Tasks
        What they do.
    chunk : callable
        Tells the `Chunk` that has an index.
    in_turn : bool
        Whether each chunk is scanned after the one before it.
    bordered : bool
        Whether the first result of all has an element more.
    segmented : bool
        Whether segments may begin in any chunk.
    """

    name: str
    tasks: Tasks
    chunk: Callable[[Index], Chunk]
    in_turn: bool
    bordered: bool
    segmented: bool
    graph: dict[Key, Any] = field(default_factory=dict)

    def add_all(self, blocks: Index) -> dict[Key, Any]:
        """The graph of so many chunks along each dim."""
        axis, along = self.tasks.sums.axis, range(blocks[self.tasks.sums.axis])
        order = along[::-1] if self.tasks.sums.options.reverse else along
        for line in product(*(range(1 if d == axis else n) for d, n in enumerate(blocks))):
            row = [(*line[:axis], k, *line[axis + 1 :]) for k in order]
            if self.in_turn:
                self._add_in_turn(row)
            else:
                self._add_parallel(row)
        return self.graph

    def _task(self, task: str, row: list[Index], i: int, state: Any, pieces: list[Key]) -> Any:
        chunk = self.chunk(row[i])
        if not (state is None or self.segmented):
            chunk = chunk._replace(first=None)
        own = replace(self.tasks, bordered=True) if self.bordered and i == 0 else self.tasks
        return (getattr(own, task), *chunk, state, *pieces)

    def _add_in_turn(self, row: list[Index]) -> None:
        state: Key | None = None
        for i, index in enumerate(row):
            pair = (f"step-{self.name}", *index)
            self.graph[pair] = self._task("step", row, i, state, [])
            state = (f"state-{self.name}", *index)
            self.graph[self.name, *index] = (operator.itemgetter(0), pair)
            self.graph[state] = (operator.itemgetter(1), pair)

    def _add_parallel(self, row: list[Index]) -> None:
        pieces: list[Key] = []
        for index in row[:-1]:
            pieces.append((f"aggregate-{self.name}", *index))
            self.graph[pieces[-1]] = (self.tasks.aggregate, *self.chunk(index)[:3])
        before = _Carries(self, row).before_each(pieces, len(row), None)
        for i, (state, added) in enumerate(before):
            self.graph[self.name, *row[i]] = self._task("scan", row, i, state, added)


class _Carries:
    """The tasks of a row that are small."""

    def __init__(self, scan: Scan, row: list[Index]) -> None:
        self._scan = scan
        self._line = row[0]
        self._number = count()
        self._first = scan.chunk(row[0]).first

    def before_each(
        self, pieces: list[Key], size: int, state: Key | None
    ) -> list[tuple[Key | None, list[Key]]]:
        """For each of so many chunks, a state before it, and the pieces between the two."""
        width = WIDTH if size > LONGEST_CHAIN else 1
        starts = range(0, size, width)
        groups = [pieces[start : start + width] for start in starts]
        if len(groups) <= LONGEST_CHAIN:
            heads = [state]
            for group in groups[:-1]:
                heads.append(self._advance(heads[-1], group))
        else:
            joined = [self._join(group) for group in groups[:-1]]
            heads = [
                self._advance(*found) for found in self.before_each(joined, len(groups), state)
            ]
        return [
            (head, group[:i])
            for head, group, start in zip(heads, groups, starts, strict=True)
            for i in range(min(width, size - start))
        ]

    def _advance(self, state: Key | None, pieces: list[Key]) -> Key | None:
        if not pieces:
            return state
        first = self._first if state is None or self._scan.segmented else None
        return self._add("state", self._scan.tasks.advance, first, state, *pieces)

    def _join(self, group: list[Key]) -> Key:
        return self._add("join", self._scan.tasks.join, *group)

    def _add(self, prefix: str, *task: Any) -> Key:
        key = (f"{prefix}-{self._scan.name}", *self._line, next(self._number))
        self._scan.graph[key] = task
        return key
