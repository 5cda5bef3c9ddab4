"""What rows are grouped by: the values of columns, or the periods that their dates are of.

Each group has a number, in the order of the first rows; the label of a value is its text, so two
values are one group if pyarrow writes them alike. Rows without a value are a group of their own.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cumsum.console import CommandError, require
from cumsum.files.failures import reason
from cumsum.files.tables.periods import PERIODS, Period, period_of

NONE = "(none)"  # the label of rows without a value
FEWEST_KEYS = 1000


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
            known = f"; a column of dates can be followed by :{', :'.join(PERIODS)}"
            there = f"; there is {', '.join(names)}"
            raise CommandError(f"{path} has no column {text!r} to group by{there}{known}")
    return tuple(found)


class Keys:
    """Numbers the groups of rows, batch after batch."""

    def __init__(self, path: str, by: tuple[By, ...], *, days: bool = False) -> None:
        self.path, self.by, self.days = path, by, days
        self.labels: list[str] = []
        self.most = FEWEST_KEYS
        self._numbers: dict[Any, int] = {}
        self._coming: deque[tuple[NDArray[np.int64], NDArray[np.float64] | None]] = deque()

    @property
    def width(self) -> int:
        """How many columns are grouped by."""
        return len(self.by)

    @property
    def period(self) -> Period | None:
        """The period of all groups, if they are just that."""
        return self.by[0].period if len(self.by) == 1 else None

    def take(self) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
        """The groups of the rows of the next piece; where each is in its period, in days."""
        return self._coming.popleft()

    def see(self, table: Any, first: int, start: int) -> None:
        """Number the rows of a piece, which begins with row `start`, by columns from `first` on."""
        codes: NDArray[np.int64] | None = None
        parts: list[list[str | None]] = []
        days = None
        for i, by in enumerate(self.by):
            column = table.column(first + i).combine_chunks()
            if by.period is not None:
                column, since = by.period.of((self.path, by.column, start), column, self.days)
                days = since if len(self.by) == 1 else None
            held, texts = self._encoded(by, column)
            parts.append(texts)
            codes = held if codes is None else codes * (len(texts) + 1) + held
        assert codes is not None
        self._coming.append((self._numbered(codes, parts), days))

    def _encoded(self, by: By, column: Any) -> tuple[NDArray[np.int64], list[str | None]]:
        """The place of each value among those of a column, one more for none; their labels."""
        arrow = require("pyarrow", "--by")
        try:
            if not isinstance(column, arrow.DictionaryArray):
                if str(column.type).endswith("_view"):
                    column = column.cast(str(column.type).removesuffix("_view"))
                column = column.dictionary_encode()
            texts = column.dictionary
            if by.period is None:
                texts = texts.cast("string").to_pylist()
            else:
                texts = [by.period.label(value) for value in texts.to_pylist()]
            places = column.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)
        except (arrow.ArrowException, ValueError, OverflowError) as error:
            kind = f"column {by.column!r} holds {column.type}, which rows cannot be grouped by"
            raise CommandError(f"{self.path}: {kind}: {reason(error)}") from None
        return places.astype(np.int64), texts

    def _numbered(self, codes: NDArray[Any], parts: list[list[str | None]]) -> NDArray[np.int64]:
        """The number of each row's group; new ones are numbered in the order of their rows."""
        size = math.prod(len(texts) + 1 for texts in parts)
        if size <= len(codes):
            unique, inverse = np.arange(size), codes
            first = np.full(size, len(codes))
            first[codes[::-1]] = np.arange(len(codes))[::-1]  # the last one that is written stays
        else:
            unique, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
        numbers = np.zeros(len(unique), np.int64)
        for place in np.argsort(first, kind="stable").tolist():
            if first[place] == len(codes):
                break
            numbers[place] = self._number(int(unique[place]), parts)
        rows: NDArray[np.int64] = numbers[inverse]
        return rows

    def _number(self, code: int, parts: list[list[str | None]]) -> int:
        """The number of a group that is met."""
        key = []
        for texts in reversed(parts):
            code, place = divmod(code, len(texts) + 1)
            key.append(None if place == len(texts) else texts[place])
        found = tuple(key[::-1])
        number = self._numbers.setdefault(found, len(self._numbers))
        if number == len(self.labels):
            if number >= self.most:
                raise CommandError(self._too_many())
            self.labels.append(", ".join(NONE if text is None else text for text in found))
        return number

    def _too_many(self) -> str:
        by = " and ".join(repr(held.column) for held in self.by)
        return (
            f"{self.path}: {by} have more than {self.most:,} different values, and each needs a "
            "sum in memory; give more --memory, or sort the table and scan it in parts"
        )
