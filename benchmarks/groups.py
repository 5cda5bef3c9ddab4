"""The figures that are promised: what each group aims at, what it may be, what it is.

report -> the rows of a group -> their ratios -> the worst, or the geometric mean -> a verdict
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
Report = dict[str, Any]
Figures = dict[str, float]

# "Not slower" allows this much for noise.
NOISE = 1.05
LARGE, SMALL, CACHED = 10_000_000, 100_000, 1_000_000
HALVES = ("float16", "bfloat16")
QUICK = ("float32", "complex64")  # their copies are so quick in the cache that arithmetic shows


@dataclass(frozen=True)
class Group:
    """Some figures of a report, by name, and the bounds for the worst or the mean of them."""

    name: str
    aim: float
    most: float
    figures: Callable[[Report], Figures]
    mean: bool = False

    def judge(self, report: Report) -> Row | None:
        """The group's line of the table; None where the report has no such figure."""
        figures = self.figures(report)
        if not figures:
            return None
        worst = max(figures, key=figures.__getitem__)
        measured = geometric_mean(figures.values()) if self.mean else figures[worst]
        return {
            "name": self.name,
            "statistic": "geometric mean" if self.mean else "worst",
            "aim": self.aim,
            "most": self.most,
            "measured": measured,
            "worst": worst,
            "rows": len(figures),
        }


def geometric_mean(values: Iterable[float]) -> float:
    """The mean of ratios."""
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs))


def size(row: Row) -> int:
    """Elements of a case."""
    return math.prod(row["case"]["shape"])


def is_large(row: Row) -> bool:
    """Beyond the cache, where memory is the limit."""
    return size(row) >= LARGE and row["case"]["dtype"] not in HALVES


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


def copies(holds: Callable[[Row], bool]) -> Callable[[Report], Figures]:
    """The multiples of a copy of all cases that `holds` is true of."""

    def figures(report: Report) -> Figures:
        return {
            row["case"]["name"]: row["ratios"].get("ours", math.inf)
            for row in report.get("cases", ())
            if holds(row)
        }

    return figures


def beside_peers(report: Report) -> Figures:
    """Ours as a multiple of the quicker of torch and NumPy, for every case and every call."""
    figures = {}
    for row in report.get("cases", ()):
        ratios = row["ratios"]
        peers = [ratios[name] for name in ("torch", "numpy") if name in ratios]
        if peers:
            figures[row["case"]["name"]] = ratios.get("ours", math.inf) / min(peers)
    for row in report.get("calls", ()):
        figures[f"a call: {row['name']}"] = row["ours"] / row["peer"]
    return figures


def beside_library(library: str) -> Callable[[Report], Figures]:
    """Small calls that allocate their result, as multiples of the library's own."""

    def figures(report: Report) -> Figures:
        rows = [row for row in report.get("calls", ()) if row["library"] == library]
        return {row["name"]: row["ours"] / row["peer"] for row in rows if not row["out"]}

    return figures


def with_gradient(holds: Callable[[Row], bool]) -> Callable[[Report], Figures]:
    """Forward and backward together, as multiples of torch's."""

    def figures(report: Report) -> Figures:
        rows = [row for row in report.get("gradients", ()) if holds(row)]
        return {row["name"]: row["ours"] / row["peer"] for row in rows}

    return figures


def backward(report: Report) -> Figures:
    """The backward call as a multiple of the forward one, where neither is short."""
    rows = [row for row in report.get("gradients", ()) if row["size"] >= CACHED]
    return {row["name"]: row["backward"] / row["forward"] for row in rows}


def compiled(report: Report) -> Figures:
    """A compiled call as a multiple of torch's, compiled."""
    return {row["name"]: row["ours"] / row["peer"] for row in report.get("compiled", ())}


def allocating(report: Report) -> Figures:
    """Scans that allocate their result, as multiples of the library's own."""
    return {row["name"]: row["ours"] / row["peer"] for row in report.get("without_out", ())}


def page_faults(report: Report) -> Figures:
    """Page faults of such a scan beside the library's own; one more than none is no matter."""
    return {
        row["name"]: (1 + row["faults"]["ours"]) / (1 + row["faults"]["peer"])
        for row in report.get("without_out", ())
    }


def abilities(name: str) -> Callable[[Report], Figures]:
    """The rows of an ability, as multiples of the plain scan."""

    def figures(report: Report) -> Figures:
        rows = [row for row in report.get("abilities", ()) if row["ability"] == name]
        return {row["name"]: row["ours"] / row["plain"] for row in rows}

    return figures


def beside_neighbour(report: Report) -> Figures:
    """How much more than a copy a scan suffers from a busy neighbour."""
    row = report.get("neighbour")
    return {row["name"]: row["slowdown"]["ours"] / row["slowdown"]["copy"]} if row else {}


def importing(report: Report) -> Figures:
    """`import cumsum` as a multiple of `import numpy`."""
    times = report.get("import")
    return {"import": times["ratio"]} if times else {}


GROUPS = (
    Group("10 million elements or more", 1.15, 1.3, copies(is_large), mean=True),
    Group(
        "10 million or more, or 2 to 8 columns",
        1.5,
        1.8,
        copies(lambda row: is_large(row) or has_few_columns(row)),
    ),
    Group(
        "float16 and bfloat16 of that size",
        1.6,
        2.3,
        copies(lambda row: size(row) >= LARGE and row["case"]["dtype"] in HALVES),
    ),
    Group(
        "in the cache: float32, complex64",
        3.0,
        4.5,
        copies(lambda row: is_cached(row) and is_quick(row)),
    ),
    Group(
        "in the cache: other dtypes, other dims",
        2.0,
        3.0,
        copies(lambda row: is_cached(row) and not is_quick(row)),
    ),
    Group("many short rows", 1.2, 1.6, copies(is_short_rows)),
    Group("every row, beside torch and NumPy", 1.0, NOISE, beside_peers),
    Group("a call with a small tensor, beside torch", 0.7, NOISE, beside_library("torch")),
    Group("a call with a small array, beside NumPy", 0.5, NOISE, beside_library("numpy")),
    Group(
        "forward and backward from 10 thousand, beside torch",
        1 / 3,
        NOISE,
        with_gradient(lambda row: row["size"] >= LARGE // 1000),
    ),
    Group(
        "forward and backward of fewer, beside torch",
        1.0,
        1.5,
        with_gradient(lambda row: row["size"] < LARGE // 1000),
    ),
    Group("backward, beside forward", 1.0, 1.1, backward),
    Group("a compiled call, beside torch's", 1.0, NOISE, compiled),
    Group("without out=, beside torch and NumPy", 1.0, NOISE, allocating),
    Group("page faults without out=, beside theirs", 1.0, 1.99, page_faults),  # 2: paid twice
    Group("exclusive, reverse, border, beside plain", 1.0, 1.1, abilities("orientation")),
    Group("segments, beside plain", 1.0, 1.3, abilities("segments")),
    Group("where and skipna, beside plain", 1.1, 1.3, abilities("holes")),
    Group("summed-area tables, beside two scans", 1.0, 1.3, abilities("tables")),
    Group("decay, beside plain", 1.2, 2.0, abilities("decay")),
    Group("exact integers, beside plain", 1.5, 3.0, abilities("overflow")),
    Group("slowdown by a busy neighbour, beside the copy's", 1.0, 1.3, beside_neighbour),
    Group("import, beside NumPy's", 1.1, 1.25, importing),
)


def judge(report: Report) -> list[Row]:
    """The lines of all groups of which the report has figures."""
    return [line for group in GROUPS if (line := group.judge(report))]


def faults(report: Report) -> list[str]:
    """What passes its bound, in words, every row by its name."""
    found = []
    for group in GROUPS:
        line = group.judge(report)
        if line is None or line["measured"] <= group.most:
            continue
        rows = {name: f for name, f in group.figures(report).items() if f > group.most}
        worst = sorted(rows.items(), key=lambda pair: -pair[1])
        blame = ", ".join(f"{name} {figure:.2f}" for name, figure in worst)
        found.append(f"{group.name}: {line['measured']:.2f} is over {group.most}: {blame}")
    return found


def is_behind(row: Row) -> bool:
    """Whether one case by itself passes a bound; a mean is judged with all of its rows."""
    alone = {"cases": [row]}
    lines = [(group, group.judge(alone)) for group in GROUPS if not group.mean]
    return any(line["measured"] > group.most for group, line in lines if line)


def format_table(lines: list[Row]) -> str:
    """The groups as text, a mark beside those past their bound."""
    head = f"{'group':48} {'':14} {'aim':>6} {'most':>6} {'measured':>9}"
    body = [
        f"{line['name']:48} {line['statistic']:14} {line['aim']:6.2f} {line['most']:6.2f} "
        f"{line['measured']:9.2f}{' !' if line['measured'] > line['most'] else '  '} "
        f"{line['worst']} ({line['rows']} rows)"
        for line in lines
    ]
    return "\n".join([head, *body])
