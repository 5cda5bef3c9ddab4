"""Values that the dtype of the sums cannot hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Elements that are looked at together.
PART = 1 << 16


def may_lose(source: np.dtype[Any], dtype: np.dtype[Any]) -> bool:
    """Whether a cast may do more to a value than round it."""
    kinds = source.kind + dtype.kind
    return source.kind in "iuf" and dtype.kind in "biuf" and not (
        np.can_cast(source, dtype, "safe") or (kinds in ("if", "uf") and dtype.itemsize >= 4)
    )  # fmt: skip


def lost(x: NDArray[Any], dtype: np.dtype[Any]) -> int:
    """How many values become others: integers that are cut or wrap, floats that become infinite."""
    found, flat = 0, x.reshape(-1) if x.flags.c_contiguous else x.ravel()
    for start in range(0, len(flat), PART):
        part = flat[start : start + PART]
        with np.errstate(all="ignore"):
            cast = part.astype(dtype)
            if dtype.kind == "f":
                found += int(np.count_nonzero(np.isinf(cast) & np.isfinite(part)))
            else:
                found += int(np.count_nonzero(cast.astype(part.dtype) != part))
    return found
