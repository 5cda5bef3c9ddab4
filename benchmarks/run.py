"""Measure every case beside a copy, NumPy and torch, and fail where ours is behind.

python benchmarks/run.py [--name NAME] [--threads N] [--seconds S] [--match TEXT]

A row is behind when ours is more than 5 % slower than a peer, or takes more than three times as
long as a copy of the same bytes at ten million elements or more. Such a row is measured once more,
for longer, before it counts. The figures are written to benchmarks/results/NAME.json.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from pathlib import Path
from typing import Any

import calls
import import_time
from cumsum import bench

RESULTS = Path(__file__).parent / "results"
PEERS = ("torch", "numpy")
NOISE = 1.05
COPIES = 3.0
LARGE = 10_000_000
IMPORT_BOUND = 1.25
HEADER = f"{'case':44} {'copy':>10} {'ours':>7} {'torch':>7} {'numpy':>7}  times a copy"


def faults(result: bench.Result) -> list[str]:
    """What is wrong with a row, in words; empty when nothing is."""
    times = result.times
    if "ours" not in times:
        return ["ours could not run it"]
    found = [
        f"{times['ours'] / times[peer]:.2f} times {peer}'s time"
        for peer in PEERS
        if times["ours"] > NOISE * times.get(peer, math.inf)
    ]
    if math.prod(result.case.shape) >= LARGE and result.ratio("ours") > COPIES:
        found.append(f"{result.ratio('ours'):.2f} times a copy")
    return found


def run_row(case: bench.Case, threads: int, seconds: float) -> bench.Result:
    """Measure a case, and again for longer when it seems to be behind."""
    result = bench.run_case(case, threads=threads, peers=PEERS, seconds=seconds)
    if not faults(result):
        return result
    return bench.run_case(case, threads=threads, peers=PEERS, seconds=4 * seconds)


def format_row(result: bench.Result) -> str:
    """One line of the table: the copy in ms, the others as multiples of it."""
    ratios = (
        f"{result.ratio(n):7.2f}" if n in result.times else "      -" for n in ("ours", *PEERS)
    )
    return f"{result.case.name:44} {result.times['copy'] * 1e3:7.3f} ms " + " ".join(ratios)


def call_faults(row: dict[str, Any]) -> list[str]:
    """The same for a row of the table of call costs."""
    if row["ours"] <= NOISE * row["peer"]:
        return []
    return [f"{row['ours'] / row['peer']:.2f} times {row['library']}'s time"]


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--name", default="latest", help="name of the file of results")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seconds", type=float, default=1.0, help="for each case")
    parser.add_argument("--match", default="", help="only the cases whose name holds this text")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Measure, print, write; the exit status is 1 when a row is behind."""
    options = parse(arguments)
    behind: list[str] = []
    rows = []
    print(HEADER)
    for case in bench.CASES:
        if options.match in case.name and bench.can_run(case):
            result = run_row(case, options.threads, options.seconds)
            print(format_row(result), flush=True)
            rows.append(result.as_dict())
            behind += [f"{case.name}: {fault}" for fault in faults(result)]

    print(f"\n{calls.HEADER}")
    per_call = []
    for row in calls.measure_all(options.seconds):
        print(calls.format_row(row), flush=True)
        per_call.append(row)
        behind += [f"{row['name']}: {fault}" for fault in call_faults(row)]

    imports = import_time.measure()
    print(f"\nimport: {import_time.describe(imports)}")
    if imports["ratio"] > IMPORT_BOUND:
        behind.append(f"import: {imports['ratio']:.2f} times NumPy's, over {IMPORT_BOUND}")

    path = RESULTS / f"{options.name}.json"
    report = {
        "machine": bench.machine(options.threads),
        "cases": rows,
        "calls": per_call,
        "import": imports,
    }
    path.write_text(json.dumps(report, indent=1) + "\n")
    print(f"\n{path}")
    print(f"behind: {len(behind)}", *behind, sep="\n  ")
    return 1 if behind else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
