"""The types of a .csv's columns, from all of its rows.

pyarrow infers types from a whole file when it reads a whole file, and from the first block when it
streams. So the file is streamed with the types of its first block until a value does not fit; then
that column takes the next type in pyarrow's own order, and the file is read from its start again.
A file that holds no surprise is read once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cumsum.console import require
from cumsum.files.tables import NULLS

# Bytes that are parsed at a time; a row cannot be longer. pyarrow reads this many blocks ahead, and
# has some of them parsed: measured are 41 to 44 times the block.
BLOCK_BYTES = 1 << 20
AHEAD = 44


def stream(path: str, schema: Any = None, columns: list[str] | None = None) -> Any:
    """Open a .csv as batches of rows, of the types that are given."""
    csv = require("pyarrow.csv", "reading .csv")
    read, convert = csv.ReadOptions(block_size=BLOCK_BYTES), csv.ConvertOptions(null_values=NULLS)
    if schema is not None:
        names = schema.names
        keys = _keys(names)
        convert.column_types = dict(zip(keys, schema.types, strict=True))
        if columns is not None:
            convert.include_columns = [keys[names.index(name)] for name in columns]
        if keys is not names:
            read.column_names, read.skip_rows_after_names = keys, 1
    return csv.open_csv(path, read, convert_options=convert)


def _keys(names: list[str]) -> list[str]:
    """What columns are told apart by: their names, or their places where two have one name."""
    return names if len(set(names)) == len(names) else [str(i) for i in range(len(names))]


def infer(path: str) -> tuple[Any, int, dict[str, int]]:
    """The schema that holds for every row, how many rows there are, and the nulls by column."""
    arrow = require("pyarrow", "reading .csv")
    with stream(path) as reader:
        schema = reader.schema
    while True:
        try:
            return _count(path, schema)
        except arrow.ArrowInvalid as error:
            place = _culprit(str(error))
            if place is None or (looser := _looser(arrow, schema.types[place])) is None:
                raise
            schema = schema.set(place, arrow.field(schema.names[place], looser))


def _count(path: str, schema: Any) -> tuple[Any, int, dict[str, int]]:
    rows, nulls = 0, dict.fromkeys(schema.names, 0)
    for batch in batches(path, schema):
        rows += batch.num_rows
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            nulls[name] += column.null_count
    return schema, rows, nulls


def batches(path: str, schema: Any, columns: list[str] | None = None) -> Iterator[Any]:
    """The rows of a .csv, batch by batch."""
    arrow = require("pyarrow", "reading .csv")
    names = schema.names if columns is None else columns
    with stream(path, schema, columns) as reader:
        for batch in reader:
            yield arrow.RecordBatch.from_arrays(batch.columns, names)


def _culprit(message: str) -> int | None:
    """The place of the column that pyarrow says a value of does not fit."""
    found = re.search(r"In CSV column #(\d+):.*conversion error", message, re.DOTALL)
    return int(found[1]) if found else None


def _looser(arrow: Any, kind: Any) -> Any:
    """The next type that pyarrow tries for a column."""
    order = [
        *(arrow.null(), arrow.int64(), arrow.bool_(), arrow.date32(), arrow.time32("s")),
        *(arrow.timestamp("s"), arrow.timestamp("s", "UTC")),
        *(arrow.timestamp("ns"), arrow.timestamp("ns", "UTC")),
        *(arrow.float64(), arrow.string(), arrow.binary()),
    ]
    place = order.index(kind) + 1 if kind in order else len(order)
    return order[place] if place < len(order) else None
