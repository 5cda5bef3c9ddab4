"""Tables that are written row by row: the input's with a column NAME_cumsum more for each."""

from __future__ import annotations

import os
from typing import Any

from numpy.typing import NDArray

from cumsum.console import CommandError, require
from cumsum.files.columns import Columns
from cumsum.files.failures import told
from cumsum.files.store import Spec, Where, suffix_of

# Rows of a group of a .parquet, and the bytes that end a group before it has so many.
GROUP_ROWS, GROUP_BYTES = 1 << 20, 64 << 20


class Table:
    """A table that grows at its end."""

    in_order = True
    beside = 0

    def __init__(self, path: str, spec: Spec) -> None:
        self.name, self.shape, self.dtype = spec.name, spec.shape, spec.dtype
        self.grid = (1,) * len(spec.shape)
        self.order = (1, 0) if len(spec.shape) == 2 else (0,)
        self._suffix = suffix_of(spec.name)
        self._arrow = require("pyarrow", f"writing {self._suffix}")
        self._input = spec.like if isinstance(spec.like, Columns) else None
        self._group = GROUP_BYTES if self._suffix == ".parquet" else 0
        self._waiting: list[Any] = []
        self._names = schema = self._schema(spec)
        if self._input is not None:
            self._input.keep()
        self._file = open(path, "xb")  # noqa: SIM115 - closed by close()
        try:
            self._writer = self._make_writer(schema)
        except self._arrow.ArrowException as error:
            self._file.close()
            raise CommandError(f"{self._suffix} cannot hold {spec.dtype}: {error}") from None

    def _schema(self, spec: Spec) -> Any:
        """The columns of the input, and those of the sums."""
        arrow = self._arrow
        if len(spec.shape) > 2:
            message = f"a {self._suffix} file holds 1-D and 2-D arrays, not shape {spec.shape}"
            raise CommandError(message)
        several = len(spec.shape) == 2
        names = [f"cumsum_{i}" for i in range(spec.shape[1])] if several else ["cumsum"]
        held: list[tuple[str, Any]] = []
        if self._input is not None:
            names = [f"{name}_cumsum" for name in self._input.names]
            held = [(field.name, field.type) for field in self._input.schema]
        taken = [name for name in names if name in dict(held)]
        if taken and self._input is not None:
            raise CommandError(f"{self._input.path} already has a column {taken[0]!r}")
        try:
            kind = arrow.from_numpy_dtype(spec.dtype)
        except arrow.ArrowException as error:
            raise CommandError(f"{self._suffix} cannot hold {spec.dtype}: {error}") from None
        self._sums = names
        return arrow.schema([*held, *((name, kind) for name in names)])

    def _make_writer(self, schema: Any) -> Any:
        if self._suffix == ".csv":
            return require("pyarrow.csv", "writing .csv").CSVWriter(self._file, schema)
        return require("pyarrow.parquet", "writing .parquet").ParquetWriter(self._file, schema)

    def limit(self, memory: int) -> int:
        """Take no more than so many bytes beside those of the boxes: of rows that wait, packed."""
        self._group = min(self._group, memory // 3)
        return 3 * self._group

    def write(self, where: Where, values: NDArray[Any]) -> None:
        """Write the rows that follow the last ones."""
        rows, arrow = len(values), self._arrow
        sums = [values] if values.ndim == 1 else list(values.T)
        with told(f"write {self.name}"):
            columns = [] if self._input is None else self._input.take(rows).columns
            columns += [self._array(column) for column in sums]
            self._waiting.append(arrow.table(columns, schema=self._names))
            held = sum(table.nbytes for table in self._waiting)
            if held >= self._group:
                self._write_waiting()
            arrow.default_memory_pool().release_unused()

    def _array(self, column: NDArray[Any]) -> Any:
        """A column of pyarrow, with a copy of the values, whose memory is used again."""
        arrow = self._arrow
        kind = arrow.from_numpy_dtype(self.dtype)
        if kind == arrow.bool_():
            return arrow.array(column)
        return arrow.Array.from_buffers(
            kind, len(column), [None, arrow.py_buffer(column.tobytes())]
        )

    def _write_waiting(self) -> None:
        if self._waiting:
            table = self._arrow.concat_tables(self._waiting)
            self._waiting.clear()
            if self._suffix == ".csv":
                self._writer.write_table(table)
            else:
                self._writer.write_table(table, row_group_size=GROUP_ROWS)

    def sync(self) -> None:
        """Nothing: a table is whole when it is closed, and cannot be taken up again before."""

    def close(self) -> None:
        """Write what a table ends with, and wait for the disk."""
        if self._file.closed:
            return
        with told(f"write {self.name}"):
            try:
                self._write_waiting()
                self._writer.close()
                self._file.flush()
                os.fsync(self._file.fileno())
            finally:
                self._file.close()
