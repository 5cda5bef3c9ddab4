"""Scans of segments: parts of a dim, each scanned by itself, in the memory they lie in."""

from __future__ import annotations

from typing import Any

import numpy as np

from cumsum import _core
from cumsum import numpy as door
from cumsum.options import SEGMENTS, Options

Array = np.ndarray[Any, Any]


def cuts_of(options: Options) -> tuple[str, Any]:
    """Which keyword cuts the dim, and its value."""
    return next((name, v) for name in SEGMENTS if (v := getattr(options, name)) is not None)


def check_kind(name: str, kind: str, dtype: object) -> None:
    """Raise an error unless elements of `dtype`, of NumPy's `kind`, can be those of `name`."""
    wanted = "bool" if name == "reset" else "integers"
    if kind not in ("b" if name == "reset" else "iu"):
        raise TypeError(f"cumsum(): {name} must be {wanted}, got dtype {dtype}")


def offsets_of(name: str, cuts: Array, size: int, threads: int, *, copy: bool = True) -> Array:
    """The int64 offsets of a dim of `size` elements, from any of the keywords' 1-D arrays.

    They are checked; and a copy, as what is scanned later is nobody else's to change, unless none
    is asked for and they are what was given.
    """
    _check_cuts(name, cuts)
    if name == "reset":
        return _of_starts(cuts, size)
    given = cuts
    if name == "lengths":
        cuts, copy = _of_lengths(cuts, size), False
    offsets = np.array(cuts, np.int64) if copy else np.require(cuts, np.int64, ["C", "A"])
    at = _core.find_fault(door.memory_of(offsets), size, threads)
    if at < 0:
        return offsets
    if name == "lengths":
        raise ValueError(f"cumsum(): lengths add up to more than {size}, the length of the dim")
    raise ValueError(f"cumsum(): offsets[{at}] is {given[at]}, but {_rule(offsets, at, size)}")


def _check_cuts(name: str, cuts: Array) -> None:
    if name not in SEGMENTS:
        raise ValueError(f"cumsum(): {name!r} is not one of {SEGMENTS}")
    if cuts.size:
        check_kind(name, cuts.dtype.kind, cuts.dtype)
    if cuts.ndim != 1 or (name == "offsets" and len(cuts) == 0):
        raise ValueError(f"cumsum(): {name} must be 1-D and not empty, got shape {cuts.shape}")


def _of_lengths(lengths: Array, size: int) -> Array:
    negative = lengths < 0
    if negative.any():
        at = int(np.argmax(negative))
        raise ValueError(f"cumsum(): lengths[{at}] is {lengths[at]}, but must not be negative")
    offsets: Array = door.cumsum(lengths, 0, dtype=np.int64, include_initial=True)
    if offsets[-1] != size:
        total = sum(lengths.tolist())  # which may be more than 64 bits hold
        message = f"cumsum(): lengths add up to {total}, but the dim has {size} elements"
        raise ValueError(message)
    return offsets


def _rule(offsets: Array, at: int, size: int) -> str:
    if at == 0 and offsets[0] != 0:
        return "must be 0"
    if at > 0 and offsets[at] < offsets[at - 1]:
        return f"must not be less than the one before, {offsets[at - 1]}"
    return f"must be {size}, the length of the dim"


def _of_starts(starts: Array, size: int) -> Array:
    """Segments begin where `starts` is set, and at the first element."""
    if len(starts) != size:
        message = f"cumsum(): reset has shape {starts.shape}, but the dim has {size} elements"
        raise ValueError(message)
    within = np.flatnonzero(starts[1:]) + 1
    return np.concatenate(([0], within, [size] if size else [])).astype(np.int64, copy=False)
