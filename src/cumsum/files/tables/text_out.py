"""A text that is written as it was read, with columns of sums at its end."""

from __future__ import annotations

import csv
import io
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cumsum.console import require
from cumsum.files.failures import told
from cumsum.files.store import Spec, Where
from cumsum.files.tables import sums_out
from cumsum.files.tables.dialect import packing_of
from cumsum.files.tables.text_table import TextTable


class TextOut:
    """The records of a text, each followed by its sums."""

    in_order = True
    beside = 0

    def __init__(self, path: str, spec: Spec, suffix: str) -> None:
        assert isinstance(spec.like, TextTable)
        self.name, self.shape, self.dtype = spec.name, spec.shape, spec.dtype
        self.grid = (1,) * len(spec.shape)
        self.order = (1, 0) if len(spec.shape) == 2 else (0,)
        self._input = spec.like
        names = sums_out.names_of(spec, suffix)
        sums_out.check_taken(spec, self._input.header)
        sums_out.kind_of(spec, suffix)
        self._nullable = sums_out.nullable(spec)
        self._input.keep("raw")
        self._comma = self._input.texts[0].dialect.delimiter.encode()
        self._file = open(path, "xb")  # noqa: SIM115 - closed by close()
        packing = packing_of(suffix)
        arrow = require("pyarrow", f"writing {suffix}")
        self._sink = arrow.CompressedOutputStream(self._file, packing) if packing else self._file
        text, made = self._input.texts[0], io.StringIO()
        csv.writer(made, delimiter=self._comma.decode(), lineterminator="").writerow(names)
        with told(f"write {self.name}"):
            added = self._comma + made.getvalue().encode()
            self._sink.write(text.head + added + text.head_end)

    def limit(self, _memory: int) -> int:
        """Nothing is taken beside the boxes."""
        return 0

    def write(self, where: Where, values: NDArray[Any]) -> None:
        """Write the rows that follow the last ones."""
        arrow, compute = require("pyarrow", "writing"), require("pyarrow.compute", "writing")
        rows = self._input.take(len(values))
        if not len(values):
            return
        with told(f"write {self.name}"):
            sums = sums_out.columns_of(values, rows.missing, self._nullable)
            texts = [self._written(compute, column) for column in sums]
            record, line_end = rows.table.columns
            delimiter, nothing = (arrow.scalar(sign, arrow.binary()) for sign in (self._comma, b""))
            fields = compute.binary_join_element_wise(record, *texts, delimiter)
            for chunk in compute.binary_join_element_wise(fields, line_end, nothing).chunks:
                places = np.frombuffer(chunk.buffers()[1], np.int32)
                start, stop = places[chunk.offset], places[chunk.offset + len(chunk)]
                self._sink.write(chunk.buffers()[2][int(start) : int(stop)])
            arrow.default_memory_pool().release_unused()

    def _written(self, compute: Any, column: Any) -> Any:
        """Numbers as texts, none as an empty field."""
        texts = column.cast("string").fill_null("")
        if self._input.texts[0].dialect.decimal != ".":
            texts = compute.replace_substring(texts, ".", self._input.texts[0].dialect.decimal)
        return texts.cast("binary")

    def sync(self) -> None:
        """Nothing: a table is whole when it is closed, and cannot be taken up again before."""

    def close(self) -> None:
        """Write what follows the last record, and wait for the disk."""
        if self._file.closed:
            return
        with told(f"write {self.name}"):
            try:
                self._sink.write(self._input.texts[-1].tail)
                if self._sink is not self._file:
                    self._sink.close()
                if not self._file.closed:
                    self._file.flush()
                    os.fsync(self._file.fileno())
            finally:
                self._file.close()
