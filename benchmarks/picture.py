"""The README's picture: the groups on every processor, and each library against a copy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from groups import BESIDE_COPIES
from tables import Reports

Row = dict[str, Any]
CONTESTANTS = {
    "ours": ("cumsum", "#0b6e99"),
    "torch": ("torch", "#d9730d"),
    "numpy": ("NumPy", "#9b9a97"),
}
PROCESSORS = (
    "#22303c",
    "#b4436c",
    "#4c9f50",
    "#8e6bbf",
    "#c9a227",
    "#5aa9c9",
    "#7a5230",
    "#c0392b",
)
ALLOWED, AIMED = "#e9eef1", "#cbd8df"


def draw(reports: Reports, rows: list[Row], name: str) -> Figure:
    """Above, the groups that compare with a copy; below, some rows of the processor `name`."""
    heights = [len(BESIDE_COPIES), len(rows)]
    figure = Figure(figsize=(8, 0.36 * sum(heights) + 2.7), layout="constrained")
    above, below = figure.subplots(2, height_ratios=heights)
    draw_groups(above, reports)
    draw_rows(below, rows, name)
    return figure


def draw_groups(axes: Axes, reports: Reports) -> None:
    """Each group a bar as long as it may be, shaded as far as it should be; processors are dots."""
    heights = range(len(BESIDE_COPIES), 0, -1)
    axes.barh(heights, [group.bound or 0 for group in BESIDE_COPIES], color=ALLOWED, height=0.6)
    axes.barh(heights, [group.aim or 0 for group in BESIDE_COPIES], color=AIMED, height=0.6)
    for (name, report), color in zip(reports.items(), PROCESSORS, strict=False):
        lines = zip(heights, (group.judge(report) for group in BESIDE_COPIES), strict=True)
        points = [(line["measured"], y) for y, line in lines if line]
        axes.scatter(*zip(*points, strict=True), label=name, color=color, marker="D", s=32)
    names = [f"{group.name} ({group.statistic})" for group in BESIDE_COPIES]
    axes.set_xscale("log")
    axes.set_title(
        "cumsum, in copies of the same bytes: aim, bound, measured", fontsize=10, loc="right"
    )
    finish(axes, heights, names, (0.5, 30))


def draw_rows(axes: Axes, rows: list[Row], name: str) -> None:
    """Each case a line, each library a dot at its multiple of the copy's time."""
    heights = range(len(rows), 0, -1)
    axes.set_xscale("log")
    axes.hlines(heights, 0.5, 200, color="0.92", linewidth=1, zorder=0)
    for contestant, (label, color) in CONTESTANTS.items():
        points = [
            (row["ratios"][contestant], y)
            for row, y in zip(rows, heights, strict=True)
            if contestant in row["ratios"]
        ]
        axes.scatter(*zip(*points, strict=True), label=label, color=color, s=45, zorder=2)
    title = f"{name}: time / time to copy the same bytes (lower is better)"
    axes.set_title(title, fontsize=10, loc="right")
    finish(axes, heights, [row["case"]["name"] for row in rows], (0.5, 200))


def finish(axes: Axes, heights: range, names: list[str], limits: tuple[float, float]) -> None:
    """The names on the left, the copy as a line, the key below, and no frame."""
    ticks = [tick for tick in (1, 3, 10, 30, 100) if tick <= limits[1]]
    axes.set(xlim=limits, xticks=ticks, xticklabels=[str(tick) for tick in ticks])
    axes.axvline(1, color="0.4", linewidth=1, linestyle="--")
    axes.set_yticks(heights, names)
    axes.minorticks_off()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    place = {"loc": "upper right", "bbox_to_anchor": (1, -0.1), "frameon": False}
    axes.legend(**place, ncols=3, fontsize=9)


def save(figure: Figure, path: Path) -> None:
    """Write the picture; the same figures give the same file."""
    with mpl.rc_context({"svg.hashsalt": "cumsum"}):
        figure.savefig(path, metadata={"Date": None})
