"""What one call costs on arrays so small that nothing else counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch

import cumsum
import groups
from cumsum import bench

SIZES = (8, 1000)
HEADER = f"{'call':44} {'ours':>10} {'peer':>10} {'ratio':>7}"


def contestants(library: str, size: int, *, out: bool) -> dict[str, Callable[[], object]]:
    """Ours and the library's own cumsum on one float32 array of that library."""
    values = np.linspace(0, 1, size, dtype=np.float32)
    if library == "torch":
        x = torch.from_numpy(values)
        options: dict[str, Any] = {"out": torch.empty_like(x)} if out else {}
        return {
            "ours": partial(cumsum.cumsum, x, 0, **options),
            "peer": partial(torch.cumsum, x, 0, **options),
        }
    options = {"out": np.empty_like(values)} if out else {}
    return {
        "ours": partial(cumsum.cumsum, values, 0, **options),
        "peer": partial(np.cumsum, values, 0, **options),
    }


def measure_all(seconds: float) -> Iterator[dict[str, Any]]:
    """One row for each library, size and way of calling; seconds per call."""

    def measure(library: str, size: int, out: bool, seconds: float) -> dict[str, Any]:
        words = f"{library}, {size} float32" + (", out=" if out else "")
        times = bench.measure(contestants(library, size, out=out), seconds)
        return {"name": words, "library": library, "size": size, "out": out, **times}

    for library in ("torch", "numpy"):
        for size in SIZES:
            for out in (False, True):
                yield groups.twice("calls", partial(measure, library, size, out), seconds)


def format_row(row: dict[str, Any]) -> str:
    """One line of the table, in microseconds."""
    ours, peer = row["ours"], row["peer"]
    return f"{row['name']:44} {ours * 1e6:7.2f} us {peer * 1e6:7.2f} us {ours / peer:7.2f}"
