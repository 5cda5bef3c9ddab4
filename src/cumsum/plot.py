"""Pictures with matplotlib: the running totals of a job, and a benchmark's ratios to the copy."""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from cumsum import console
from cumsum.console import CommandError

if TYPE_CHECKING:
    from cumsum.bench import Result
    from cumsum.files.curves import Curves
    from cumsum.files.report import Report

PICTURES = (".png", ".svg", ".pdf")
COLOURS = (
    *("#0b6e99", "#e0792b", "#4c9f50", "#b5447b", "#6b5fb5"),
    *("#8c6d46", "#2ab0a5", "#c9a227", "#d64545", "#7a8791"),
)
INK, FAINT = "#22303c", "#d9dfe4"
STYLE = {
    "figure.dpi": 150,
    "figure.constrained_layout.w_pad": 0.15,
    "figure.constrained_layout.h_pad": 0.15,
    "figure.facecolor": "white",
    "font.size": 11,
    "axes.edgecolor": "#9aa5ad",
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.hashsalt": "cumsum",
}
CONTESTANTS = {"ours": ("cumsum", "#0b6e99", "o"), "torch": ("torch", "#e0792b", "D")}
CONTESTANTS["numpy"] = ("NumPy", "#8d99a3", "s")


@dataclass(frozen=True)
class Line:
    """One running total to draw."""

    label: str
    x: Any
    y: Any


def check_picture(path: Path) -> None:
    """Refuse, before any work, a picture that could not be drawn."""
    if path.suffix.lower() not in PICTURES:
        raise CommandError(f"{path}: unknown kind of picture, not one of {', '.join(PICTURES)}")
    console.require("matplotlib", "--plot")


@contextmanager
def figure(width: float, height: float) -> Iterator[tuple[Any, Any]]:
    """Yield a figure and its axes in the house style; no screen is needed."""
    matplotlib = console.require("matplotlib", "--plot")
    drawn = console.require("matplotlib.figure", "--plot")
    with matplotlib.rc_context(STYLE):
        fig = drawn.Figure(figsize=(width, height), layout="constrained")
        yield fig, fig.add_subplot()


def running_totals(
    curves: Curves, report: Report, file: IO[bytes], suffix: str, title: str
) -> None:
    """Draw one line for each group, or for each of the first lines of an array."""
    lines = [Line(curve.label, *curve.points()) for curve in curves.curves]
    with figure(10, 5.6) as (fig, axes):
        for line, colour in zip(lines, COLOURS, strict=False):
            axes.plot(line.x, line.y, color=colour, linewidth=2, label=line.label)
        axes.margins(x=0.01)
        if all((line.y >= 0).all() for line in lines):
            axes.set_ylim(bottom=0)
        names = ", ".join(report.columns)
        title = title or default_title(report)
        axes.set_title(title, loc="left", fontsize=14, weight="bold", pad=12)
        axes.set_ylabel(f"running total of {names}" if names else "running total")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
        label_x(axes, curves.period, grouped=bool(report.by), dim=curves.dim)
        if len(lines) > 1:
            more = curves.total > len(lines)
            heading = f"first {len(lines)} of {curves.total:,}" if more else None
            legend(axes, lines, heading)
        fig.savefig(file, format=suffix[1:].lower())


def default_title(report: Report) -> str:
    """What is drawn, and from which file."""
    what = ", ".join(report.columns) or "values"
    by = f" by {' and '.join(report.by)}" if report.by else ""
    return f"Running total of {what}{by}, {Path(report.input).name}"


def legend(axes: Any, lines: Sequence[Line], heading: str | None) -> None:
    """Names beside the lines' ends, highest total first, each with its total."""
    drawn = sorted(zip(axes.get_lines(), lines, strict=True), key=lambda pair: -last(pair[1]))
    labels = [f"{line.label}   {last(line):,.6g}" for _, line in drawn]
    handles = [handle for handle, _ in drawn]
    place = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5), "frameon": False}
    axes.legend(handles, labels, title=heading, handlelength=1.4, labelspacing=0.8, **place)


def last(line: Line) -> float:
    """A line's total; an empty line has none."""
    return float(line.y[-1]) if len(line.y) else 0.0


def label_x(axes: Any, period: str, *, grouped: bool, dim: int) -> None:
    """Months under a year, days under a month, hours under a day; else positions."""
    if period == "year":
        starts = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365])
        months = calendar.month_abbr[1:]
        axes.set_xticks(starts, labels=[])
        axes.set_xticks((starts[:-1] + starts[1:]) / 2, labels=months, minor=True)
        axes.tick_params(axis="x", which="minor", length=0)
        axes.set_xlim(0, 366)
    elif period == "month":
        axes.set_xticks(np.arange(0, 31, 5), labels=[str(day + 1) for day in range(0, 31, 5)])
        axes.set_xlabel("day of the month")
    elif period == "week":
        axes.set_xticks(np.arange(0, 8), labels=[])
        axes.set_xticks(np.arange(0, 7) + 0.5, labels=calendar.day_abbr[:], minor=True)
        axes.tick_params(axis="x", which="minor", length=0)
    elif period == "quarter":
        axes.set_xlabel("day of the quarter")
    elif period == "hour":
        axes.set_xticks(np.arange(0, 61, 10) / 1440, labels=[str(m) for m in range(0, 61, 10)])
        axes.set_xlabel("minute of the hour")
    elif period == "day":
        axes.set_xticks(np.arange(0, 25, 3) / 24, labels=[str(hour) for hour in range(0, 25, 3)])
        axes.set_xlabel("hour of the day")
    else:
        axes.set_xlabel("row within the group" if grouped else f"position along dim {dim}")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")


def ratios(results: Sequence[Result], file: IO[bytes], suffix: str, machine: str) -> None:
    """Draw a row a case: how many times a copy's time each contestant takes, on a log scale."""
    with figure(10, 1.7 + 0.36 * len(results)) as (fig, axes):
        rows = range(len(results))
        for name, (label, colour, marker) in reversed(CONTESTANTS.items()):
            pairs = [(r.ratio(name), row) for row, r in enumerate(results) if name in r.times]
            if pairs:
                style = {"color": colour, "marker": marker, "s": 70 if name == "ours" else 46}
                axes.scatter(*zip(*pairs, strict=True), label=label, zorder=3, **style)
        for row, result in enumerate(results):
            values = [1.0, *(result.ratio(name) for name in CONTESTANTS if name in result.times)]
            axes.plot([min(values), max(values)], [row, row], color="#c3ccd3", zorder=2)
        axes.axvline(1, color=INK, linewidth=1.4)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}×")
        axes.set_yticks(rows, labels=[result.case.name for result in results])
        axes.set_ylim(len(results) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("time, in copies of the same bytes (1× is the copy; left is better)")
        axes.set_title(
            "Cumulative sum beside a copy", loc="left", fontsize=14, weight="bold", pad=26
        )
        axes.text(0, 1.004, machine, transform=axes.transAxes, va="bottom", fontsize=9.5)
        handles, labels = axes.get_legend_handles_labels()
        place = {"loc": "outside lower center", "frameon": False}
        fig.legend(handles[::-1], labels[::-1], ncols=3, **place)
        fig.savefig(file, format=suffix[1:].lower())
