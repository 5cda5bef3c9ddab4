"""The figures of a report, by the names of their rows: what the groups judge."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
Report = dict[str, Any]
Figures = dict[str, float]

LARGE, SMALL, CACHED = 10_000_000, 100_000, 1_000_000
HALVES = ("float16", "bfloat16")
QUICK = ("float32", "complex64")  # their copies are so quick in the cache that arithmetic shows
REPEATED = ("expanded", "broadcast")


def size(row: Row) -> int:
    """Elements of a case."""
    return math.prod(row["case"]["shape"])


def is_contiguous(row: Row) -> bool:
    """Whether the elements lie side by side."""
    return row["case"]["layout"] == "contiguous"


def is_repeated(row: Row) -> bool:
    """Whether the input repeats itself; the yardstick is then a fill."""
    return row["case"]["layout"] in REPEATED


def is_strided(row: Row) -> bool:
    """Whether the elements lie apart or backwards, and so do those of the copy."""
    return "strided" in row["copy"]


def is_large(row: Row) -> bool:
    """Beyond the cache, side by side: memory is the limit."""
    return size(row) >= LARGE and is_contiguous(row)


def is_half(row: Row) -> bool:
    """Of 16-bit floats, which have the fewest bytes for as much arithmetic."""
    return row["case"]["dtype"] in HALVES


def has_few_columns(row: Row) -> bool:
    """Two to eight columns, a million long, along dim 0: where others have a cliff."""
    shape = row["case"]["shape"]
    return len(shape) == 2 and shape[0] >= CACHED and shape[1] <= 8 and row["case"]["dim"] == 0


def is_short_rows(row: Row) -> bool:
    """Rows so short that each is over before it has begun."""
    shape = row["case"]["shape"]
    return len(shape) == 2 and shape[0] > 100_000 and shape[1] <= 100 and row["case"]["dim"] == 1


def is_cached(row: Row) -> bool:
    """A size that stays in the cache from one call to the next."""
    return SMALL <= size(row) <= CACHED


def is_quick(row: Row) -> bool:
    """A dtype whose in-cache limit is arithmetic, along the last dim."""
    case = row["case"]
    return case["dtype"] in QUICK and case["dim"] % len(case["shape"]) == len(case["shape"]) - 1


def to_copy(row: Row) -> float | None:
    """Ours as a multiple of the copy; None where the copy has not the strides of the scan."""
    if not (is_contiguous(row) or is_repeated(row) or is_strided(row)):
        return None
    ratio: float = row["ratios"].get("ours", math.inf)
    return ratio


def to_peers(row: Row) -> float | None:
    """Ours as a multiple of the quicker of torch and NumPy; None where neither can do it."""
    times = row["times"]
    peers = [times[name] for name in ("torch", "numpy") if name in times]
    return times.get("ours", math.inf) / min(peers) if peers else None


def ns_an_element(row: Row) -> float:
    """Nanoseconds of ours for each element."""
    return 1e9 * row["times"]["ours"] / size(row)


def ratio(row: Row) -> float:
    """Ours as a multiple of the peer."""
    return row["ours"] / row["peer"]


def named(part: str, of: Callable[[Row], float | None], holds: Callable[[Row], bool]) -> Any:
    """The figure `of` each row of a part that `holds` is true of."""

    def figures(report: Report) -> Figures:
        found = {name_of(row): of(row) for row in report.get(part, ()) if holds(row)}
        return {name: figure for name, figure in found.items() if figure is not None}

    return figures


def name_of(row: Row) -> str:
    """A row's own name, or that of its case."""
    name: str = row["case"]["name"] if "case" in row else row["name"]
    return name


def copies(holds: Callable[[Row], bool]) -> Callable[[Report], Figures]:
    """The multiples of a copy of all cases that `holds` is true of."""
    return named("cases", to_copy, holds)


def abilities(ability: str) -> Callable[[Report], Figures]:
    """The rows of an ability, as multiples of the plain scan."""
    return named(
        "abilities", lambda row: row["ours"] / row["plain"], lambda row: row["ability"] == ability
    )


def with_gradient(holds: Callable[[Row], bool]) -> Callable[[Report], Figures]:
    """Forward and backward together, as multiples of torch's."""
    return named("gradients", ratio, holds)


def few_floats(library: str) -> Callable[[Report], Figures]:
    """Calls with 8 floats, as multiples of the library's own."""
    return named("calls", ratio, lambda row: row["library"] == library and row["size"] == 8)


def every(_: Row) -> bool:
    """Any row."""
    return True


def beside_peers(report: Report) -> Figures:
    """Ours as a multiple of the quicker of torch and NumPy, for every case and every call."""
    cases = named("cases", to_peers, every)(report)
    calls = named("calls", ratio, every)(report)
    return {**cases, **{f"a call: {name}": figure for name, figure in calls.items()}}


def page_faults(row: Row) -> float:
    """Page faults of such a scan beside the library's own; one more than none is no matter."""
    faults = row["faults"]
    return (1 + faults["ours"]) / (1 + faults["peer"])


def beside_neighbour(report: Report) -> Figures:
    """How much more than a copy a scan suffers from a busy neighbour."""
    row = report.get("neighbour")
    return {row["name"]: row["slowdown"]["ours"] / row["slowdown"]["copy"]} if row else {}


def importing(report: Report) -> Figures:
    """`import cumsum` as a multiple of `import numpy`."""
    times = report.get("import")
    return {"import": times["ratio"]} if times else {}
