"""Hands the memory of a decayed scan to the core, whatever its layout."""

from __future__ import annotations

from typing import NamedTuple

from cumsum import _core
from cumsum.dtypes import DType
from cumsum.plan import Memory, arguments


class Operand(NamedTuple):
    """Where an array lies: `strides` are in bytes, as in NumPy."""

    address: int
    strides: tuple[int, ...]


class Scan(NamedTuple):
    """A decayed scan along `axis`.

    Attributes
    ----------
    dtype : DType
        That of `x` and `y`.
    kind : DType
        Of the decays, whose strides may be zero: float64, complex128 or `dtype`.
    shape : tuple of int
        That of `x` and `y`, which are the same memory or share none.
    axis : int
        Non-negative.
    reverse : bool
        Whether it begins at the last element.
    x, y, decay : Operand
        The elements, the results and the decays.
    initial : Operand, optional
        An element of `dtype` for each line.
    """

    dtype: DType
    kind: DType
    shape: tuple[int, ...]
    axis: int
    reverse: bool
    x: Operand
    y: Operand
    decay: Operand
    initial: Operand | None


def run(scan: Scan, threads: int) -> None:
    """Write the results to `scan.y`."""

    def memory(operand: Operand) -> Memory:
        return Memory(operand.address, scan.dtype, scan.shape, operand.strides)

    flags = {"exclusive": False, "reverse": scan.reverse, "compensated": False}
    initial = None if scan.initial is None else memory(scan.initial)
    given = arguments(
        memory(scan.x), memory(scan.y), scan.axis, **flags, threads=threads, initial=initial
    )
    _core.scan_decayed(given, scan.decay.address, scan.kind, scan.decay.strides)
