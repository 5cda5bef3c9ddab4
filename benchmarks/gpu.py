"""Test and measure the kernels on the GPU of this machine; without one, nothing is done.

python benchmarks/gpu.py [--no-tests] [--no-sweep] [--only TEXT] [--report FILE]

The figures go to benchmarks/results/gpu-CARD.json, the tables to docs/gpu.md. `--report` writes the
tables from a file of results, which needs no GPU.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

import torch

import cumsum
import gpu_measure
import gpu_sweep
import gpu_tables
from gpu_measure import Row

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "gpu.md"
SUITE = ROOT / "tests" / "test_gpu_card.py"


def machine() -> Row:
    """The card, and what drives it."""
    import triton

    properties = torch.cuda.get_device_properties(0)
    return {
        "card": properties.name,
        "cores": properties.multi_processor_count,
        "gigabytes": round(properties.total_memory / 1e9),
        "runtime": torch.version.cuda or torch.version.hip,
        "torch": torch.__version__,
        "triton": triton.__version__,
        "cumsum": cumsum.__version__,
    }


def path_of(card: str) -> Path:
    """Where the figures of a card go."""
    return RESULTS / f"gpu-{re.sub(r'[^a-z0-9]+', '-', card.lower()).strip('-')}.json"


def tested() -> bool:
    """Whether the tests pass on the GPU."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(SUITE)]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def measured(options: argparse.Namespace) -> Row:
    """Everything that was asked for, printed as it comes."""
    report: Row = {"machine": machine(), "cases": [], "sweep": []}
    report["calls"] = gpu_measure.small_calls("cuda")
    cases = tuple(case for case in gpu_measure.CASES if options.only in case.name)
    for row in gpu_measure.measure(cases, "cuda"):
        print(gpu_tables.line(row), flush=True)
        report["cases"].append(row)
    if options.sweep:
        wanted = tuple(each for each in gpu_sweep.CASES if options.only in each[0].name)
        for row in gpu_sweep.sweep("cuda", wanted):
            print(gpu_tables.sweep_line(row), flush=True)
            report["sweep"].append(row)
    return report


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options of a command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-tests", dest="tests", action="store_false")
    parser.add_argument("--no-sweep", dest="sweep", action="store_false")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases whose names hold it")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the tables from it")
    return parser.parse_args(arguments)


def write_page(page: Path, report: Row) -> None:
    """Put the tables of a report between the marks of a page."""
    page.write_text(gpu_tables.between_marks(page.read_text(), gpu_tables.section(report)))


def main(arguments: list[str]) -> int:
    """Do what the command line says; 1 if a test fails."""
    options = parse(arguments)
    if options.report:
        write_page(PAGE, json.loads(options.report.read_text()))
        return 0
    if not torch.cuda.is_available():
        print("no GPU: nothing measured")
        return 0
    passed = tested() if options.tests else True
    report = measured(options)
    report["passed"] = passed if options.tests else None
    path = path_of(report["machine"]["card"])
    path.write_text(json.dumps(report, indent=1) + "\n")
    print(f"the figures: {path}")
    if not options.only:
        write_page(PAGE, report)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
