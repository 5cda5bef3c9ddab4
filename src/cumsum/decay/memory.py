"""Hands the memory of a decayed scan to the core, whatever its layout."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from cumsum import _core
from cumsum.dtypes import DType


class Kind(IntEnum):
    """What decays are stored as; the numbers are those of `src/core/decay.h`."""

    constant = 0  # one float64 for each line
    own = 1  # one for each element, of the result's dtype
    wide = 2  # the same of float64
    complex = 3  # the same of complex128


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
    kind : Kind
        Of the decays, whose strides may be zero.
    shape : tuple of int
        That of `x` and `y`, which are the same memory or share none.
    axis : int
        Non-negative.
    reverse : bool
        Whether it begins at the last element.
    x, y, decay : Operand
        The elements, the results and the decays.
    initial : int
        The address of a float64 (complex128) for each line in C order, or 0.
    """

    dtype: DType
    kind: Kind
    shape: tuple[int, ...]
    axis: int
    reverse: bool
    x: Operand
    y: Operand
    decay: Operand
    initial: int


Line = tuple[int, tuple[int, ...]]  # so many lines, and how far apart in each operand


def run(scan: Scan, threads: int) -> None:
    """Write the results to `scan.y`."""
    if 0 in scan.shape:
        return
    operands = (scan.x, scan.y, scan.decay)
    steps = [operand.strides[scan.axis] for operand in operands]
    places = [operand.address for operand in operands]
    length = scan.shape[scan.axis]
    if scan.reverse:
        places = [place + (length - 1) * step for place, step in zip(places, steps, strict=True)]
        steps = [-step for step in steps]
    size = 16 if scan.kind is Kind.complex else 8

    def run_lines(lines: list[Line], places: list[int], initial: int) -> None:
        if len(lines) > 2:  # more axes than the core takes: one index after another
            (count, apart), *inner = lines
            below = size if initial else 0
            for n, _ in inner:
                below *= n
            for i in range(count):
                moved = [place + i * step for place, step in zip(places, apart, strict=True)]
                run_lines(inner, moved, initial + i * below)
            return
        (outer, out), (inner_size, in_) = [(1, (0, 0, 0)), (1, (0, 0, 0)), *lines][-2:]
        x, y, decay = ((place, out[k], steps[k], in_[k]) for k, place in enumerate(places))
        shape = (outer, length, inner_size)
        _core.scan_decayed(scan.dtype, scan.kind, shape, x, y, decay, initial, threads)

    run_lines(_lines(scan), places, scan.initial)


def _lines(scan: Scan) -> list[Line]:
    """The axes across the scanned one, of more than one element and as few as they can be."""
    lines: list[Line] = []
    for d, size in enumerate(scan.shape):
        if d == scan.axis or size == 1:
            continue
        steps = tuple(operand.strides[d] for operand in (scan.x, scan.y, scan.decay))
        if lines and lines[-1][1] == tuple(size * step for step in steps):
            lines[-1] = (lines[-1][0] * size, steps)
        else:
            lines.append((size, steps))
    return lines
