"""Columns of sums, as pyarrow has them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cumsum.console import CommandError, require
from cumsum.files.store import Spec
from cumsum.files.tables.arrow_table import ArrowTable
from cumsum.files.tables.columns import Mask, Table

# More are no table: their names alone would take the memory.
MOST_COLUMNS = 1 << 16


def names_of(spec: Spec, suffix: str) -> list[str]:
    """The names of the columns of sums: after those of a table, else by their places."""
    if len(spec.shape) > 2:
        raise CommandError(f"a {suffix} file holds 1-D and 2-D arrays, not shape {spec.shape}")
    if isinstance(spec.like, Table):
        return spec.like.columns.sums
    several = len(spec.shape) == 2
    if several and spec.shape[1] > MOST_COLUMNS:
        many = f"{spec.shape[1]:,} columns of sums are more than a table can have"
        raise CommandError(f"{spec.name}: {many}, {MOST_COLUMNS:,}; write an array")
    return [f"cumsum_{i}" for i in range(spec.shape[1])] if several else ["cumsum"]


def check_taken(spec: Spec, held: list[str]) -> None:
    """Refuse sums whose names columns of the input have."""
    if not isinstance(spec.like, Table):
        return
    taken = next((name for name in spec.like.columns.sums if name in held), None)
    if taken is not None:
        what = f"{spec.like.path} already has a column {taken!r}"
        raise CommandError(f"{what}; --suffix names it otherwise")


def kind_of(spec: Spec, suffix: str) -> Any:
    """The type of the sums."""
    arrow = require("pyarrow", f"writing {suffix}")
    try:
        return arrow.from_numpy_dtype(spec.dtype)
    except arrow.ArrowException as error:
        raise CommandError(f"{suffix} cannot hold {spec.dtype}: {error}") from None


def nullable(spec: Spec) -> list[bool]:
    """Whether each column of sums can be none: as the column it is of."""
    if isinstance(spec.like, ArrowTable):
        fields = map(spec.like.schema.field, spec.like.columns.names)
        return [field.nullable for field in fields]
    return [True] * (spec.shape[1] if len(spec.shape) == 2 else 1)


def columns_of(values: NDArray[Any], missing: Mask | None, nullable: list[bool]) -> list[Any]:
    """Sums as columns: none where they are missing, or NaN where that cannot be."""
    sums = [values] if values.ndim == 1 else list(values.T)
    masks: list[Any] = [None] * len(sums)
    if missing is not None:
        masks = [missing] if missing.ndim == 1 else list(missing.T)
    for i, can_be_null in enumerate(nullable):
        if masks[i] is not None and not can_be_null:
            sums[i], masks[i] = np.where(masks[i], values.dtype.type(np.nan), sums[i]), None
    return [column(part, mask) for part, mask in zip(sums, masks, strict=True)]


def column(values: NDArray[Any], missing: Mask | None) -> Any:
    """One of them, with a copy of the values, whose memory is used again."""
    arrow = require("pyarrow", "writing tables")
    if values.dtype == np.bool_ or missing is not None:
        return arrow.array(np.array(values), mask=missing)
    kind = arrow.from_numpy_dtype(values.dtype)
    return arrow.Array.from_buffers(kind, len(values), [None, arrow.py_buffer(values.tobytes())])
