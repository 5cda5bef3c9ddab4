"""The figures that are promised: what each group aims at, what it may be, what it is.

report -> the figures of a group -> the worst, or the geometric mean -> a verdict
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import figures as of
from figures import Figures, Report, Row

# "Not slower" allows this much for noise.
NOISE = 1.05


@dataclass(frozen=True)
class Group:
    """Some figures of a report, by name, and the bounds for the worst or the mean of them.

    Attributes
    ----------
    aim, bound : float or None
        What is wanted, and what fails; None where the figures are shown only.
    figures : callable
        The figures of a report.
    mean : bool
        The geometric mean is judged, not the worst.
    least : bool
        More is better: the bound is the least that will do.
    brief : bool
        The README shows it.
    """

    name: str
    aim: float | None
    bound: float | None
    figures: Callable[[Report], Figures]
    mean: bool = False
    least: bool = False
    brief: bool = False

    @property
    def statistic(self) -> str:
        """What becomes of the figures."""
        return "geometric mean" if self.mean else "least" if self.least else "worst"

    def is_past(self, figure: float) -> bool:
        """Whether a figure passes the bound."""
        if self.bound is None:
            return False
        return figure < self.bound if self.least else figure > self.bound

    def judge(self, report: Report) -> Row | None:
        """What was measured; None where the report has no such figure."""
        figures = self.figures(report)
        if not figures:
            return None
        worst = (min if self.least else max)(figures, key=figures.__getitem__)
        measured = geometric_mean(figures.values()) if self.mean else figures[worst]
        past = self.is_past(measured)
        return {"measured": measured, "worst": worst, "rows": len(figures), "past": past}


def geometric_mean(values: Iterable[float]) -> float:
    """The mean of ratios."""
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs))


BESIDE_COPIES = (
    Group(
        "contiguous, 10 million elements or more",
        *(1.1, 1.2, of.copies(of.is_large)),
        mean=True,
        brief=True,
    ),
    Group(
        "the same, 16-bit floats aside",
        *(1.4, 1.6, of.copies(lambda row: of.is_large(row) and not of.is_half(row))),
        brief=True,
    ),
    Group(
        "float16 and bfloat16 of that size",
        *(1.6, 2.3, of.copies(lambda row: of.is_large(row) and of.is_half(row))),
    ),
    Group("2 to 8 columns", 1.5, 1.8, of.copies(of.has_few_columns)),
    Group("many short rows", 1.2, 1.6, of.copies(of.is_short_rows)),
    Group(
        "strided, beside a copy of the same strides",
        *(1.2, 1.4, of.copies(of.is_strided)),
        brief=True,
    ),
    Group("expanded and broadcast, beside a fill", 1.5, 1.8, of.copies(of.is_repeated)),
    Group(
        "in the cache: float32, complex64",
        *(3.0, 4.5, of.copies(lambda row: of.is_cached(row) and of.is_quick(row))),
        brief=True,
    ),
    Group(
        "in the cache: other dtypes, other dims",
        *(2.0, 3.0, of.copies(lambda row: of.is_cached(row) and not of.is_quick(row))),
    ),
)
BESIDE_OTHERS = (
    Group(
        "one thread, in the cache: ns an element",
        *(None, None, of.named("one_thread", of.ns_an_element, of.every)),
        mean=True,
        brief=True,
    ),
    Group(
        "speed-up by the second thread, in the cache",
        *(1.8, 1.5, of.named("second_thread", lambda row: row["one"] / row["two"], of.every)),
        least=True,
        brief=True,
    ),
    Group("every row, beside torch and NumPy", 1.0, NOISE, of.beside_peers, brief=True),
    Group(
        "60 drawn cases, beside torch and NumPy",
        *(1.0, NOISE, of.named("drawn", of.to_peers, of.every)),
        brief=True,
    ),
    Group("a call with 8 floats, beside torch", 0.5, 0.7, of.few_floats("torch"), brief=True),
    Group("a call with 8 floats, beside NumPy", 0.25, 0.4, of.few_floats("numpy"), brief=True),
    Group(
        "forward and backward from 10 thousand, beside torch",
        *(1 / 3, NOISE, of.with_gradient(lambda row: row["size"] >= of.LARGE // 1000)),
    ),
    Group(
        "forward and backward of fewer, beside torch",
        *(1.0, 1.5, of.with_gradient(lambda row: row["size"] < of.LARGE // 1000)),
    ),
    Group(
        "backward, beside forward",
        *(1.0, 1.1),
        of.named(
            "gradients",
            lambda row: row["backward"] / row["forward"],
            lambda row: row["size"] >= of.CACHED,
        ),
    ),
    Group("a compiled call, beside torch's", 1.0, NOISE, of.named("compiled", of.ratio, of.every)),
    Group(
        "without out=, beside torch and NumPy",
        *(1.0, NOISE, of.named("without_out", of.ratio, of.every)),
    ),
    Group(
        "page faults without out=, beside theirs",
        *(1.0, 1.99, of.named("without_out", of.page_faults, of.every)),  # 2: paid twice
    ),
)
BESIDE_PLAIN = (
    Group(
        "exclusive, reverse, border, beside plain",
        *(1.0, 1.1, of.abilities("orientation")),
        brief=True,
    ),
    Group(
        "segments of 1, 3 and 7, beside plain",
        *(1.2, 1.5, of.abilities("short segments")),
        brief=True,
    ),
    Group("segments from 100 on, beside plain", 1.0, 1.3, of.abilities("segments")),
    Group("where, beside plain", 1.15, 1.3, of.abilities("where"), brief=True),
    Group("skipna, beside plain", 1.05, 1.2, of.abilities("skipna"), brief=True),
    Group("summed-area tables, beside two scans", 1.0, 1.3, of.abilities("tables")),
    Group("one decay, beside plain", 1.2, 2.0, of.abilities("one decay")),
    Group("a decay each, beside plain", 1.5, 1.8, of.abilities("a decay each"), brief=True),
    Group(
        "the same in the cache",
        *(2.0, 2.5, of.abilities("a decay each, in the cache")),
        brief=True,
    ),
    Group("exact integers, beside plain", 1.5, 3.0, of.abilities("overflow")),
    Group("slowdown by a busy neighbour, beside the copy's", 1.0, 1.3, of.beside_neighbour),
    Group("import, beside NumPy's", 1.1, 1.25, of.importing),
)
GROUPS = (*BESIDE_COPIES, *BESIDE_OTHERS, *BESIDE_PLAIN)


def faults(report: Report) -> list[str]:
    """What passes its bound, in words, every row by its name."""
    found = []
    for group in GROUPS:
        line = group.judge(report)
        if line is None or not line["past"]:
            continue
        rows = {name: f for name, f in group.figures(report).items() if group.is_past(f)}
        worst = sorted(rows.items(), key=lambda pair: pair[1], reverse=not group.least)
        blame = ", ".join(f"{name} {figure:.2f}" for name, figure in worst)
        found.append(f"{group.name}: {line['measured']:.2f} is past {group.bound}: {blame}")
    return found


def is_behind(part: str, row: Row) -> bool:
    """Whether one row by itself passes a bound; a mean is judged with all of its rows."""
    lines = (group.judge({part: [row]}) for group in GROUPS if not group.mean)
    return any(line["past"] for line in lines if line)


def twice(part: str, measure: Callable[[float], Row], seconds: float) -> Row:
    """A row, measured once more and for longer if it passes a bound."""
    row = measure(seconds)
    return measure(3 * seconds) if is_behind(part, row) else row


def format_table(report: Report) -> str:
    """The groups as text, a mark beside those past their bound."""
    lines = [f"{'group':52} {'':14} {'aim':>6} {'bound':>6} {'measured':>9}"]
    for group in GROUPS:
        line: Any = group.judge(report)
        if line:
            aims = " ".join(
                f"{'' if x is None else f'{x:.2f}':>6}" for x in (group.aim, group.bound)
            )
            mark = "!" if line["past"] else " "
            words = f"{group.name:52} {group.statistic:14} {aims}"
            lines.append(
                f"{words} {line['measured']:9.2f} {mark} {line['worst']} ({line['rows']} rows)"
            )
    return "\n".join(lines)
