"""The graph of a scan: which tasks there are, and what each is handed.

Of the chunks along the axis, either each is added up (`aggregate`), a chain or a tree of small tasks
takes the state from chunk to chunk (`advance`), and each is scanned from there (`scan`): chunks
wait for nothing but small numbers. Or each is scanned after the one before it (`step`).
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

WIDTH = 8  # how many states a branch of the tree goes through one after the other
LONGEST_CHAIN = 64  # chunks; longer rows have a tree


class Chunk(NamedTuple):
    """What the tasks of a chunk are handed: values, or keys of the graph."""

    block: Key
    mask: Key | None
    place: Any
    first: Any
    corner: Index | None


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

    def _arguments(self, row: list[Index], i: int) -> tuple[Any, ...]:
        chunk = self.chunk(row[i])
        return chunk if i == 0 or self.segmented else chunk._replace(first=None)

    def _own(self, i: int) -> Tasks:
        return replace(self.tasks, bordered=True) if self.bordered and i == 0 else self.tasks

    def _add_in_turn(self, row: list[Index]) -> None:
        state: Key | None = None
        for i, index in enumerate(row):
            pair = (f"step-{self.name}", *index)
            self.graph[pair] = (self._own(i).step, *self._arguments(row, i), state)
            state = (f"state-{self.name}", *index)
            self.graph[self.name, *index] = (operator.itemgetter(0), pair)
            self.graph[state] = (operator.itemgetter(1), pair)

    def _add_parallel(self, row: list[Index]) -> None:
        pieces = [(f"aggregate-{self.name}", *index) for index in row[:-1]]
        for i, piece in enumerate(pieces):
            self.graph[piece] = (self.tasks.aggregate, *self._arguments(row, i)[:3])
        states = _Carries(self, row).after_each(pieces, None, LONGEST_CHAIN)
        for i, (index, state) in enumerate(zip(row, [None, *states], strict=True)):
            self.graph[self.name, *index] = (self._own(i).scan, *self._arguments(row, i), state)


class _Carries:
    """The tasks of a row that are small."""

    def __init__(self, scan: Scan, row: list[Index]) -> None:
        self._scan = scan
        self._line = row[0]
        self._number = count()
        self._first = scan.chunk(row[0]).first

    def after_each(self, pieces: list[Key], state: Key | None, most: int) -> list[Key]:
        """The keys of the states after each of the pieces.

        Up to `most` pieces are a chain. More are put together in groups; the states between these
        are found first, then, for all groups at once, those within.
        """
        if len(pieces) <= most:
            chain = []
            for piece in pieces:
                state = self._advance(state, piece)
                chain.append(state)
            return chain
        groups = [pieces[i : i + WIDTH] for i in range(0, len(pieces), WIDTH)]
        between = self.after_each([self._join(group) for group in groups[:-1]], state, WIDTH)
        found: list[Key] = []
        for group, before, after in zip(groups, [state, *between], [*between, None], strict=True):
            within = self.after_each(group if after is None else group[:-1], before, WIDTH)
            found += within if after is None else [*within, after]
        return found

    def _advance(self, state: Key | None, piece: Key) -> Key:
        first = self._first if state is None or self._scan.segmented else None
        return self._add("state", self._scan.tasks.advance, state, piece, first)

    def _join(self, group: list[Key]) -> Key:
        return self._add("join", self._scan.tasks.join, *group)

    def _add(self, prefix: str, *task: Any) -> Key:
        key = (f"{prefix}-{self._scan.name}", *self._line, next(self._number))
        self._scan.graph[key] = task
        return key
