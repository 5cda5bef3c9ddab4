"""Values that the dtype of the sums cannot hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Elements that are looked at together.
PART = 1 << 16


def may_lose(source: np.dtype[Any], dtype: np.dtype[Any]) -> bool:
    """Whether a cast may do more to a value than round it."""
    return (
        source.kind in "iuf"
        and dtype.kind in "biuf"
        and not (np.can_cast(source, dtype, "safe") and _keeps_digits(source, dtype))
    )


def _keeps_digits(source: np.dtype[Any], dtype: np.dtype[Any]) -> bool:
    """Whether a float holds all integers of a dtype; NumPy calls 64 bits in a double safe."""
    if source.kind == "f" or dtype.kind != "f":
        return True
    return int(np.iinfo(source).max).bit_length() <= np.finfo(dtype).nmant + 1


def lost(x: NDArray[Any], dtype: np.dtype[Any]) -> int:
    """How many values become others: cut, wrapped, infinite, or integers that lose digits."""
    found, flat = 0, x.reshape(-1) if x.flags.c_contiguous else x.ravel()
    for start in range(0, len(flat), PART):
        part = flat[start : start + PART]
        with np.errstate(all="ignore"):
            cast = part.astype(dtype)
            if dtype.kind == "f" and part.dtype.kind in "iu":
                exact = cast.astype(np.longdouble) == part.astype(np.longdouble)
                found += int(np.count_nonzero(~exact))
            elif dtype.kind == "f":
                found += int(np.count_nonzero(np.isinf(cast) & np.isfinite(part)))
            else:
                found += int(np.count_nonzero(cast.astype(part.dtype) != part))
    return found
