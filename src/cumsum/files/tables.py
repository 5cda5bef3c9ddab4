"""Tables in memory: .csv and .parquet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from cumsum.console import CommandError, count, require
from cumsum.files.source import Source, among

# What stands for a missing value in a .csv; nan is a number.
NULLS = ["", "NULL", "null", "NA", "N/A", "#N/A", "n/a"]


def read_table(path: Path, suffix: str, columns: Sequence[str]) -> Source:
    """Read a table and stack the chosen columns: one gives a 1-D array, several a 2-D one."""
    arrow = require("pyarrow", f"reading {suffix}")
    try:
        if suffix == ".csv":
            csv = require("pyarrow.csv", "reading .csv")
            options = csv.ConvertOptions(null_values=NULLS)
            table = csv.read_csv(path, convert_options=options)
        else:
            with require("pyarrow.parquet", "reading .parquet").ParquetFile(path) as file:
                table = file.read()  # read_table wants names that differ
        width = len(table.column_names)  # a name that is not UTF-8 fails here
    except (arrow.ArrowException, ValueError) as error:
        raise CommandError(f"{path} is not a {suffix} file that can be read: {error}") from None
    if not width:
        raise CommandError(f"{path} has no columns")
    names = tuple(columns) or only_numeric_column(arrow, path, table.schema)
    arrays = [column_values(arrow, path, table, name) for name in names]
    shared = np.result_type(*(array.dtype for array in arrays))
    for name, array in zip(names, arrays, strict=True):
        check_exact(path, name, array, shared, len(array))
    return Source(path, arrays[0] if len(arrays) == 1 else np.stack(arrays).T, names, table)


def only_numeric_column(arrow: Any, path: Path, schema: Any) -> tuple[str, ...]:
    """The one column that can be meant when none is named."""
    types = arrow.types
    numeric = [f.name for f in schema if types.is_integer(f.type) or types.is_floating(f.type)]
    if len(numeric) != 1:
        found = count(len(numeric), "numeric column")
        raise CommandError(f"{path} has {found}: choose --column{among(numeric)}")
    return tuple(numeric)


def find_column(path: Path, table: Any, name: str) -> Any:
    """A table's column by name, whole: a missing value would leave every later total unknown."""
    if table.column_names.count(name) != 1:
        problem = "several columns" if name in table.column_names else "no column"
        raise CommandError(f"{path} has {problem} {name!r}{among(table.column_names)}")
    column = table.column(name)
    if column.null_count:
        missing = count(column.null_count, "missing value")
        raise CommandError(f"{path}: column {name!r} has {missing}; fill or drop them first")
    return column


def column_values(arrow: Any, path: Path, table: Any, name: str) -> Any:
    """A numeric column as an array."""
    column = find_column(path, table, name)
    is_number = (arrow.types.is_integer, arrow.types.is_floating, arrow.types.is_boolean)
    if not any(check(column.type) for check in is_number):
        raise CommandError(f"{path}: column {name!r} holds {column.type}, not numbers")
    return column.to_numpy()


def check_exact(path: str | Path, name: str, values: Any, shared: Any, rows: int) -> None:
    """Refuse integers beside floats where their sums in the shared dtype could lose digits."""
    if values.dtype.kind not in "biu" or shared.kind != "f" or not values.size:
        return
    largest = max(int(values.max()), -int(values.min()))
    if largest * rows > 2 ** (np.finfo(shared).nmant + 1):
        raise CommandError(
            f"{path}: sums of column {name!r} could lose digits as {shared}, "
            "which all chosen columns share; run them one by one"
        )


def write_table(file: IO[bytes], suffix: str, result: Any, source: Source) -> None:
    """Write the input's table with a column NAME_cumsum more for each that was scanned."""
    arrow = require("pyarrow", f"writing {suffix}")
    if result.ndim > 2:
        raise CommandError(f"a {suffix} file holds 1-D and 2-D arrays, not shape {result.shape}")
    columns = [result] if result.ndim == 1 else list(result.T)
    names = [f"{name}_cumsum" for name in source.names]
    held: list[str] = []
    before: list[Any] = []
    if source.table is None:
        names = ["cumsum"] if result.ndim == 1 else [f"cumsum_{i}" for i in range(len(columns))]
    else:
        held, before = source.table.column_names, source.table.columns
    taken = [name for name in names if name in held]
    if taken:
        raise CommandError(f"{source.path} already has a column {taken[0]!r}")
    try:
        arrays = [arrow.array(np.ascontiguousarray(column)) for column in columns]
        table = arrow.table([*before, *arrays], [*held, *names])
        if suffix == ".csv":
            require("pyarrow.csv", "writing .csv").write_csv(table, file)
        else:
            require("pyarrow.parquet", "writing .parquet").write_table(table, file)
    except arrow.ArrowException as error:
        raise CommandError(f"{suffix} cannot hold {result.dtype}: {error}") from None
