"""A text that is written as it was read, with columns of sums at its end."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cumsum.console import require
from cumsum.files.failures import told
from cumsum.files.store import Spec, Where
from cumsum.files.tables import sums_out
from cumsum.files.tables.out import TableOut
from cumsum.files.tables.text_table import TextTable


class TextOut(TableOut):
    """The records of a text, each followed by its sums."""

    def __init__(self, path: str, spec: Spec, suffix: str) -> None:
        assert isinstance(spec.like, TextTable)
        self._input = spec.like
        names = sums_out.names_of(spec, suffix)
        sums_out.check_taken(spec, self._input.header)
        sums_out.kind_of(spec, suffix)
        self._input.keep("raw")
        self._comma = self._input.texts[0].dialect.delimiter.encode()
        super().__init__(path, spec, suffix)
        text, made = self._input.texts[0], io.StringIO()
        csv.writer(made, delimiter=self._comma.decode(), lineterminator="").writerow(names)
        with told(f"write {self.name}"):
            added = self._comma + made.getvalue().encode()
            self._sink.write(text.head + added + text.head_end)

    def write(self, where: Where, values: NDArray[Any]) -> None:
        """Write the rows that follow the last ones."""
        arrow, compute = self._arrow, require("pyarrow.compute", "writing")
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

    def _end(self) -> None:
        self._sink.write(self._input.texts[-1].tail)
