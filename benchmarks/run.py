"""Measure every case beside a copy, NumPy and torch, and fail where a group passes its bound.

python benchmarks/run.py [--name NAME] [--threads N] [--seconds S] [--match TEXT]

A case that passes a bound is measured once more, for longer, before it counts. The figures are
written to benchmarks/results/NAME.json.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import abilities
import calls
import gradients
import groups
import import_time
import neighbour
import without_out
from cumsum import bench

RESULTS = Path(__file__).parent / "results"
COLUMNS = ("ours", "torch", "numpy")
HEADER = f"{'case':44} {'copy':>10} {'ours':>7} {'torch':>7} {'numpy':>7}  times a copy"
NEIGHBOUR_SECONDS = 40.0


def run_cases(threads: int, seconds: float, match: str) -> Iterator[dict[str, Any]]:
    """Measure the cases whose name holds `match`, those that seem to be behind for longer."""
    for case in bench.CASES:
        if match not in case.name or not bench.can_run(case):
            continue
        row = bench.run_case(case, threads=threads, seconds=seconds).as_dict()
        if groups.is_behind(row):
            row = bench.run_case(case, threads=threads, seconds=3 * seconds).as_dict()
        yield row


def format_row(row: dict[str, Any]) -> str:
    """One line of the table: the copy in ms, the others as multiples of it."""
    figures = [row["ratios"].get(name) for name in COLUMNS]
    ratios = " ".join("      -" if ratio is None else f"{ratio:7.2f}" for ratio in figures)
    mark = "  !" if groups.is_behind(row) else ""
    return f"{row['case']['name']:44} {row['times']['copy'] * 1e3:7.3f} ms {ratios}{mark}"


def measure(options: argparse.Namespace) -> groups.Report:
    """Everything, or one part of a report that there is already, printed as it comes."""
    threads, seconds = options.threads, options.seconds
    parts: dict[str, tuple[str, Iterator[dict[str, Any]], Any]] = {
        "cases": (HEADER, run_cases(threads, seconds, options.match), format_row),
        "calls": (calls.HEADER, calls.measure_all(seconds), calls.format_row),
        "gradients": (gradients.HEADER, gradients.measure_all(seconds), gradients.format_row),
        "compiled": (
            gradients.COMPILED_HEADER,
            gradients.measure_compiled(seconds),
            gradients.format_compiled,
        ),
        "without_out": (
            without_out.HEADER,
            without_out.measure_all(threads, seconds),
            without_out.format_row,
        ),
        "abilities": (
            abilities.HEADER,
            abilities.measure_all(threads, seconds),
            abilities.format_row,
        ),
    }
    only = "cases" if options.match else options.only
    report: groups.Report = {"machine": bench.machine(threads)}
    if options.only:
        report = json.loads(path_of(options).read_text())
    for name, (header, rows, form) in parts.items():
        if only in {"", name}:
            print(f"\n{header}")
            report[name] = show(rows, form)
    if only:
        return report
    report["neighbour"] = neighbour.measure(threads, NEIGHBOUR_SECONDS * seconds)
    print(f"\nneighbour: {neighbour.describe(report['neighbour'])}")
    report["import"] = import_time.measure()
    print(f"\nimport: {import_time.describe(report['import'])}")
    return report


def path_of(options: argparse.Namespace) -> Path:
    """The file of results."""
    return RESULTS / f"{options.name}.json"


def show(rows: Iterator[dict[str, Any]], format_row: Any) -> list[dict[str, Any]]:
    """Print each row when it is there, and keep it."""
    kept = []
    for row in rows:
        print(format_row(row), flush=True)
        kept.append(row)
    return kept


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("--name", default="latest", help="name of the file of results")
    add("--threads", type=int, default=len(os.sched_getaffinity(0)))
    add("--seconds", type=float, default=0.8, help="for each case")
    add("--only", default="", help="only this part of the file of results: abilities, calls, ...")
    add("--match", default="", help="only the cases whose name holds this text, and nothing else")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Measure, print, write; the exit status is 1 when a group passes its bound."""
    options = parse(arguments)
    start = time.perf_counter()
    report = measure(options)
    report["groups"] = groups.judge(report)
    faults = groups.faults(report)
    print(f"\n{groups.format_table(report['groups'])}\n")
    if not options.match:
        path = path_of(options)
        path.write_text(json.dumps(report, indent=1) + "\n")
        print(f"{path}, {time.perf_counter() - start:.0f} s")
    print(f"past their bounds: {len(faults)}", *faults, sep="\n  ")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
