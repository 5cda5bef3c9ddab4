"""Tables that are text: .csv and .tsv, packed or not.

A text is cut into blocks of whole records. Of each, pyarrow reads the columns that are scanned or
grouped by; the others are not read at all where the output is a text too: their bytes are copied.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

import numpy as np

from cumsum.console import CommandError, count, require
from cumsum.files.failures import reason
from cumsum.files.tables import records
from cumsum.files.tables.dialect import NULLS, QUOTE, Dialect, hint, packing_of
from cumsum.files.tables.records import Records

# Bytes that are parsed at a time, and the most that a record may have.
BLOCK_BYTES, RECORD_BYTES = 1 << 20, 64 << 20

BOM = b"\xef\xbb\xbf"


class Block(NamedTuple):
    """Whole records of a file, and how many lines precede them."""

    content: bytes
    records: Records
    lines: int

    def line_of(self, row: int) -> int:
        """The number of the line that a record begins in."""
        start = int(self.records.starts[row])
        return self.lines + 1 + _lines(self.content[:start])


def _lines(content: bytes) -> int:
    return content.count(b"\n") or content.count(b"\r")


class Text:
    """A text of records, whose first one names the columns."""

    def __init__(self, path: str, dialect: Dialect, suffix: str) -> None:
        self.path, self.dialect = path, dialect
        self._packing = packing_of(suffix)
        self.tail = b""  # what follows the last record, once that was read
        with self._opened() as file:
            self._bom = BOM if file.read(len(BOM)) == BOM else b""
        self._begin = self._head_lines = 0
        block = next(self._blocks(), None)
        if block is None or not len(block.records.starts):
            raise CommandError(f"{path} has no columns: it is empty")
        start, stop, after = (int(places[0]) for places in block.records[:3])
        self.header = self._names(block.content[start:stop])
        self.head, self.head_end = self._bom + block.content[:stop], block.content[stop:after]
        self._begin, self._head_lines = after, _lines(block.content[:after])

    def _names(self, record: bytes) -> list[str]:
        file = io.StringIO(record.decode(), newline="")
        try:
            return next(csv.reader(file, delimiter=self.dialect.delimiter, quotechar=QUOTE))
        except (csv.Error, StopIteration) as error:
            raise CommandError(f"{self.path}: its header cannot be read: {error}") from None

    def blocks(self) -> Iterator[Block]:
        """The records after the header, block by block."""
        return self._blocks()

    def _blocks(self) -> Iterator[Block]:
        with self._opened() as file:
            _skip(file, len(self._bom) + self._begin)
            rest, lines, more = b"", self._head_lines, True
            while more:
                new = file.read(BLOCK_BYTES)
                more, content = bool(new), rest + new
                found = records.split(content, self.dialect, last=not more)
                if found.open and not more:
                    line = lines + 1 + _lines(content[: int(found.starts[-1])])
                    raise CommandError(f"{self.path}, line {line:,}: a quote is not closed")
                self._check_utf8(content[: found.end] if more else content, lines)
                rest = content[found.end :]
                if len(found.starts):
                    yield Block(content[: found.end], found, lines)
                    lines += _lines(content[: found.end])
                if len(rest) > RECORD_BYTES:
                    most = f"{RECORD_BYTES >> 20} MB"
                    raise CommandError(f"{self.path}, line {lines + 1:,}: it is longer than {most}")
            self.tail = rest

    def _opened(self) -> IO[bytes]:
        if self._packing is None:
            return open(self.path, "rb")
        stream: IO[bytes] = require("pyarrow", "packed tables").input_stream(
            self.path, compression=self._packing
        )
        return stream

    def _check_utf8(self, content: bytes, lines: int) -> None:
        if not lines and content.startswith(b"\x1f\x8b"):
            raise CommandError(
                f"{self.path} is packed by gzip: its name, or --format, must say .gz"
            )
        try:
            content.decode()
        except UnicodeDecodeError as error:
            line = lines + 1 + _lines(content[: error.start])
            raise CommandError(
                f"{self.path}, line {line:,}: {content[error.start : error.start + 1]!r} is not "
                f"UTF-8; convert the file first, as by iconv -f latin1 -t utf-8"
            ) from None

    def parse(self, block: Block, kinds: dict[int, str]) -> Any:
        """Columns of a block, by their places, of the types that are given."""
        arrow = require("pyarrow", "reading .csv")
        types = {str(place): arrow.type_for_alias(kind) for place, kind in kinds.items()}
        if not len(block.records.starts):
            return arrow.table({name: arrow.array([], kind) for name, kind in types.items()})
        ragged: list[Any] = []

        def refuse(row: Any) -> str:
            ragged.append(row)
            return "error"

        content = records.without_comments(block.content, block.records)
        try:
            table = self._read(arrow.BufferReader(content), len(content), types, refuse)
        except arrow.ArrowInvalid as error:
            if ragged:
                line = block.line_of(ragged[0].number - 1)
                fields = count(ragged[0].actual_columns, "field")
                wanted = (
                    f"{fields}, but the header has {ragged[0].expected_columns}{hint(self.header)}"
                )
                raise CommandError(f"{self.path}, line {line:,}: {wanted}") from None
            raise UnreadError(error, block) from None
        if table.num_rows != len(block.records.starts):
            line = block.lines + 1
            raise CommandError(f"{self.path}: its rows from line {line:,} on cannot be told apart")
        return table

    def _read(self, source: Any, size: int, types: dict[str, Any], refuse: Any) -> Any:
        csv_ = require("pyarrow.csv", "reading .csv")
        names = [str(i) for i in range(len(self.header))]
        return csv_.read_csv(
            source,
            read_options=csv_.ReadOptions(
                use_threads=False, block_size=size + 1, column_names=names
            ),
            parse_options=csv_.ParseOptions(
                delimiter=self.dialect.delimiter,
                newlines_in_values=True,
                invalid_row_handler=refuse,
            ),
            convert_options=csv_.ConvertOptions(
                column_types=types,
                null_values=NULLS,
                strings_can_be_null=False,
                decimal_point=self.dialect.decimal,
                include_columns=list(types),
            ),
        )

    def raw(self, block: Block, *, followed: bool) -> tuple[Any, Any]:
        """The bytes of each record, with the lines before it that are none; and its line end.

        The last record of a text that is followed by another one gets a line end if it has none.
        """
        arrow = require("pyarrow", "reading .csv")
        found = block.records
        places = np.empty(2 * len(found.starts) + 1, np.int32)
        places[0], places[1::2], places[2::2] = 0, found.ends, found.nexts
        buffers = [None, arrow.py_buffer(places), arrow.py_buffer(block.content)]
        both = arrow.Array.from_buffers(arrow.binary(), len(places) - 1, buffers)
        step = np.arange(0, len(places) - 1, 2)
        line_ends = both.take(arrow.array(step + 1))
        if followed and found.ends[-1] == found.nexts[-1]:
            last = arrow.array([self.head_end or b"\n"], arrow.binary())
            line_ends = arrow.concat_arrays([line_ends[:-1], last])
        return both.take(arrow.array(step)), line_ends


class UnreadError(Exception):
    """A value that is not of the type its column was tried as."""

    def __init__(self, error: Exception, block: Block) -> None:
        super().__init__(str(error))
        self.block = block

    def told(self, text: Text) -> CommandError:
        """The error that a user is told."""
        found = re.search(
            r"In CSV column #(\d+):.*?Row #(\d+):.*invalid value '(.*)'$", str(self), re.DOTALL
        )
        if found is None:
            return CommandError(f"{text.path} cannot be read: {reason(self)}")
        column, line = text.header[int(found[1])], self.block.line_of(int(found[2]) - 1)
        return CommandError(
            f"{text.path}, line {line:,}: column {column!r} holds {found[3]!r}, which is no number"
        )


def _skip(file: IO[bytes], size: int) -> None:
    while size and (part := file.read(min(size, BLOCK_BYTES))):
        size -= len(part)
