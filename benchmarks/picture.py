"""The README's picture: the groups against their bounds, and each library against a copy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Row = dict[str, Any]
CONTESTANTS = {
    "ours": ("cumsum", "#0b6e99"),
    "torch": ("torch", "#d9730d"),
    "numpy": ("NumPy", "#9b9a97"),
}
ALLOWED, AIMED = "#e9eef1", "#cbd8df"


def draw(lines: list[Row], rows: list[Row]) -> Figure:
    """Above, the groups that compare with a copy; below, some of the rows."""
    heights = [len(lines), len(rows)]
    figure = Figure(figsize=(8, 0.36 * sum(heights) + 2.1), layout="constrained")
    above, below = figure.subplots(2, height_ratios=heights)
    draw_groups(above, lines)
    draw_rows(below, rows)
    figure.legend(loc="outside lower right", ncols=len(CONTESTANTS), frameon=False)
    return figure


def draw_groups(axes: Axes, lines: list[Row]) -> None:
    """Each group a bar as long as it may be, shaded as far as it should be, and a dot."""
    heights = range(len(lines), 0, -1)
    axes.barh(heights, [line["most"] for line in lines], color=ALLOWED, height=0.6)
    axes.barh(heights, [line["aim"] for line in lines], color=AIMED, height=0.6)
    axes.scatter([line["measured"] for line in lines], heights, color=CONTESTANTS["ours"][1], s=45)
    names = [f"{line['name']} ({line['statistic']})" for line in lines]
    axes.set_xlim(0, 1.05 * max(max(line["most"], line["measured"]) for line in lines))
    axes.set_title("cumsum, in copies of the same bytes: aim, at most, measured", fontsize=10)
    finish(axes, heights, names)


def draw_rows(axes: Axes, rows: list[Row]) -> None:
    """Each case a line, each library a dot at its multiple of the copy's time."""
    heights = range(len(rows), 0, -1)
    axes.set_xscale("log")
    axes.hlines(heights, 0.5, 200, color="0.92", linewidth=1, zorder=0)
    for name, (label, color) in CONTESTANTS.items():
        points = [
            (row["ratios"][name], y)
            for row, y in zip(rows, heights, strict=True)
            if name in row["ratios"]
        ]
        axes.scatter(*zip(*points, strict=True), label=label, color=color, s=45, zorder=2)
    axes.set(xlim=(0.5, 200), xticks=(1, 3, 10, 30, 100), xticklabels=("1", "3", "10", "30", "100"))
    axes.set_title("time / time to copy the same bytes (lower is better)", fontsize=10)
    finish(axes, heights, [row["case"]["name"] for row in rows])


def finish(axes: Axes, heights: range, names: list[str]) -> None:
    """The names on the left, the copy as a line, and no frame."""
    axes.axvline(1, color="0.4", linewidth=1, linestyle="--")
    axes.set_yticks(heights, names)
    axes.minorticks_off()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def save(figure: Figure, path: Path) -> None:
    """Write the picture; the same figures give the same file."""
    with mpl.rc_context({"svg.hashsalt": "cumsum"}):
        figure.savefig(path, metadata={"Date": None})
