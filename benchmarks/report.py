"""Write the README's table and picture, and docs/performance.md, from a file of results.

python benchmarks/report.py [benchmarks/results/NAME.json]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

ROOT = Path(__file__).parents[1]
DEFAULT = ROOT / "benchmarks" / "results" / "latest.json"
PICTURE = ROOT / "docs" / "_static" / "benchmark.svg"
START, END = "<!-- benchmark:start -->", "<!-- benchmark:end -->"

# The README shows one row of each kind, the page on performance all of them.
SHOWN = (
    "float32 1-D, 10,000,000",
    "float64 1-D, 10,000,000",
    "float16 1-D, 10,000,000",
    "bool 1-D, 10,000,000",
    "int64 1-D, 10,000,000",
    "float32 (4096, 4096) dim 1",
    "float32 (4096, 4096) dim 0",
    "bfloat16 (4096, 4096) dim 0",
    "int8 (4096, 4096) dim 0",
    "float32 (1000000, 8) dim 0",
    "float32 (16, 3, 1024, 1024) dim 1",
    "float32 (4096, 4096) dim 1 sliced",
)
CONTESTANTS = {
    "ours": ("cumsum", "#0b6e99"),
    "torch": ("torch", "#d9730d"),
    "numpy": ("NumPy", "#9b9a97"),
}

Row = dict[str, Any]


def table(rows: list[Row]) -> str:
    """A Markdown table: the time of a copy, ours, and the ratios to the copy."""
    lines = [
        "| input | copy | cumsum | cumsum / copy | torch / copy | NumPy / copy |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        times = [format_time(row["times"][name]) for name in ("copy", "ours")]
        ratios = [format_ratio(row["ratios"].get(name)) for name in CONTESTANTS]
        lines.append(
            f"| {' | '.join([row['case']['name'], *times, f'**{ratios[0]}**', *ratios[1:]])} |"
        )
    return "\n".join(lines)


def call_table(rows: list[Row]) -> str:
    """A Markdown table of what one small call costs."""
    lines = ["| call | cumsum | the library's own | ratio |", "|---|---:|---:|---:|"]
    for row in rows:
        times = [format_time(row[name]) for name in ("ours", "peer")]
        ratio = f"{row['ours'] / row['peer']:.2f}"
        lines.append(f"| {' | '.join([row['name'], *times, ratio])} |")
    return "\n".join(lines)


def format_time(seconds: float) -> str:
    """Seconds in the unit that keeps three digits readable."""
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def format_ratio(ratio: float | None) -> str:
    """A multiple of the copy's time; a dash where the library has no such dtype."""
    return "–" if ratio is None else f"{ratio:.1f}"


def describe(machine: dict[str, Any]) -> str:
    """The machine in one sentence."""
    return (
        f"{machine['processor']}, {machine['threads']} threads, {machine['target']} kernels; "
        f"cumsum {machine['cumsum']}, torch {machine['torch']}, NumPy {machine['numpy']}, "
        f"Python {machine['python']}"
    )


def draw(rows: list[Row]) -> Figure:
    """Each case a line, each library a dot at its multiple of the copy's time."""
    figure = Figure(figsize=(8, 0.36 * len(rows) + 1.1), layout="constrained")
    axes = figure.add_subplot(
        xscale="log", xlabel="time / time to copy the same bytes (lower is better)"
    )
    heights = range(len(rows), 0, -1)
    axes.hlines(heights, 0.5, 200, color="0.92", linewidth=1, zorder=0)
    axes.axvline(1, color="0.4", linewidth=1, linestyle="--")
    for name, (label, color) in CONTESTANTS.items():
        points = [
            (row["ratios"][name], y)
            for row, y in zip(rows, heights, strict=True)
            if name in row["ratios"]
        ]
        axes.scatter(*zip(*points, strict=True), label=label, color=color, s=45, zorder=2)
    axes.set(xlim=(0.5, 200), xticks=(1, 3, 10, 30, 100), xticklabels=("1", "3", "10", "30", "100"))
    axes.set_yticks(heights, [row["case"]["name"] for row in rows])
    axes.minorticks_off()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside upper right", ncols=len(CONTESTANTS), frameon=False)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write the picture; the same figures give the same file."""
    with mpl.rc_context({"svg.hashsalt": "cumsum"}):
        figure.savefig(path, metadata={"Date": None})


def between_markers(text: str, content: str) -> str:
    """`text` with what stands between the markers replaced."""
    head, start, rest = text.partition(START)
    _, end, tail = rest.partition(END)
    if not (start and end):
        raise ValueError(f"README.md must hold {START} and {END}")
    return f"{head}{START}\n{content}\n{END}{tail}"


def readme_part(report: dict[str, Any], rows: list[Row]) -> str:
    """What stands between the README's markers."""
    where = describe(report["machine"])
    picture = f"![Time of each library relative to a copy]({PICTURE.relative_to(ROOT)})"
    return f"{table(rows)}\n\nMeasured on {where}.\n\n{picture}"


def performance_page(report: dict[str, Any]) -> str:
    """The whole of docs/performance.md."""
    times = report["import"]
    ours, numpy = (1e3 * (times[name] - times["python"]) for name in ("cumsum", "numpy"))
    return f"""\
<!-- Generated by benchmarks/report.py -->
# Performance

Measured on {describe(report["machine"])}.

```{{image}} _static/benchmark.svg
:alt: Time of each library relative to a copy
```

## How it is measured

A scan has to read its input and write its output, so the time to copy as many bytes is the limit
for large arrays. The columns on the right are multiples of it. All contestants write into memory
they are given (`out=`), use the same number of threads, and take turns in every round; the figure
is the median over the rounds. `make bench` measures all of this on your machine.

## Every case

{table(report["cases"])}

## The cost of a call

On arrays this small the time is that of the call itself.

{call_table(report["calls"])}

## Import

`import cumsum` takes {ours:.0f} ms, of which `import numpy` is {numpy:.0f} ms.
"""


def main(path: Path) -> None:
    """Write all three from the results in `path`."""
    report = json.loads(path.read_text())
    by_name = {row["case"]["name"]: row for row in report["cases"]}
    rows = [by_name[name] for name in SHOWN]
    save(draw(rows), PICTURE)
    readme = ROOT / "README.md"
    readme.write_text(between_markers(readme.read_text(), readme_part(report, rows)))
    (ROOT / "docs" / "performance.md").write_text(performance_page(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT)
