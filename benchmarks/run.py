"""Measure every case beside a copy, NumPy and torch, and fail where a group passes its bound.

python benchmarks/run.py [--name NAME] [--threads N] [--seconds S] [--match TEXT] [--seed N]

A row that passes a bound is measured once more, for longer, before it counts. The figures are
written to benchmarks/results/machines/NAME.json, which is named after the processor.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import abilities
import cached
import calls
import drawn
import gradients
import groups
import import_time
import neighbour
import without_out
from cumsum import bench

RESULTS = Path(__file__).parent / "results" / "machines"
COLUMNS = ("ours", "torch", "numpy")
HEADER = f"{'case':44} {'copy':>10} {'ours':>7} {'torch':>7} {'numpy':>7}  times a copy"
NEIGHBOUR_SECONDS = 40.0
CORES = len(os.sched_getaffinity(0))


def run_cases(threads: int, seconds: float, match: str) -> Iterator[dict[str, Any]]:
    """Measure the cases whose name holds `match`, those that seem to be behind for longer."""
    for case in bench.CASES:
        if match not in case.name or not bench.can_run(case):
            continue
        yield groups.twice("cases", partial(run_case, case, threads), seconds)


def run_case(case: bench.Case, threads: int, seconds: float) -> dict[str, Any]:
    """One case as a row of the report."""
    return bench.run_case(case, threads=threads, seconds=seconds).as_dict()


def format_row(row: dict[str, Any]) -> str:
    """One line of the table: the copy in ms, the others as multiples of it."""
    figures = [row["ratios"].get(name) for name in COLUMNS]
    ratios = " ".join("      -" if ratio is None else f"{ratio:7.2f}" for ratio in figures)
    mark = "  !" if groups.is_behind("cases", row) else ""
    return f"{row['case']['name']:44} {row['times']['copy'] * 1e3:7.3f} ms {ratios}{mark}"


def parts_of(options: argparse.Namespace) -> dict[str, tuple[str, Iterator[Any], Any]]:
    """The parts that are tables of rows: a header, the rows, and how one is printed."""
    threads, seconds = options.threads, options.seconds
    return {
        "cases": (HEADER, run_cases(threads, seconds, options.match), format_row),
        "one_thread": (cached.ALONE_HEADER, cached.measure_alone(seconds), cached.format_alone),
        "second_thread": (
            cached.SECOND_HEADER,
            cached.measure_second(threads, seconds),
            cached.format_second,
        ),
        "drawn": (
            drawn.HEADER,
            drawn.measure_all(threads, seconds / 2, options.seed),
            drawn.format_row,
        ),
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


def measure(options: argparse.Namespace) -> groups.Report:
    """Everything, or one part of a report that there is already, printed as it comes."""
    only = "cases" if options.match else options.only
    report: groups.Report = {"machine": bench.machine(options.threads)}
    if options.only:
        report = {**json.loads(path_of(options).read_text()), **report}
    for name, (header, rows, form) in parts_of(options).items():
        if only in {"", name}:
            print(f"\n{header}")
            report[name] = show(rows, form)
    if only:
        return report
    report["neighbour"] = neighbour.measure(options.threads, NEIGHBOUR_SECONDS * options.seconds)
    print(f"\nneighbour: {neighbour.describe(report['neighbour'])}")
    report["import"] = import_time.measure()
    print(f"\nimport: {import_time.describe(report['import'])}")
    return report


def path_of(options: argparse.Namespace) -> Path:
    """The file of results: the processor's, and of fewer threads than it has one of their own."""
    fewer = "" if options.threads == CORES else f"-threads-{options.threads}"
    name = options.name or bench.slug(bench.machine(options.threads)) + fewer
    return RESULTS / f"{name}.json"


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
    add("--name", default="", help="of the file of results, if not that of the processor")
    add("--threads", type=int, default=CORES)
    add("--seconds", type=float, default=0.8, help="for each case")
    add("--only", default="", help="only this part of the file of results: abilities, calls, ...")
    add("--match", default="", help="only the cases whose name holds this text, and nothing else")
    add("--seed", type=int, default=drawn.today(), help="of the drawn cases, the day's")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Measure, print, write; the exit status is 1 when a group passes its bound."""
    options = parse(arguments)
    start = time.perf_counter()
    report = measure(options)
    faults = groups.faults(report)
    print(f"\n{groups.format_table(report)}\n")
    if not options.match:
        path = path_of(options)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report, indent=1) + "\n")
        print(f"{path}, {time.perf_counter() - start:.0f} s")
    print(f"past their bounds: {len(faults)}", *faults, sep="\n  ")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
