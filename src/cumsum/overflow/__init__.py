"""Sums of integers that a dtype may not hold: `overflow="raise"` and `overflow="saturate"`.

Either goes by the exact sums: of the elements as they are given, whatever the dtype of the result,
and of `initial` as it is given. A running sum that has left the range may come back into it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from cumsum.options import EXACT, Options
from cumsum.subclasses import array_of

INTEGERS = "biu"  # NumPy's kinds; True is 1


def is_exact(options: Options) -> bool:
    """Whether the exact sums are asked for."""
    return options.overflow in EXACT


def check(options: Options, dtype: object, is_integer: bool) -> None:
    """Raise an error where exact sums of a result dtype, or with other keywords, make no sense."""
    if not is_integer:
        raise ValueError(
            f"cumsum(): overflow={options.overflow!r} is for results that are integers, not {dtype}"
        )
    if options.decay is not None:
        raise NotImplementedError("cumsum(): overflow is not available together with decay")


@lru_cache
def limits(dtype: np.dtype[Any]) -> tuple[int, int]:
    """The least and the greatest number of an integer dtype, or of a duration's ticks."""
    if dtype.kind == "b":
        return 0, 1
    if dtype.kind == "m":  # the least number of 64 bits is NaT's
        return 1 - 2**63, 2**63 - 1
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


def dtype_for(out: np.ndarray[Any, Any], dtype: Any) -> np.dtype[Any]:
    """The dtype of exact sums that are written to `out`: its own, in native byte order."""
    own: np.dtype[Any] = out.dtype.newbyteorder("=")
    if dtype is not None and np.dtype(dtype).newbyteorder("=") != own:
        message = f"cumsum(): with overflow, out must have the dtype {dtype} as well, not {own}"
        raise ValueError(message)
    return own


def dtype_of_first(initial: Any, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype that `initial` is read in, for results of `dtype`: one that holds it exactly."""
    if dtype.kind not in INTEGERS:
        return dtype
    given = array_of("initial", initial)
    if given.dtype.kind == "O" and all(isinstance(v, int) for v in given.flat):
        return np.dtype(object)  # integers beyond 64 bits
    return np.dtype(np.uint64 if given.dtype.kind == "u" else np.int64)


def show(number: int) -> str:
    """An integer in digits, or how long it is."""
    bits = int(number).bit_length()
    return str(number) if bits <= 128 else f"an integer of {bits} bits"
