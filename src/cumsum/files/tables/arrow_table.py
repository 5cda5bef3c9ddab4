"""Tables that pyarrow knows: .parquet, and .feather and .arrow, which are Arrow's own files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cumsum.console import CommandError, require
from cumsum.files.failures import told
from cumsum.files.tables import keys as grouping
from cumsum.files.tables.columns import POOL_BYTES, Columns, Table, numbered
from cumsum.files.tables.dialect import place_of
from cumsum.files.tables.keys import Keys
from cumsum.files.tables.text_table import named
from cumsum.files.tables.values import check_column, only_numeric_column

# Bytes of the rows that are decoded at a time, and how many such batches there are at once.
BATCH_BYTES, LEAST_BATCH = 4 << 20, 16 << 10
BATCHES = 4

# How many rows are decoded to see what they take, and in how many groups before all others.
SAMPLED_ROWS, SAMPLED_GROUPS = 256, 16

ARROW = {".feather", ".arrow"}


class Parts:
    """The row groups of one file; `rows` of each."""

    def __init__(self, path: str, suffix: str) -> None:
        self.path, self.file = path, None
        if suffix == ".parquet":
            parquet = require("pyarrow.parquet", "reading .parquet")
            self.file = parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
            self.schema, metadata = self.file.schema_arrow, self.file.metadata
            self.rows = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        else:
            arrow = require("pyarrow", f"reading {suffix}")
            self._map = arrow.memory_map(path)
            reader = self._reader(None)
            self.schema = reader.schema
            batches = map(self._reader([0]).get_batch, range(reader.num_record_batches))
            self.rows = [batch.num_rows for batch in batches]
        self._sizes: dict[int, int] = {}

    def batches(self, group: int, rows: int, columns: list[int] | None) -> Iterator[Any]:
        """The rows of a group, so many at a time; all columns, or those at some places."""
        if self.file is None:
            batch = self._reader(columns).get_batch(group)
            yield from (batch.slice(start, rows) for start in range(0, batch.num_rows, rows))
            return
        names = None if columns is None else [self.schema.names[place] for place in columns]
        yield from self.file.iter_batches(rows, [group], names)

    def _reader(self, columns: list[int] | None) -> Any:
        ipc = require("pyarrow.ipc", "reading .arrow")
        return ipc.open_file(self._map, options=ipc.IpcReadOptions(included_fields=columns))

    def row_bytes(self, group: int) -> int:
        """About how many bytes a row of a group takes, by what its first rows take."""
        if group not in self._sizes:
            size = 8 * len(self.schema)
            if self.file is not None:
                held = self.file.metadata.row_group(group)
                size += 2 * int(held.total_byte_size) // max(1, held.num_rows)
            if self.rows[group] >= SAMPLED_ROWS:  # texts are packed once that come many times
                with told(f"read {self.path}"):
                    first = next(self.batches(group, SAMPLED_ROWS, None))
                size = max(size, decoded(first) // SAMPLED_ROWS)
            self._sizes[group] = size
        return self._sizes[group]

    def close(self) -> None:
        """Close the file."""
        if self.file is not None:
            self.file.close()
        else:
            self._map.close()


def decoded(batch: Any) -> int:
    """The bytes of a batch without dictionaries, which writers expand."""
    plain = (getattr(c, "dictionary_decode", lambda c=c: c)() for c in batch.columns)
    return sum(column.nbytes for column in plain)


class ArrowTable(Table):
    """Columns of one file, or of several that have the same ones."""

    def __init__(self, parts: Sequence[Parts], columns: Columns, keys: Keys | None) -> None:
        self.parts, self.schema = parts, parts[0].schema
        path = named(parts)
        for name in columns.names:
            check_column(path, self.schema, name)
        names = self.schema.names
        self._scanned = [place_of(path, names, name) for name in columns.names]
        by = () if keys is None else keys.by
        self._grouped = [place_of(path, names, held.column) for held in by]
        rows = sum(sum(part.rows) for part in parts)
        kinds = [self.schema.field(place).type for place in self._scanned]
        super().__init__(path, columns, kinds, rows, keys)
        self._batch = BATCH_BYTES

    def _stream(self) -> Iterator[Any]:
        arrow = require("pyarrow", "tables")
        needed = [*self._scanned, *self._grouped]
        some = None if self.kept else sorted(set(needed))
        places = needed if some is None else [some.index(place) for place in needed]
        for part in self.parts:
            for group in range(len(part.rows)):
                rows = max(1, min(self._batch // max(1, part.row_bytes(group)), 1 << 20))
                for batch in part.batches(group, rows, some):
                    yield self._picked(batch, places)
        held = range(len(self.schema)) if some is None else some
        none = arrow.schema([self.schema.field(place) for place in held]).empty_table()
        yield self._picked(none, places)

    def _picked(self, batch: Any, places: Sequence[int]) -> Any:
        """What is scanned, what is grouped by, and all that is kept."""
        columns = [batch.column(place) for place in places]
        if self.kept:
            columns += batch.columns
        return numbered(columns)

    def _row_bytes(self) -> int:
        sizes = []
        for part in self.parts:
            groups = len(part.rows)
            chosen = range(0, groups, max(1, groups // SAMPLED_GROUPS))
            sizes += [part.row_bytes(group) for group in chosen]
        return max(sizes, default=8)

    def limit(self, memory: int) -> int:
        """Decode fewer rows at a time; what the rows at hand take, and those being decoded."""
        self._batch = max(min(self._batch, memory // BATCHES), LEAST_BATCH)
        return POOL_BYTES + BATCHES * self._batch

    def close(self) -> None:
        """Close the files."""
        super().close()
        for part in self.parts:
            part.close()


def open_arrow(
    paths: Sequence[str], columns: Columns, by: tuple[str, ...], suffix: str, *, days: bool
) -> ArrowTable:
    """Open files to scan columns of them."""
    arrow = require("pyarrow", f"reading {suffix}")
    parts: list[Parts] = []
    for path in paths:
        try:
            part = Parts(path, suffix)
            width = len(part.schema.names)  # a name that is not UTF-8 fails here
        except (arrow.ArrowException, ValueError, OSError, OverflowError) as error:
            text = " ".join(str(error).split())
            raise CommandError(f"{path} is not a {suffix} file that can be read: {text}") from None
        if not width:
            raise CommandError(f"{path} has no columns")
        if parts and not part.schema.equals(parts[0].schema):
            raise CommandError(f"{path} has other columns than {paths[0]}")
        parts.append(part)
    schema = parts[0].schema
    if not columns.names:
        columns = columns.named(only_numeric_column(named(parts), schema))
    keys = None
    if by:
        keys = Keys(named(parts), grouping.parse(named(parts), by, schema.names), days=days)
    return ArrowTable(parts, columns, keys)
