"""The types of a .csv's columns, from all of its rows.

pyarrow infers types from a whole file when it reads a whole file, and from the first block when it
streams. So the file is streamed with the types of its first block until a value does not fit; then
that column takes the next type in pyarrow's own order, and the file is read from its start again.
A file that holds no surprise is read once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cumsum.console import CommandError, require
from cumsum.files.tables import NULLS

# Bytes that are parsed at a time; a row cannot be longer. pyarrow reads this many blocks ahead, and
# has some of them parsed: measured are 41 to 44 times the block.
BLOCK_BYTES = 1 << 20
AHEAD = 44


def stream(path: str, types: Mapping[str, Any] | None, columns: list[str] | None = None) -> Any:
    """Open a .csv as batches of rows, of the types that are given."""
    csv = require("pyarrow.csv", "reading .csv")
    convert = csv.ConvertOptions(
        null_values=NULLS, column_types=dict(types or {}), include_columns=columns
    )
    return csv.open_csv(path, csv.ReadOptions(block_size=BLOCK_BYTES), convert_options=convert)


def infer(path: str) -> tuple[Any, int, dict[str, int]]:
    """The schema that holds for every row, how many rows there are, and the nulls by column."""
    arrow = require("pyarrow", "reading .csv")
    with stream(path, None) as reader:
        types = {field.name: field.type for field in reader.schema}
        names = reader.schema.names
    if len(types) < len(names):
        double = next(name for name in names if names.count(name) > 1)
        raise CommandError(f"{path} has several columns {double!r}")
    while True:
        try:
            return _count(arrow, path, types)
        except arrow.ArrowInvalid as error:
            name = _culprit(names, str(error))
            if name is None or (looser := _looser(arrow, types[name])) is None:
                raise
            types[name] = looser


def _count(arrow: Any, path: str, types: dict[str, Any]) -> tuple[Any, int, dict[str, int]]:
    rows, nulls = 0, dict.fromkeys(types, 0)
    for batch in batches(path, types):
        rows += batch.num_rows
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            nulls[name] += column.null_count
    return arrow.schema(list(types.items())), rows, nulls


def batches(path: str, types: Mapping[str, Any], columns: list[str] | None = None) -> Iterator[Any]:
    """The rows of a .csv, batch by batch."""
    with stream(path, types, columns) as reader:
        yield from reader


def _culprit(names: list[str], message: str) -> str | None:
    """The column that pyarrow says a value of does not fit."""
    found = re.search(r"In CSV column #(\d+):.*conversion error", message, re.DOTALL)
    return names[int(found[1])] if found else None


def _looser(arrow: Any, kind: Any) -> Any:
    """The next type that pyarrow tries for a column."""
    order = [
        *(arrow.null(), arrow.int64(), arrow.bool_(), arrow.date32(), arrow.time32("s")),
        *(arrow.timestamp("s"), arrow.timestamp("ns"), arrow.float64()),
        *(arrow.string(), arrow.binary()),
    ]
    place = order.index(kind) + 1 if kind in order else len(order)
    return order[place] if place < len(order) else None
