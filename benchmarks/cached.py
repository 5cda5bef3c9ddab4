"""In the cache, where arithmetic is the limit: one thread, and what the second adds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import cumsum
import groups
from cumsum import bench

ELEMENTS = 100_000
DTYPES = ("float32", "float64", "int64", "int8", "bool", "bfloat16", "float16")
SQUARE = (1000, 1000)
ALONE_HEADER = f"{'one thread':32} {'ours':>7} {'copy':>7}  ns an element"
SECOND_HEADER = f"{'the second thread':32} {'one':>10} {'two':>10} {'speed-up':>9}"


def measure_alone(seconds: float) -> Iterator[dict[str, Any]]:
    """One row for each dtype, ours and a copy on one thread."""
    for dtype in DTYPES:
        case = bench.Case(f"{dtype} 1-D, {ELEMENTS:,}", (ELEMENTS,), dtype, 0)
        if bench.can_run(case):
            yield bench.run_case(case, threads=1, peers=(), seconds=seconds).as_dict()


def format_alone(row: dict[str, Any]) -> str:
    """One line of the table."""
    ours, copy = (1e9 * row["times"][name] / ELEMENTS for name in ("ours", "copy"))
    return f"{row['case']['name']:32} {ours:7.3f} {copy:7.3f}"


def on(threads: int, call: Callable[[], object]) -> Callable[[], object]:
    """The call on so many threads."""

    def run() -> None:
        with cumsum.num_threads(threads):
            call()

    return run


def measure_second(threads: int, seconds: float) -> Iterator[dict[str, Any]]:
    """A square in the cache on one thread and on two, in turns; nothing where there is one."""
    if threads < 2:
        return
    x = bench.random_values(list(SQUARE), "float32")
    call = partial(cumsum.cumsum, x, 1, out=np.empty_like(x))
    name = f"float32 {SQUARE} dim 1"

    def measure(seconds: float) -> dict[str, Any]:
        return {"name": name, **bench.measure({"one": on(1, call), "two": on(2, call)}, seconds)}

    yield groups.twice("second_thread", measure, seconds)


def format_second(row: dict[str, Any]) -> str:
    """One line of the table, in microseconds."""
    one, two = row["one"], row["two"]
    return f"{row['name']:32} {one * 1e6:7.1f} us {two * 1e6:7.1f} us {one / two:9.2f}"
