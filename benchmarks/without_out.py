"""Scans that allocate their result: their time, and the pages the system has to provide."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch

import cumsum
import groups
from cumsum import bench

SHAPES = ((100_000,), (1_000_000,), (10_000_000,), (100_000_000,), (4096, 4096))
ROWS = (*(("float32", shape) for shape in SHAPES), ("int8", (10_000_000,)))
# A few, since the first calls teach the allocator what to keep.
WARM_CALLS, COUNTED_CALLS = 3, 5
HEADER = f"{'without out=':44} {'ours':>10} {'peer':>10} {'copy':>10} {'ratio':>7}  pages of each"


def contestants(library: str, dtype: str, shape: tuple[int, ...]) -> dict[str, Callable[[], Any]]:
    """Ours, the library's own cumsum, and its copy, each of which returns a new array."""
    values = bench.random_values(list(shape), dtype)
    if library == "numpy":
        return {
            "ours": partial(cumsum.cumsum, values, 0),
            "peer": partial(np.cumsum, values, 0),
            "copy": values.copy,
        }
    x = torch.from_numpy(values)
    return {
        "ours": partial(cumsum.cumsum, x, 0),
        "peer": partial(torch.cumsum, x, 0),
        "copy": x.clone,
    }


def page_faults(call: Callable[[], object]) -> float:
    """Pages that the system provides for one call."""
    for _ in range(WARM_CALLS):
        call()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(COUNTED_CALLS):
        call()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / COUNTED_CALLS


def measure(library: str, dtype: str, shape: tuple[int, ...], seconds: float) -> dict[str, Any]:
    """Seconds and page faults per call."""
    where = f"1-D, {shape[0]:,}" if len(shape) == 1 else f"{shape} dim 0"
    calls = contestants(library, dtype, shape)
    times = bench.measure(calls, seconds)
    faults = {name: page_faults(call) for name, call in calls.items()}
    return {"name": f"{library}, {dtype} {where}", "faults": faults, **times}


def measure_all(threads: int, seconds: float) -> Iterator[dict[str, Any]]:
    """One row for each library, dtype and shape; seconds and page faults per call."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(cumsum.num_threads(threads))
        stack.enter_context(bench.torch_threads(torch, threads))
        for library in ("torch", "numpy"):
            for dtype, shape in ROWS:
                row = partial(measure, library, dtype, shape)
                yield groups.twice("without_out", row, seconds)


def format_row(row: dict[str, Any]) -> str:
    """One line of the table, in milliseconds."""
    times = " ".join(f"{row[name] * 1e3:7.3f} ms" for name in ("ours", "peer", "copy"))
    pages = ", ".join(f"{row['faults'][name]:.0f}" for name in ("ours", "peer", "copy"))
    return f"{row['name']:44} {times} {row['ours'] / row['peer']:7.2f}  {pages}"
