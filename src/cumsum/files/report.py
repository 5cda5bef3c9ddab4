"""What a scan of a file tells when it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cumsum.files.pieces import Piece, Walk

# Totals told one by one.
FEW = 12

SHOWN = 3  # first values of the first line


class Seen:
    """First and last values of the first line, and the totals of all, gathered on the way."""

    def __init__(
        self, walk: Walk, dtype: np.dtype[Any], told: dict[str, Any] | None = None
    ) -> None:
        self._walk, self._dtype = walk, dtype
        length = walk.shape[walk.dim]
        self._wanted = sorted({*range(min(SHOWN, length)), max(length - 1, 0)})
        self._last = 0 if walk.reverse else -1
        held = told or {"line": {}, "count": 0, "few": "", "range": ""}
        self._line = {int(place): value for place, value in held["line"].items()}
        self._count: int = held["count"]
        self._few, self._range = self._load(held["few"]), self._load(held["range"])

    def see(self, piece: Piece, y: NDArray[Any]) -> None:
        """Look at the results of a piece."""
        lines = np.moveaxis(y, self._walk.dim, 0)
        if all(part.start == 0 for d, part in enumerate(piece.where) if d != self._walk.dim):
            part = piece.where[self._walk.dim]
            for place in self._wanted:
                if part.start <= place < part.stop:
                    value = lines[(place - part.start, *[0] * (y.ndim - 1))]
                    self._line[place] = value.tobytes().hex()

    def last(self, y: NDArray[Any]) -> NDArray[Any]:
        """The last results of lines that end."""
        last: NDArray[Any] = np.moveaxis(y, self._walk.dim, 0)[self._last]
        return last

    def add(self, totals: NDArray[Any]) -> None:
        """Look at the totals of some lines."""
        self._count += totals.size
        if self._count <= FEW:
            self._few = np.concatenate([self._few, totals.ravel()])
        if self._dtype.kind != "c" and totals.size:
            ends = [*self._range, totals.min(), totals.max()]
            self._range = np.array([np.min(ends), np.max(ends)], self._dtype)

    def accepts(self, told: dict[str, Any]) -> bool:
        """Whether it is what one of these has told, or nothing."""
        try:
            held = Seen(self._walk, self._dtype, told or None)
            values = [held._load(text) for text in held._line.values()]
            return (
                set(held._line) <= set(self._wanted)
                and all(value.size == 1 for value in values)
                and type(held._count) is int
                and held._few.size <= FEW
                and held._range.size in {0, 2}
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            return False

    def told(self) -> dict[str, Any]:
        """All of it, for a journal."""
        few, span = self._few.tobytes().hex(), self._range.tobytes().hex()
        return {"line": dict(self._line), "count": self._count, "few": few, "range": span}

    def _load(self, text: str) -> NDArray[Any]:
        return np.frombuffer(bytes.fromhex(text), self._dtype)

    @property
    def values(self) -> tuple[Any, ...]:
        """The first results of the first line, and its last one."""
        return tuple(self._load(self._line[place])[0] for place in sorted(self._line))

    @property
    def totals(self) -> tuple[Any, ...]:
        """The total of each line, if they are few."""
        return tuple(self._few) if self._count <= FEW else ()

    @property
    def span(self) -> tuple[Any, ...]:
        """The smallest and the largest total; nothing for complex ones."""
        return tuple(self._range)


class SeenGroups:
    """The same of a table whose rows are of groups: its lines."""

    def __init__(self) -> None:
        self._first: list[Any] = []
        self._end: Any = None
        self._count = 0
        self.all = np.empty(0)  # the totals of all groups

    def see(self, groups: NDArray[Any], y: NDArray[Any], totals: NDArray[Any]) -> None:
        """Look at the sums of some rows, the group of each, and the totals so far."""
        line = y[groups == 0]
        line = line if line.ndim == 1 else line[:, 0]
        self._first += list(line[: SHOWN - len(self._first)])
        self._end = line[-1] if len(line) else self._end
        self._count += len(line)
        self.all = totals

    def told(self) -> dict[str, Any]:
        """Nothing that a retry tells again."""
        return {}

    @property
    def values(self) -> tuple[Any, ...]:
        """The first results of the first group, and its last one."""
        return (*self._first, *([self._end] if self._count > SHOWN else []))

    @property
    def totals(self) -> tuple[Any, ...]:
        """The total of each group; those of a group's columns side by side."""
        return tuple(self.all.ravel())

    @property
    def span(self) -> tuple[Any, ...]:
        """The smallest and the largest total."""
        return (self.all.min(), self.all.max()) if self.all.size else ()


@dataclass(frozen=True)
class Report:
    """What was done.

    Attributes
    ----------
    input, output : str
        The files; they are the same for a scan in place, and no output is "".
    shape : tuple of int
        Of the array.
    dim : int
        That was scanned, non-negative.
    source, dtype : numpy.dtype
        Of the elements and of the sums.
    values : tuple
        The first three sums of the first line, and its last one.
    totals : tuple
        The total of each line, if they are twelve at most.
    span : tuple
        The smallest and the largest total, of real sums.
    lines : int
        How many lines there are.
    nbytes : int
        Read and written by this run.
    seconds : float
        The time that took.
    pieces, resumed : int
        How many pieces there were, and how many of them an earlier run had done.
    already_done : bool
        Whether an earlier run had finished the job: with ``resume=True`` nothing was scanned.
    by, labels : tuple of str
        What rows of a table were grouped by, and what each group is called; `totals` has those of
        every group.
    columns : tuple of str
        Of a table, those that were scanned.
    groups : int
        How many groups of rows there were.
    lost : int
        How many values the dtype that was asked for cannot hold.
    unread : int
        How many elements a raw file has after those of its shape.
    """

    input: str
    output: str
    shape: tuple[int, ...]
    dim: int
    source: np.dtype[Any]
    dtype: np.dtype[Any]
    values: tuple[Any, ...]
    totals: tuple[Any, ...]
    span: tuple[Any, ...]
    lines: int
    nbytes: int
    seconds: float
    pieces: int
    resumed: int
    already_done: bool = False
    by: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    groups: int = 0
    lost: int = 0
    unread: int = 0
