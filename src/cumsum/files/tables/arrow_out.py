"""Tables that are written from pyarrow's columns: .parquet, .feather, .arrow, and texts anew."""

from __future__ import annotations

from collections import Counter
from typing import Any

from numpy.typing import NDArray

from cumsum.console import CommandError, require
from cumsum.files.failures import told
from cumsum.files.store import TEXTS, Spec, Where
from cumsum.files.tables import sums_out
from cumsum.files.tables.arrow_table import ARROW, ArrowTable
from cumsum.files.tables.columns import Table
from cumsum.files.tables.dialect import is_text, text_of
from cumsum.files.tables.out import TableOut
from cumsum.files.tables.text_table import TextTable

# Rows of a group of a .parquet, and the bytes that end a group before it has so many.
GROUP_ROWS, GROUP_BYTES = 1 << 20, 64 << 20


class ArrowOut(TableOut):
    """The columns of the input, and those of the sums."""

    def __init__(self, path: str, spec: Spec, suffix: str) -> None:
        self._suffix = suffix
        self._input = spec.like if isinstance(spec.like, Table) else None
        self._group = 0 if is_text(suffix) else GROUP_BYTES
        self._waiting: list[Any] = []
        self._sizes = groups_of(self._input) if suffix == ".parquet" else []
        self._schema = with_sums(spec, suffix)
        if self._input is not None:
            self._input.keep("table")
        super().__init__(path, spec, suffix)
        try:
            self._writer = self._make_writer()
        except (self._arrow.ArrowException, TypeError) as error:
            self._file.close()
            raise CommandError(f"{suffix} cannot hold {spec.dtype}: {error}") from None

    def _make_writer(self) -> Any:
        schema, suffix = self._schema, self._suffix
        if suffix in ARROW:
            ipc = require("pyarrow.ipc", f"writing {suffix}")
            how = ipc.IpcWriteOptions(compression="lz4" if suffix == ".feather" else None)
            return ipc.new_file(self._file, schema, options=how)
        if suffix == ".parquet":
            parquet = require("pyarrow.parquet", "writing .parquet")
            return parquet.ParquetWriter(self._file, schema, **how_of(self._input))
        csv = require("pyarrow.csv", f"writing {suffix}")
        options = csv.WriteOptions(delimiter=TEXTS[text_of(suffix)], quoting_style="needed")
        return csv.CSVWriter(self._sink, schema, write_options=options)

    def limit(self, memory: int) -> int:
        """Take no more than so many bytes beside those of the boxes: of rows that wait, packed."""
        self._group = min(self._group, memory // 3)
        return 3 * self._group

    def write(self, where: Where, values: NDArray[Any]) -> None:
        """Write the rows that follow the last ones."""
        arrow = self._arrow
        with told(f"write {self.name}"):
            columns, missing = [], None
            if self._input is not None:
                rows = self._input.take(len(values))
                columns, missing = rows.table.columns, rows.missing
            columns = [*columns, *sums_out.columns_of(values, missing, self._nullable)]
            self._waiting.append(arrow.table(columns, schema=self._schema))
            self._write_waiting(last=False)
            arrow.default_memory_pool().release_unused()

    def _write_waiting(self, *, last: bool) -> None:
        """Write the groups that are full: of as many rows as those of the input have."""
        while self._waiting:
            rows = sum(table.num_rows for table in self._waiting)
            size = self._sizes[0] if self._sizes else GROUP_ROWS
            full = sum(table.nbytes for table in self._waiting) >= self._group
            if not (last or full or rows >= size):
                return
            table = self._arrow.concat_tables(self._waiting)
            self._write(table.slice(0, size))
            self._waiting = [table.slice(size)] if rows > size else []
            if self._sizes:
                self._sizes[0] -= min(rows, size)
                self._sizes = self._sizes[1:] if not self._sizes[0] else self._sizes

    def _write(self, table: Any) -> None:
        if self._suffix == ".parquet":
            self._writer.write_table(table, row_group_size=max(1, table.num_rows))
        elif self._suffix in ARROW:
            self._writer.write_table(table.unify_dictionaries(), max_chunksize=1 << 16)
        else:
            self._writer.write_table(table)

    def _end(self) -> None:
        self._write_waiting(last=True)
        self._writer.close()


def with_sums(spec: Spec, suffix: str) -> Any:
    """The schema of the input, with columns for the sums at its end."""
    arrow = require("pyarrow", f"writing {suffix}")
    held = arrow.schema([])
    if isinstance(spec.like, ArrowTable):
        held = spec.like.schema
    elif isinstance(spec.like, TextTable):
        held = arrow.schema([(n, arrow.type_for_alias(k)) for n, k in spec.like.kinds])
    names, kind = sums_out.names_of(spec, suffix), sums_out.kind_of(spec, suffix)
    sums_out.check_taken(spec, held.names)
    for field in held if is_text(suffix) else ():
        if arrow.types.is_nested(field.type):
            what = f"column {field.name!r} holds {field.type}"
            raise CommandError(f"{spec.name}: {what}, which a {suffix} cannot hold")
    for name, nullable in zip(names, sums_out.nullable(spec), strict=True):
        held = held.append(arrow.field(name, kind, nullable))
    return held


def groups_of(source: Any) -> list[int]:
    """How many rows each row group of a .parquet has."""
    if not isinstance(source, ArrowTable):
        return []
    return [rows for part in source.parts for rows in part.rows if rows]


def how_of(source: Any) -> dict[str, Any]:
    """How the columns of a .parquet are packed, and which have dictionaries; so the sums are."""
    if not isinstance(source, ArrowTable) or source.parts[0].file is None:
        return {}
    metadata = source.parts[0].file.metadata
    if not metadata.num_row_groups:
        return {}
    group = metadata.row_group(0)
    columns = [group.column(i) for i in range(group.num_columns)]
    packed = {column.path_in_schema: _packing(column.compression) for column in columns}
    encoded = [column.path_in_schema for column in columns if column.has_dictionary_page]
    usual = Counter(packed.values()).most_common(1)[0][0]
    for name, of in zip(source.columns.sums, source.columns.names, strict=True):
        packed[name] = packed.get(of, usual)
    return {"compression": packed, "use_dictionary": encoded or False}


def _packing(name: str) -> str:
    return {"UNCOMPRESSED": "none", "LZ4_RAW": "lz4"}.get(name, name.lower())
