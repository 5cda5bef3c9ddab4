"""A scan beside a copy at 1, 2, 4, 8, 16, ... threads, on arrays far larger than any cache.

python benchmarks/scaling.py [--threads N ...] [--seconds S]

The figures are written to benchmarks/results/scaling/PROCESSOR.json.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cumsum import bench

RESULTS = Path(__file__).parent / "results" / "scaling"
ELEMENTS = 400_000_000
# Input and output, source and target of the copy, and what making the input takes.
ARRAYS, ITEM_BYTES = 6, 4
HEADER = f"{'case':38} {'threads':>7} {'copy':>10} {'ours':>10} {'ratio':>7} {'speedup':>8}"


def available_bytes() -> int:
    """Memory that can be had without swapping."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    raise OSError("/proc/meminfo has no MemAvailable")


def cases(elements: int) -> tuple[bench.Case, ...]:
    """One long line, and a square of as many elements along either dim."""
    side = math.isqrt(elements)
    return (
        bench.Case(f"float32 1-D, {elements:,}", (elements,), "float32", 0),
        *(
            bench.Case(f"float32 ({side}, {side}) dim {dim}", (side, side), "float32", dim)
            for dim in (1, 0)
        ),
    )


def thread_counts(cores: int) -> list[int]:
    """Powers of two up to the cores, and the cores."""
    return sorted({*(1 << i for i in range(cores.bit_length())), cores} - {0})


def measure_all(counts: list[int], seconds: float) -> Iterator[dict[str, Any]]:
    """One row for each case and number of threads."""
    elements = min(ELEMENTS, available_bytes() // (ARRAYS * ITEM_BYTES))
    if elements < ELEMENTS:
        elements = math.isqrt(elements) ** 2
        print(f"memory is short: {elements:,} elements instead of {ELEMENTS:,}")
    for case in cases(elements):
        alone = 0.0
        for threads in counts:
            result = bench.run_case(case, threads=threads, peers=(), seconds=seconds)
            ours = result.times["ours"]
            alone = alone or ours * threads
            yield {**result.as_dict(), "speedup": alone / ours}


def format_row(row: dict[str, Any]) -> str:
    """One line of the table."""
    copy, ours = (f"{row['times'][name] * 1e3:7.1f} ms" for name in ("copy", "ours"))
    figures = f"{row['ratios']['ours']:7.2f} {row['speedup']:8.2f}"
    return f"{row['case']['name']:38} {row['threads']:7} {copy} {ours} {figures}"


def file_name(machine: dict[str, Any]) -> str:
    """The processor and its cores as a file may be named."""
    words = re.findall(r"[a-z0-9]+", machine["processor"].lower())
    return "-".join([*words, str(machine["cores"])]) + ".json"


def main(arguments: list[str]) -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--threads", type=int, nargs="+", default=thread_counts(cores))
    parser.add_argument("--seconds", type=float, default=4.0, help="for each row")
    options = parser.parse_args(arguments)
    machine = bench.machine(max(options.threads))
    print(f"{bench.headline(machine)}\n{HEADER}")
    rows = []
    for row in measure_all(options.threads, options.seconds):
        print(format_row(row), flush=True)
        rows.append(row)
    path = RESULTS / file_name(machine)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": machine, "cases": rows}, indent=1) + "\n")
    print(path)


if __name__ == "__main__":
    main(sys.argv[1:])
