"""Columns of tables, streamed: .csv and .parquet through pyarrow.

A table that is written has all columns of the one that is read. Its rows are kept from when they
are read until their sums are there: see `Columns.held`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cumsum.console import CommandError, count, require
from cumsum.files import csv_types
from cumsum.files.failures import refuse, told
from cumsum.files.source import among
from cumsum.files.store import Choice, Spec, Where, suffix_of
from cumsum.files.tables import check_exact, only_numeric_column

# How pyarrow calls some dtypes. (Its own ways to NumPy import pandas, which takes
# 100 MB.)
FLOATS = {"halffloat": "float16", "float": "float32", "double": "float64"}

# Bytes of the rows that are decoded at a time, and how many such batches there are at once.
BATCH_BYTES, LEAST_BATCH = 4 << 20, 16 << 10
BATCHES = 4

# How many rows are decoded to see what they take, and in how many groups before all others.
SAMPLED_ROWS, SAMPLED_GROUPS = 256, 16

# What pyarrow's allocator keeps of memory that is free again.
POOL_BYTES = 32 << 20


class Columns:
    """The chosen columns of a table, side by side; one alone is 1-D."""

    in_order = False
    attributes: dict[str, Any] = {}  # noqa: RUF012 - never written to

    def __init__(self, path: str, names: tuple[str, ...], schema: Any, rows: int) -> None:
        self.path, self.names, self.schema, self.rows = path, names, schema, rows
        kinds = [str(schema.field(name).type) for name in names]
        self.dtype: np.dtype[Any] = np.result_type(*(FLOATS.get(kind, kind) for kind in kinds))
        several = len(names) > 1
        self.shape = (rows, len(names)) if several else (rows,)
        self.grid = (1,) * len(self.shape)
        self.order = (1, 0) if several else (0,)
        self.whole = False  # whether all columns are kept for an output
        self.beside = 0  # bytes of a row that are kept with it
        self._held: deque[Any] = deque()
        self._lock = threading.Lock()
        self._batches: Iterator[Any] | None = None
        self._batch = BATCH_BYTES
        self._next = 0  # the row after those taken from the batches
        self._rest: Any = None  # what of the last batch is still to come

    def limit(self, memory: int) -> int:
        """Decode fewer rows at a time; what the rows at hand take, and those being decoded."""
        self._batch = max(min(self._batch, memory // BATCHES), LEAST_BATCH)
        return POOL_BYTES + BATCHES * self._batch

    def keep(self) -> None:
        """Keep the rows that are read, all columns of them, for `take`."""
        self.whole = True
        self.beside = self._row_bytes()

    def take(self, rows: int) -> Any:
        """The next rows of those that were read, as a table."""
        with self._lock:
            table = self._held.popleft()
        assert table.num_rows == rows
        return table

    def read(self, where: Where, out: NDArray[Any]) -> None:
        """Read a box; rows that follow the last ones come from the stream as it stands."""
        start, stop, _ = where[0].indices(self.rows)
        with told(f"read {self.path}"):
            table = self._rows(start, stop)
        chosen = range(len(self.names))[where[1]] if len(where) > 1 else range(1)
        for i, column in enumerate(chosen):
            self._copy(table, self.names[column], start, out if out.ndim == 1 else out[:, i])
        if self.whole:
            with self._lock:
                self._held.append(table)

    def _copy(self, table: Any, name: str, start: int, out: NDArray[Any]) -> None:
        column = table.column(name)
        if column.null_count:
            missing = count(column.null_count, "missing value")
            where = f"rows {start:,} to {start + table.num_rows:,}"
            raise CommandError(
                f"{self.path}: column {name!r} has {missing} in {where}; fill or drop them first"
            )
        place = 0
        for chunk in column.chunks:
            values = numbers(chunk)
            check_exact(self.path, name, values, self.dtype, self.rows)
            out[place : place + len(chunk)] = values
            place += len(chunk)

    def _rows(self, start: int, stop: int) -> Any:
        arrow = require("pyarrow", "reading tables")
        if self._batches is None or start < self._next:
            self._batches, self._next, self._rest = self._stream(), 0, None
        parts, schema = [], None
        while self._next < stop or schema is None:
            if self._rest is None:
                self._rest = next(self._batches, None)
            if self._rest is None:
                break
            batch, self._rest = self._rest, None
            schema = batch.schema
            begin = max(start - self._next, 0)
            end = min(stop - self._next, batch.num_rows)
            if begin < end:
                parts.append(batch.slice(begin, end - begin))
            if end < batch.num_rows:
                self._rest = batch.slice(max(end, 0))
            self._next += max(end, 0)
        table = arrow.Table.from_batches(parts, schema or self.schema)
        if table.num_rows < stop - start:
            raise CommandError(f"{self.path} became shorter while it was read")
        return table

    def _stream(self) -> Iterator[Any]:
        """All rows, batch by batch."""
        raise NotImplementedError

    def _row_bytes(self) -> int:
        """About how many bytes a row takes in memory."""
        raise NotImplementedError

    def sync(self) -> None:
        """Nothing is written."""

    def write(self, where: Where, values: NDArray[Any]) -> None:
        """An input is not written to."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the file, and of rows that nobody took."""
        self._batches = self._rest = None
        self._held.clear()


def numbers(array: Any) -> NDArray[Any]:
    """The numbers of a pyarrow array without nulls."""
    if str(array.type) == "bool":
        return numbers(array.cast("uint8")).view(np.bool_)
    dtype = np.dtype(FLOATS.get(str(array.type), str(array.type)))
    if not len(array):
        return np.empty(0, dtype)
    return np.frombuffer(array.buffers()[1], dtype, len(array), array.offset * dtype.itemsize)


def is_fixed(kind: Any) -> bool:
    """Whether all values of a type take the same room."""
    try:
        return bool(kind.bit_width) and not hasattr(kind, "value_type")
    except ValueError:
        return False


def decoded(batch: Any) -> int:
    """The bytes of a batch without dictionaries, which writers expand."""
    plain = (getattr(c, "dictionary_decode", lambda c=c: c)() for c in batch.columns)
    return sum(column.nbytes for column in plain)


class CSV(Columns):
    """Columns of a .csv, whose batches are of the size that rows may have."""

    def limit(self, memory: int) -> int:
        """What it takes; it cannot do with less."""
        return POOL_BYTES + csv_types.AHEAD * csv_types.BLOCK_BYTES

    def _stream(self) -> Iterator[Any]:
        return csv_types.batches(self.path, self.schema, None if self.whole else list(self.names))

    def _row_bytes(self) -> int:
        return 2 * Path(self.path).stat().st_size // max(1, self.rows) + 8 * len(self.schema)


class Parquet(Columns):
    """Columns of a .parquet."""

    def __init__(self, path: str, names: tuple[str, ...], file: Any) -> None:
        super().__init__(path, names, file.schema_arrow, file.metadata.num_rows)
        self._file = file
        self._sizes: dict[int, int] = {}

    def _stream(self) -> Iterator[Any]:
        columns = None if self.whole else list(self.names)
        for group in range(self._file.num_row_groups):
            rows = max(1, min(self._batch // max(1, self._group_bytes(group)), 1 << 20))
            yield from self._file.iter_batches(rows, [group], columns)

    def _row_bytes(self) -> int:
        groups = self._file.num_row_groups
        chosen = range(0, groups, max(1, groups // SAMPLED_GROUPS))
        return max(map(self._group_bytes, chosen), default=8)

    def _group_bytes(self, group: int) -> int:
        """About how many bytes a row of a group takes, by what its first rows take."""
        if group not in self._sizes:
            held = self._file.metadata.row_group(group)
            packed = int(held.total_byte_size) // max(1, held.num_rows)
            size = 2 * packed + 8 * len(self.schema)
            names = [f.name for f in self.schema if not is_fixed(f.type)] if self.whole else []
            if names:  # one text that many rows have is packed once
                first = next(self._file.iter_batches(SAMPLED_ROWS, [group], names), None)
                size += 0 if first is None else decoded(first) // max(1, first.num_rows) + 1
            self._sizes[group] = size
        return self._sizes[group]

    def close(self) -> None:
        """Close the file."""
        super().close()
        self._file.close()


def open_input(path: str, choice: Choice) -> Columns:
    """Open the columns of `choice`, or the only one of numbers."""
    if not Path(path).is_file():
        raise CommandError(
            f"{path}: {'not a regular file' if Path(path).exists() else 'no such file'}"
        )
    refuse(path, member=choice.member)
    suffix = suffix_of(path)
    arrow = require("pyarrow", f"reading {suffix}")
    file, rows = None, 0
    nulls: dict[str, int] = {}
    try:
        if suffix == ".csv":
            schema, rows, nulls = csv_types.infer(path)
        else:
            parquet = require("pyarrow.parquet", "reading .parquet")
            file = parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
            schema = file.schema_arrow
        width = len(schema.names)  # a name that is not UTF-8 fails here
    except (arrow.ArrowException, ValueError, OSError) as error:
        text = " ".join(str(error).split())
        raise CommandError(f"{path} is not a {suffix} file that can be read: {text}") from None
    if not width:
        raise CommandError(f"{path} has no columns")
    names = tuple(choice.columns) or only_numeric_column(arrow, Path(path), schema)
    for name in names:
        check_column(arrow, path, schema, name)
        if nulls.get(name):
            missing = count(nulls[name], "missing value")
            raise CommandError(f"{path}: column {name!r} has {missing}; fill or drop them first")
    return CSV(path, names, schema, rows) if file is None else Parquet(path, names, file)


def check_column(arrow: Any, path: str, schema: Any, name: str) -> None:
    """Refuse a name that is not that of one column of numbers."""
    if schema.names.count(name) != 1:
        problem = "several columns" if name in schema.names else "no column"
        raise CommandError(f"{path} has {problem} {name!r}{among(schema.names)}")
    kind = schema.field(name).type
    is_number = (arrow.types.is_integer, arrow.types.is_floating, arrow.types.is_boolean)
    if not any(check(kind) for check in is_number):
        raise CommandError(f"{path}: column {name!r} holds {kind}, not numbers")


def create(path: str, spec: Spec) -> Any:
    """Create a table with the columns of the input and those of the sums."""
    from cumsum.files.columns_out import Table

    return Table(path, spec)
