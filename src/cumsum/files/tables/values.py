"""The numbers of a table's columns as arrays, and what is added where one is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cumsum.console import CommandError, count, require
from cumsum.files.failures import among
from cumsum.files.tables.dialect import place_of

# How pyarrow calls some dtypes. (Its own ways to NumPy import pandas, which takes 100 MB.)
FLOATS = {"halffloat": "float16", "float": "float32", "double": "float64"}


def dtype_of(kind: Any) -> np.dtype[Any]:
    """The dtype of a type of pyarrow."""
    return np.dtype(FLOATS.get(str(kind), str(kind)))


def shared_dtype(kinds: Sequence[Any]) -> np.dtype[Any]:
    """What columns that are scanned side by side become."""
    dtype: np.dtype[Any] = np.result_type(*map(dtype_of, kinds))
    return dtype


def is_number(kind: Any) -> bool:
    """Whether values of a type of pyarrow can be added."""
    types = require("pyarrow", "tables").types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))


def check_column(path: str, schema: Any, name: str) -> None:
    """Refuse a name that is not that of one column of numbers."""
    kind = schema.field(place_of(path, schema.names, name)).type
    if require("pyarrow", "tables").types.is_decimal(kind):
        what = f"column {name!r} holds {kind}, of which there are no sums"
        raise CommandError(f"{path}: {what}; cast it to float64, or to integers of the last digit")
    if not is_number(kind):
        raise CommandError(f"{path}: column {name!r} holds {kind}, not numbers")


def only_numeric_column(path: str, schema: Any) -> tuple[str, ...]:
    """The one column that can be meant when none is named."""
    boolean = require("pyarrow", "tables").types.is_boolean
    numeric = [f.name for f in schema if is_number(f.type) and not boolean(f.type)]
    if len(numeric) != 1:
        found = count(len(numeric), "numeric column")
        raise CommandError(f"{path} has {found}: choose --column{among(numeric)}")
    return tuple(numeric)


def numbers(array: Any) -> NDArray[Any]:
    """The numbers of a pyarrow array, whatever where one is missing."""
    if str(array.type) == "bool":
        return numbers(array.cast("uint8")).view(np.bool_)
    dtype = dtype_of(array.type)
    if not len(array):
        return np.empty(0, dtype)
    return np.frombuffer(array.buffers()[1], dtype, len(array), array.offset * dtype.itemsize)


def nulls(array: Any) -> NDArray[np.bool_] | None:
    """Where a pyarrow array has no value; None if it has all."""
    if not array.null_count:
        return None
    return ~numbers(array.is_valid())


def put(chunk: Any, out: NDArray[Any], skipna: bool) -> NDArray[np.bool_] | None:
    """Write a column's numbers to `out`, zeros where they are missing; where that was.

    One function has what `skipna` means for tables: a null, and a NaN, add nothing.
    """
    out[...] = numbers(chunk)
    missing = nulls(chunk)
    if skipna and out.dtype.kind == "f":
        nan = np.isnan(out)
        missing = nan if missing is None else missing | nan
    if missing is not None:
        out[missing] = 0
    return missing


def check_exact(path: str, name: str, values: Any, shared: Any, rows: int) -> None:
    """Refuse integers beside floats where their sums in the shared dtype could lose digits."""
    if values.dtype.kind not in "biu" or shared.kind != "f" or not values.size:
        return
    largest = max(int(values.max()), -int(values.min()))
    if largest * rows > 2 ** (np.finfo(shared).nmant + 1):
        raise CommandError(
            f"{path}: sums of column {name!r} could lose digits as {shared}, "
            "which all chosen columns share; run them one by one"
        )
