"""Test and measure the kernels on the GPU of this machine, slice by slice; tools/card.sh calls it.

python benchmarks/gpu.py [--dry] [--out FOLDER] SLICE ...
python benchmarks/gpu.py --report FOLDER

A slice writes a row to FOLDER/SLICE.jsonl as soon as it is known, and goes on after those it finds
there. `--dry` does what needs no GPU. `--report` makes benchmarks/results/gpu-CARD.json and the
tables of docs/gpu.md of the rows, on any machine.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import gpu_memory
import gpu_tables
from gpu_rows import Row, Rows, watch

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "gpu.md"
TESTS = ("tests/test_gpu_card.py",)
SHOWN = 20  # of what went wrong; the files have it all
ABILITIES = ("tests/test_gpu_card_abilities.py",)


class Run(NamedTuple):
    """Where a slice writes its rows and what it prints, and whether there is no GPU."""

    rows: Rows
    log: Path
    dry: bool


def pytest(*arguments: str) -> list[str]:
    """A run of tests that writes rows."""
    return [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "gpu_rows_plugin",
        "-o", "addopts=", "-W", "default", *arguments,
    ]  # fmt: skip


def tested(files: tuple[str, ...], processes: int) -> Callable[[Run], None]:
    """A slice of tests, shared out: most of their time goes into compiling kernels."""

    def slice_(run: Run) -> None:
        count = max(1, min(processes, os.cpu_count() or 1))
        share = "CARD_SHARE={}/" + str(count)
        commands = [["env", share.format(k), *pytest(*files)] for k in range(count)]
        watch(commands, run.rows, run.log, quiet=150)

    return slice_


def measured(what: str) -> Callable[[Run], None]:
    """A slice of figures, by one process that has the GPU to itself."""

    def slice_(run: Run) -> None:
        child = str(ROOT / "benchmarks" / "gpu_measure.py")
        watch([[sys.executable, child, what]], run.rows, run.log, quiet=120)

    return slice_


def memory(run: Run) -> None:
    """No access outside of memory, by tools that are first seen to find one."""
    for tool in gpu_memory.TOOLS:
        tests = [pytest(*TESTS), pytest(*ABILITIES)]
        gpu_memory.check(tool, tests, run.rows, run.log, dry=run.dry)


SLICES: dict[str, Callable[[Run], None]] = {
    "probe": measured("probe"),
    "tests": tested(TESTS, 14),
    "abilities": tested(ABILITIES, 4),
    "memory": memory,
    "times": measured("times"),
    "sweep": measured("sweep"),
}


def run_slice(name: str, folder: Path, *, dry: bool) -> bool:
    """Run one; whether nothing went wrong. What was begun and not ended earlier is done again."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = Rows(folder / f"{name}.jsonl")
    ended = rows.results()
    rows.path.write_text("".join(json.dumps(row) + "\n" for row in ended))
    try:
        SLICES[name](Run(rows, folder / "log.txt", dry))
    finally:
        found = rows.results()
        print(f"{name}: {gpu_tables.counted(found)}", flush=True)
        bad = [row for row in found if gpu_tables.is_bad(row)]
        for row in bad[:SHOWN]:
            print(f"  {row['name']}: {row['error']}", flush=True)
    return bool(found) and not bad


def report_of(folder: Path) -> Row:
    """What the files of rows say together."""
    rows = {name: Rows(folder / f"{name}.jsonl").results() for name in SLICES}
    about = [row for row in rows["probe"] if row["name"] == "machine"]
    if not about:
        raise ValueError(f"{folder} has no row of the machine: the slice `probe` writes it")
    return {
        "machine": about[-1],
        "checks": {
            name: {"counts": gpu_tables.counted(rows[name]),
                   "bad": [f"{r['name']}: {r['error']}" for r in rows[name]
                           if gpu_tables.is_bad(r)]}
            for name in ("probe", "tests", "abilities", "memory") if rows[name]
        },
        "cases": [row for row in rows["times"] if "host" not in row],
        "calls": [row for row in rows["times"] if "host" in row],
        "sweep": [row for row in rows["sweep"] if "choices" in row],
    }  # fmt: skip


def path_of(card: str) -> Path:
    """Where the figures of a card go."""
    return RESULTS / f"gpu-{re.sub(r'[^a-z0-9]+', '-', card.lower()).strip('-')}.json"


def write_page(page: Path, report: Row) -> None:
    """Put the tables of a report between the marks of a page."""
    page.write_text(gpu_tables.between_marks(page.read_text(), gpu_tables.section(report)))


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options of a command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("slices", nargs="*", metavar="SLICE", help=", ".join(SLICES))
    parser.add_argument("--dry", action="store_true", help="what needs no GPU")
    parser.add_argument("--out", type=Path, default=ROOT / "card" / "results", metavar="FOLDER")
    parser.add_argument("--report", type=Path, metavar="FOLDER", help="make the tables of its rows")
    options = parser.parse_args(arguments)
    for name in options.slices:
        if name not in SLICES:
            parser.error(f"SLICE is {name!r}, but must be one of {', '.join(SLICES)}")
    return options


def stopped(*_: Any) -> None:
    """Let `finally` end the children."""
    raise SystemExit(128 + signal.SIGTERM)


def main(arguments: list[str]) -> int:
    """Do what the command line says; 1 if anything went wrong."""
    options = parse(arguments)
    if options.report:
        report = report_of(options.report)
        path_of(report["machine"]["card"]).write_text(json.dumps(report, indent=1) + "\n")
        write_page(PAGE, report)
        return 0
    signal.signal(signal.SIGTERM, stopped)
    if options.dry:
        os.environ["CARD_DRY"] = "1"
    right = [run_slice(name, options.out, dry=options.dry) for name in options.slices]
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
