"""The running totals of a few lines, thinned on the way to what a picture can show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cumsum.console import CommandError
from cumsum.files.pieces import Piece

# More lines than this cannot be told apart; more points than this do not fit across a picture.
MAX_LINES, MAX_POINTS = 10, 4000

Array = NDArray[Any]


@dataclass
class Curve:
    """Some points of one running total: every so many, and the last one."""

    label: str
    count: int = 0  # of the points that came
    step: int = 1
    x: Array = field(default_factory=lambda: np.empty(0))
    y: Array = field(default_factory=lambda: np.empty(0))
    end: tuple[float, float] | None = None

    def add(self, x: Array, y: Array) -> None:
        """Take the points that follow."""
        if not len(y):
            return
        first = -self.count % self.step
        self.x = np.concatenate([self.x, x[first :: self.step]])
        self.y = np.concatenate([self.y, np.asarray(y[first :: self.step], np.float64)])
        self.count += len(y)
        self.end = (float(x[-1]), float(y[-1]))
        while len(self.x) > 2 * MAX_POINTS:
            self.x, self.y, self.step = self.x[::2], self.y[::2], 2 * self.step

    def points(self) -> tuple[Array, Array]:
        """All that is drawn, from left to right."""
        x, y = self.x, self.y
        if self.end is not None and (not len(x) or x[-1] != self.end[0]):
            x, y = np.append(x, self.end[0]), np.append(y, self.end[1])
        order = np.argsort(x, kind="stable")
        return x[order], y[order]


class Curves:
    """The curves of the first lines of an array, or of the first groups of a table."""

    def __init__(self) -> None:
        self.curves: list[Curve] = []
        self.total = 0  # lines, those that are not drawn among them
        self.dim = 0
        self.period = ""  # that each group is, of a column of dates

    def begin(self, shape: tuple[int, ...], dim: int, names: Sequence[str]) -> None:
        """Be told what will come: lines of an array, unless `see_groups` is called."""
        self._shape, self.dim = shape, dim
        others = (*shape[:dim], *shape[dim + 1 :])
        self.total = math.prod(others)
        for i in range(min(self.total, MAX_LINES)):
            place = np.unravel_index(i, others)
            label = names[i] if len(names) == self.total else label_of(place, dim)
            self.curves.append(Curve(label))

    def see(self, piece: Piece, y: Array) -> None:
        """Take the sums of a piece."""
        if y.dtype.kind == "c":
            raise CommandError("--plot draws real values; complex totals have no order")
        where = [part for d, part in enumerate(piece.where) if d != self.dim]
        others = (*self._shape[: self.dim], *self._shape[self.dim + 1 :])
        part = piece.where[self.dim]
        x, lines = np.arange(part.start, part.stop), np.moveaxis(y, self.dim, -1)
        for i, curve in enumerate(self.curves):
            place = np.unravel_index(i, others)
            if all(w.start <= p < w.stop for w, p in zip(where, place, strict=True)):
                within = tuple(int(p) - w.start for w, p in zip(where, place, strict=True))
                curve.add(x, lines[within])

    def see_groups(
        self, labels: Sequence[str], groups: Array, days: Array | None, y: Array
    ) -> None:
        """Take the sums of rows, the group of each, and where it is in its period."""
        if y.ndim > 1:
            raise CommandError("--plot with --by draws one column; give one --column")
        if self.total != len(labels) or len(self.curves) < min(len(labels), MAX_LINES):
            grown = [Curve(label) for label in labels[len(self.curves) : MAX_LINES]]
            self.curves, self.total = [*self.curves, *grown], len(labels)
        for i, curve in enumerate(self.curves):
            rows = groups == i
            x = days[rows] if days is not None else curve.count + np.arange(np.count_nonzero(rows))
            curve.add(x, y[rows])


def label_of(index: Sequence[Any], dim: int) -> str:
    """`[3, :]`: where in the array the line lies."""
    words = [str(int(i)) for i in index]
    return f"[{', '.join([*words[:dim], ':', *words[dim:]])}]" if words else ""
