"""Measure the errors of float64 scans against exact sums, and draw and tabulate them.

python benchmarks/accuracy.py [LENGTH]

Ours, ours compensated, torch's and NumPy's, on five kinds of series. The figures go to
benchmarks/results/accuracy.json, the table and the picture into docs/accuracy.md. They depend on
no machine, so running it again changes nothing until an order of additions changes.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import bounds
import cumsum
from cumsum.plot import STYLE
from exact import Sums, prefixes, ulp
from report import ROOT, between_markers, save
from series import KINDS

RESULTS = ROOT / "benchmarks" / "results" / "accuracy.json"
PAGE = ROOT / "docs" / "accuracy.md"
PICTURE = ROOT / "docs" / "_static" / "accuracy.svg"
LENGTH = 16_000_000
CONTESTANTS = {
    "cumsum": ("cumsum", "#0b6e99", "-"),
    "compensated": ('cumsum, precision="compensated"', "#4c9f50", "-"),
    "torch": ("torch", "#e0792b", "-"),
    "numpy": ("NumPy", "#8d99a3", (0, (4, 4))),
}
UNIT = 2.0**-53


def contest(x: np.ndarray) -> dict[str, np.ndarray]:
    """Everybody's running sums of `x`."""
    return {
        "cumsum": cumsum.cumsum(x, 0),
        "compensated": cumsum.cumsum(x, 0, precision="compensated"),
        "torch": torch.cumsum(torch.from_numpy(x), 0).numpy(),
        "numpy": np.cumsum(x),
    }


def figures(error: np.ndarray, sums: Sums, lengths: list[int]) -> dict[str, list[float]]:
    """The largest and the root mean square error of the prefixes up to each length.

    Those that the length before had are left out, so what happens to short ones does not hide the
    rest. In units of 2**-53 times the sum of the absolute values; the largest in ulps as well.
    """
    relative = np.asarray(error / sums.magnitude / UNIT, np.float64)
    ulps = np.asarray(error / ulp(sums.y, np.float64), np.float64)
    parts = [slice(a, b) for a, b in zip([0, *lengths], lengths, strict=False)]
    found = {
        "max": [relative[part].max() for part in parts],
        "rms": [np.sqrt(np.square(relative[part]).mean()) for part in parts],
        "max_ulp": [ulps[part].max() for part in parts],
    }
    return {name: [float(f"{value:.4g}") for value in values] for name, values in found.items()}


def measure(length: int) -> dict[str, Any]:
    """All figures, at prefix lengths that double, and the bounds."""
    lengths = [length >> k for k in reversed(range(14))]
    series = {}
    for kind, make in KINDS.items():
        x = make(length)
        results = contest(x)
        sums = prefixes(x, *results.values())
        series[kind] = {
            name: figures(error, sums, lengths)
            for name, error in zip(results, sums.errors, strict=True)
        }
        print(f"{kind:16}", *(f"{n} {f['max'][-1]:g}" for n, f in series[kind].items()), sep="  ")
    additions = bounds.additions("float64", length)
    return {
        "versions": {"numpy": np.__version__, "torch": torch.__version__},
        "lengths": lengths,
        "bound": [int(additions[n - 1]) for n in lengths],
        "series": series,
    }


def table(report: dict[str, Any]) -> str:
    """A Markdown table of the errors of the longest prefixes: the largest, and the mean square."""
    first, last = report["lengths"][-2:]
    lines = [
        f"| prefixes of {first:,} to {last:,} elements | cumsum | compensated | torch | NumPy |",
        "|---|---:|---:|---:|---:|",
    ]
    for kind, found in report["series"].items():
        errors = [found[name] for name in CONTESTANTS]
        cells = [f"{short(e['max'][-1])} ({short(e['rms'][-1])})" for e in errors]
        lines.append(f"| {' | '.join([kind, *cells])} |")
    return "\n".join(lines)


def short(value: float) -> str:
    """Two digits of a number."""
    return f"{float(f'{value:.2g}'):,g}"


def draw(report: dict[str, Any]) -> Figure:
    """A panel for each kind of series: the errors of everybody as the prefixes grow."""
    lengths = report["lengths"]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 5.6), layout="constrained")
        *panels, last = figure.subplots(2, 3, sharex=True, sharey=True).flat
        for axes, (kind, found) in zip(panels, report["series"].items(), strict=True):
            axes.plot(lengths, report["bound"], color="#0b6e99", linewidth=1, linestyle=":")
            for name, (_, color, dashes) in CONTESTANTS.items():
                axes.plot(lengths, found[name]["max"], color=color, linestyle=dashes, linewidth=2)
                axes.plot(lengths, found[name]["rms"], color=color, linestyle=dashes, alpha=0.4)
            axes.set_title(kind, loc="left", fontsize=12, weight="bold")
            axes.set(xscale="log", yscale="log")
            axes.minorticks_off()
            axes.tick_params(labelbottom=True)
        last.axis("off")
        last.legend(handles=legend(), loc="center left", frameon=False, fontsize=10)
        figure.supxlabel("length of the prefix", fontsize=11)
        figure.supylabel("error / (2⁻⁵³ × sum of absolute values)", fontsize=11)
    return figure


def legend() -> list[Line2D]:
    """What the lines mean."""
    thin = {"color": "#22303c"}
    return [
        *(Line2D([], [], color=c, linestyle=d, label=w) for w, c, d in CONTESTANTS.values()),
        Line2D([], [], color="#0b6e99", linewidth=1, linestyle=":", label="bound of cumsum"),
        Line2D([], [], **thin, linewidth=2, label="largest"),
        Line2D([], [], **thin, alpha=0.4, label="root mean square"),
    ]


def main(length: int) -> None:
    """Measure, and write everything."""
    report = measure(length)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    save(draw(report), PICTURE)
    PAGE.write_text(between_markers(PAGE.read_text(), table(report)))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else LENGTH)
