"""Compile the GPU kernels of every call for every target, and write the table of docs/gpu.md.

PYTHONPATH=tests python tools/gpu_table.py docs/gpu.md: no GPU is needed. What spills or takes more
registers than it may is an error.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from gpu_launches import CALLS, TARGETS, Launch, Report, faults, launches, report_of

BEGIN, END = "<!-- compiled:start -->\n", "<!-- compiled:end -->"
SEEN = "sm_90"  # whose instructions the table counts
HEAD = (
    "call",
    "kernel",
    *TARGETS,
    "instructions",
    "shuffles",
    "shared memory",
    "barriers",
    "widest",
)
WIDTHS = {"128": "16 bytes", "64": "8 bytes", "U16": "2 bytes", "U8": "1 byte"}


def is_shown(launch: Launch) -> bool:
    """Whether it touches every element: the scans of the sums of tiles are left out."""
    names = launch.function.arg_names
    return launch.name != "scans.tiles" and not ("KEPT" in names and launch.constant("KEPT"))


def widest(report: Report) -> str:
    """The bytes that a thread loads at once from an array, by the instruction's name."""
    names = {name for name in report.instructions if name.startswith("LDG.E")}
    plain = {name.removeprefix("LDG.E").strip(".") for name in names if "STRONG" not in name}
    for width, text in WIDTHS.items():
        if width in plain and not (width == "64" and plain & {"", "U16", "U8"}):
            return text
    return "4 bytes"


def row(call: str, kernel: str, reports: dict[str, Report]) -> str:
    """One line of the table."""
    cells = [call, f"`{kernel}`"]
    cells += [str(reports[name].registers) if name in reports else "–" for name in TARGETS]
    if SEEN in reports:
        seen = reports[SEEN]
        counts = (
            seen.instructions.total(),
            seen.count("SHFL"),
            seen.count("LDS", "STS"),
            seen.count("BAR"),
        )
        cells += [*map(str, counts), widest(seen)]
    else:
        cells += ["–"] * 5
    return f"| {' | '.join(cells)} |"


def main(page: Path) -> int:
    """Replace what stands between the marks; 1 where something does not fit."""
    rows, wrong = [], []
    for call in CALLS:
        found: dict[str, dict[str, Report]] = defaultdict(dict)
        for name, target in TARGETS.items():
            for launch in launches(call, target):
                wrong += [f"{name}: {call.name}: {fault}" for fault in faults(launch, target)]
                if is_shown(launch):
                    found[launch.name][name] = report_of(launch, target)
        rows += [row(call.name, kernel, reports) for kernel, reports in found.items()]
    rule = "|".join(["---", "---", *["---:"] * (len(HEAD) - 2)])
    table = [f"| {' | '.join(HEAD)} |", f"|{rule}|", *rows]
    before, rest = page.read_text().split(BEGIN)
    after = rest.split(END)[1]
    page.write_text(f"{before}{BEGIN}{chr(10).join(table)}\n{END}{after}")
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
