"""What the core is asked for: where arrays lie, and how they are scanned."""

from __future__ import annotations

from typing import NamedTuple

from cumsum.dtypes import DType

# Elements whose sum is added to the carry as one: `tile_size` of src/core/kernels/table.h.
TILE = 4096


class Memory(NamedTuple):
    """Where an array lies: `strides` are in bytes, as in NumPy."""

    address: int
    dtype: DType
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Spec(NamedTuple):
    """How an array is scanned, without any array.

    Attributes
    ----------
    dim : int
        Non-negative.
    exclusive, reverse, include_initial, skipna, missing, overflow
        As for ``cumsum.cumsum``.
    compensated : bool
        Whether sums of float64 and complex128 are carried as two numbers.
    """

    dim: int
    exclusive: bool = False
    reverse: bool = False
    include_initial: bool = False
    skipna: bool = False
    missing: str = "carry"
    overflow: str | None = None
    compensated: bool = False
