"""What rows are grouped by: the values of columns, or the periods that their dates are of.

Each group has a number, in the order of the first rows. Rows without a value are a group as well.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cumsum.console import CommandError, require
from cumsum.files.failures import among, reason
from cumsum.files.tables.periods import PERIODS, Period, period_of

NONE = "(none)"  # the label of rows without a value
FEWEST_KEYS = 1000

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class By:
    """One `--by COLUMN[:PERIOD]`."""

    column: str
    period: Period | None = None

    def __str__(self) -> str:
        return self.column if self.period is None else f"{self.column}:{self.period}"


def parse(path: str, by: tuple[str, ...], names: list[str]) -> tuple[By, ...]:
    """What is grouped by; a column may have a colon in its name."""
    found = []
    for text in by:
        name, _, said = text.partition(":")
        if text in names:
            found.append(By(text))
        elif name in names and said:
            found.append(By(name, period_of(text, said)))
        else:
            known = f"a column of dates can be followed by :{', :'.join(PERIODS)}"
            raise CommandError(f"{path} has no column {text!r} to group by{among(names)}; {known}")
    return tuple(found)


class Numbering:
    """Numbers values, batch after batch: each new one is the next."""

    def __init__(self) -> None:
        self.known: Any = None  # all values, in the order of their numbers
        self.new: Any = None  # those that the last batch brought

    def number(self, column: Any) -> Numbers:
        """The number of each value; one that is missing is a value."""
        arrow, compute = require("pyarrow", "--by"), require("pyarrow.compute", "--by")
        if isinstance(column, arrow.DictionaryArray):
            column = column.dictionary_decode()
        if str(column.type).endswith("_view"):
            column = column.cast(str(column.type).removesuffix("_view"))
        if arrow.types.is_floating(column.type):
            column = compute.add(column, arrow.scalar(0.0).cast(column.type))  # -0.0 is 0.0
        encoded = column.dictionary_encode(null_encoding="encode")
        values = encoded.dictionary
        if self.known is None:
            self.known = values.slice(0, 0)
        places = compute.index_in(values, value_set=self.known)
        numbers = places.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        unknown = numbers < 0
        numbers[unknown] = len(self.known) + np.arange(np.count_nonzero(unknown))
        self.new = values.filter(arrow.array(unknown))
        self.known = arrow.concat_arrays([self.known, self.new])
        rows: Numbers = numbers[encoded.indices.to_numpy(zero_copy_only=False)]
        return rows


class Keys:
    """Numbers the groups of rows, batch after batch."""

    def __init__(
        self, path: str, by: tuple[By, ...], *, days: bool = False, empty: str = ""
    ) -> None:
        self.path, self.by, self.days = path, by, days
        self._empty = empty  # what a text without letters is called
        self.most = FEWEST_KEYS
        self._columns = [Numbering() for _ in by]
        self._pairs = [Numbering() for _ in by[1:]]  # of a group and the next column's value
        self._labels: list[list[str]] = [[] for _ in range(2 * len(by) - 1)]
        self._coming: deque[tuple[Numbers, NDArray[np.float64] | None]] = deque()

    @property
    def labels(self) -> list[str]:
        """What the groups are called."""
        return self._labels[-1]

    @property
    def width(self) -> int:
        """How many columns are grouped by."""
        return len(self.by)

    @property
    def period(self) -> Period | None:
        """The period of all groups, if they are just that."""
        return self.by[0].period if len(self.by) == 1 else None

    def take(self) -> tuple[Numbers, NDArray[np.float64] | None]:
        """The groups of the rows of the next piece; where each is in its period, in days."""
        return self._coming.popleft()

    def see(self, table: Any, first: int, start: int) -> None:
        """Number the rows of a piece, which begins with row `start`, by columns from `first` on."""
        arrow = require("pyarrow", "--by")
        groups, days = self._values(0, table.column(first).combine_chunks(), start)
        labels = self._labels[0]
        for i, pairs in enumerate(self._pairs, 1):
            others, _ = self._values(i, table.column(first + i).combine_chunks(), start)
            groups = pairs.number(arrow.array(groups << 32 | others))
            both = self._labels[len(self.by) + i - 1]
            for pair in pairs.new.to_pylist():
                both.append(f"{labels[pair >> 32]}, {self._labels[i][pair & 0xFFFFFFFF]}")
            labels = both
        if len(labels) > self.most:
            raise CommandError(self._too_many())
        self._coming.append((groups, days))

    def _values(self, i: int, column: Any, start: int) -> tuple[Numbers, Any]:
        """The numbers of the values of a column, whose labels are noted."""
        arrow, by, days = require("pyarrow", "--by"), self.by[i], None
        kind = column.type
        if by.period is not None:
            column, days = by.period.of((self.path, by.column, start), column, self.days)
        numbering = self._columns[i]
        try:
            numbers = numbering.number(column)
            new = numbering.new
            texts = new.cast("string").to_pylist() if by.period is None else new.to_pylist()
        except (arrow.ArrowException, ValueError, OverflowError) as error:
            what = f"column {by.column!r} holds {kind}, which rows cannot be grouped by"
            raise CommandError(f"{self.path}: {what}: {reason(error)}") from None
        label = str if by.period is None else by.period.label
        self._labels[i] += [
            NONE if text is None else str(label(text)) or self._empty for text in texts
        ]
        return numbers, days if len(self.by) == 1 else None

    def _too_many(self) -> str:
        by = " and ".join(repr(held.column) for held in self.by)
        have = "has" if len(self.by) == 1 else "have"
        return (
            f"{self.path}: {by} {have} more than {self.most:,} different values, and each needs a "
            "sum in memory; give more --memory, or sort the table and scan it in parts"
        )
