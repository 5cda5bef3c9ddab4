"""Columns of a table as a store: what is scanned, and all that goes along with it.

A table is read from its first row to its last, a batch at a time. With the numbers of a piece come
the groups its rows are of, where numbers are missing, and what an output takes of the rows; each is
kept until it is asked for, in the order of the pieces.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cumsum.console import CommandError, count, require
from cumsum.files.failures import told
from cumsum.files.store import Where
from cumsum.files.tables import values
from cumsum.files.tables.keys import Keys

# What pyarrow's allocator keeps of memory that is free again.
POOL_BYTES = 32 << 20

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Columns:
    """What is asked of a table: the columns to scan, and what is done where numbers are missing."""

    names: tuple[str, ...]
    skipna: bool = False
    missing: str = "carry"
    suffix: str = "_cumsum"

    def named(self, names: tuple[str, ...]) -> Columns:
        """The same of columns that are known now."""
        return replace(self, names=names)

    @property
    def sums(self) -> list[str]:
        """What the columns of the sums are called."""
        return [name + self.suffix for name in self.names]


class Rows(NamedTuple):
    """What an output takes of the rows of a piece, and where their sums are none."""

    table: Any
    missing: Mask | None


class Table:
    """The chosen columns of a table, side by side; one alone is 1-D.

    What is special to a kind of file is in the classes that are made of it: `_stream` yields the
    rows, whose leading columns are those to scan, then those to group by, then all that is kept.
    """

    in_order = False
    attributes: dict[str, Any] = {}  # noqa: RUF012 - never written to

    def __init__(
        self, path: str, columns: Columns, kinds: Sequence[Any], rows: int, keys: Keys | None
    ) -> None:
        self.path, self.columns, self.rows, self.keys = path, columns, rows, keys
        self.dtype = values.shared_dtype(kinds)
        several = len(columns.names) > 1
        self.shape = (rows, len(columns.names)) if several else (rows,)
        self.grid = (1,) * len(self.shape)
        self.order = (1, 0) if several else (0,)
        self.kept = ""  # what an output takes of the rows
        self.beside = 0  # bytes of a row that are kept for it
        self._taken: deque[Rows] = deque()
        self._marks: deque[Mask | None] = deque()
        self._lock = threading.Lock()
        self._batches: Iterator[Any] | None = None
        self._next = 0  # the row after those taken from the batches
        self._rest: Any = None  # what of the last batch is still to come

    def keep(self, how: str) -> None:
        """Keep the rows that are read for `take`, as a `raw` text or as a `table`."""
        self.kept = how
        self.beside = self._row_bytes()

    def take(self, rows: int) -> Rows:
        """The next rows of those that were read."""
        with self._lock:
            taken = self._taken.popleft()
        assert taken.table.num_rows == rows
        return taken

    def mark(self, y: NDArray[Any]) -> None:
        """Show in the sums of a piece where numbers are missing, if no output does."""
        if self.kept or self.columns.missing == "carry":
            return
        with self._lock:
            missing = self._marks.popleft()
        if missing is not None and y.dtype.kind == "f":
            y[missing] = np.nan

    def read(self, where: Where, out: NDArray[Any]) -> None:
        """Read a box; rows that follow the last ones come from the stream as it stands."""
        start, stop, _ = where[0].indices(self.rows)
        with told(f"read {self.path}"):
            table = self._rows(start, stop)
        chosen = range(len(self.columns.names))[where[1]] if len(where) > 1 else range(1)
        masks = [
            self._copy(table, column, start, out if out.ndim == 1 else out[:, i])
            for i, column in enumerate(chosen)
        ]
        shown = self.columns.missing == "nan" and any(mask is not None for mask in masks)
        missing = None
        if shown:
            held = [np.zeros(len(out), bool) if mask is None else mask for mask in masks]
            missing = held[0] if out.ndim == 1 else np.stack(held, 1)
        width = len(self.columns.names)
        if self.keys is not None:
            self.keys.see(table, width, start)
            width += self.keys.width
        with self._lock:
            if self.kept:
                kept = table.select(range(width, table.num_columns))
                self._taken.append(Rows(kept, missing))
            elif self.columns.missing == "nan":
                self._marks.append(missing)

    def _copy(self, table: Any, column: int, start: int, out: NDArray[Any]) -> Mask | None:
        """Copy the numbers of a column; where they are missing."""
        name, place, masks = self.columns.names[column], 0, []
        for chunk in table.column(column).chunks:
            part = out[place : place + len(chunk)]
            mask = values.put(chunk, part, self.columns.skipna)
            if mask is not None and not self.columns.skipna:
                self._refuse_missing(name, int(np.count_nonzero(mask)), start, table.num_rows)
            values.check_exact(self.path, name, values.numbers(chunk), self.dtype, self.rows)
            masks.append((place, mask))
            place += len(chunk)
        if all(mask is None for _, mask in masks):
            return None
        missing = np.zeros(len(out), bool)
        for place, mask in masks:
            if mask is not None:
                missing[place : place + len(mask)] = mask
        return missing

    def _refuse_missing(self, name: str, missing: int, start: int, rows: int) -> None:
        where = f"in rows {start + 1:,} to {start + rows:,}"
        raise CommandError(
            f"{self.path}: column {name!r} has {count(missing, 'missing value')} {where}; "
            "--skipna lets them add nothing"
        )

    def _rows(self, start: int, stop: int) -> Any:
        arrow = require("pyarrow", "reading tables")
        if self._batches is None or start < self._next:
            self._batches, self._next, self._rest = self._stream(), 0, None
        parts: list[Any] = []
        while self._next < stop or not parts:
            batch = next(self._batches, None) if self._rest is None else self._rest
            self._rest = None
            if batch is None:
                break
            begin = max(start - self._next, 0)
            end = min(stop - self._next, batch.num_rows)
            if begin < end or not parts:
                parts.append(batch.slice(begin, end - begin) if begin < end else batch.slice(0, 0))
            if end < batch.num_rows:
                self._rest = batch.slice(max(end, 0))
            self._next += max(end, 0)
        table = arrow.concat_tables(parts)
        if table.num_rows < stop - start:
            raise CommandError(f"{self.path} became shorter while it was read")
        return table

    def _stream(self) -> Iterator[Any]:
        """All rows, as tables; one at least."""
        raise NotImplementedError

    def _row_bytes(self) -> int:
        """About how many bytes a row takes that is kept."""
        raise NotImplementedError

    def limit(self, memory: int) -> int:
        """Take no more than so many bytes beside those of the boxes."""
        raise NotImplementedError

    def sync(self) -> None:
        """Nothing is written."""

    def write(self, where: Where, values: NDArray[Any]) -> None:
        """An input is not written to."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the file, and of rows that nobody took."""
        self._batches = self._rest = None
        self._taken.clear()


def numbered(columns: Sequence[Any]) -> Any:
    """A table of columns that are told apart by their places alone."""
    names = list(map(str, range(len(columns))))
    return require("pyarrow", "reading tables").table(list(columns), names=names)
