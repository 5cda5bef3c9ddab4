"""Scans of .npy files larger than the memory they may take, beside `cp` and `sync` of the input.

python benchmarks/files.py [--size 1GB] [--memory 256MB] [--rounds 3] [--folder FOLDER] [--cold]
                           [--kills N]

For each case, in turns: the time of `cp`, and of `cp` and `sync`; that of `cumsum run`, and of
the scan in it, without the start of the interpreter; the largest resident memory of the
process; and whether every bit is that of a scan in memory, piece by piece. The ratio is that of the
scan to `cp` and `sync`, for our outputs are on the disk when they appear. --kills N kills a run of
each case N times at random moments, each time going on with --resume. The figures are written to
benchmarks/results/files.json.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import cumsum
from cumsum import bench, console

RESULTS = Path(__file__).parent / "results" / "files.json"
COMMAND = (sys.executable, "-m", "cumsum")
RANDOM = random.Random(0)
BLOCK = 32 << 20  # bytes that are made or compared at a time
CODE = """
import sys, time
from cumsum import files
from cumsum.cli import main
start = time.perf_counter()
code = main(sys.argv[1:])
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
sys.stderr.write(f"{status['VmHWM'].split()[0]} {time.perf_counter() - start}")
sys.exit(code)
"""
TIMES = ("cp", "cp and sync", "command", "scan")
HEADER = f"{'case':20}{''.join(f'{name:>12}' for name in TIMES)}{'ratio':>8}{'memory':>9}  bits"


@dataclass(frozen=True)
class Case:
    """An array in a file, and the dim to scan."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    dim: int


def cases(nbytes: int) -> Iterator[Case]:
    """One long line; short and long lines, and as many of them, along either dim."""
    items = nbytes // 8
    yield Case("one line", (items,), "float64", 0)
    for name, width in (("short", 8), ("middle", 4096), ("long", items // 64)):
        for dim in (0, 1):
            what = f"{name} rows, dim {dim}"
            yield Case(what, (items // width, width), "float64", dim)
    yield Case("float32, dim 0", (nbytes // 4 // 4096, 4096), "float32", 0)


def make(path: Path, case: Case) -> None:
    """Write random numbers."""
    rng, left = np.random.default_rng(0), int(np.prod(case.shape))
    header = {"descr": np.dtype(case.dtype).str, "fortran_order": False, "shape": case.shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        while left:
            part = min(left, BLOCK // 8)
            rng.standard_normal(part).astype(case.dtype).tofile(file)
            left -= part
        file.flush()
        os.fsync(file.fileno())


def check(path: Path, result: Path, case: Case) -> str:
    """Compare with scans in memory, and return the check sum of all."""
    length, inner = case.shape[case.dim], int(np.prod(case.shape[case.dim + 1 :]))
    x, y = (np.load(p, mmap_mode="r").reshape(-1, length, inner) for p in (path, result))
    rows = max(BLOCK // (x.itemsize * inner), 1)
    total = 0
    for first in range(0, len(x), max(rows // length, 1)):
        lines = slice(first, first + max(rows // length, 1))
        stream = cumsum.RunningSum(1)
        for start in range(0, length, rows):
            part = (lines, slice(start, start + rows))
            expected = np.ascontiguousarray(stream.update(np.array(x[part])))
            if expected.tobytes() != y[part].tobytes():
                raise AssertionError(f"{case}: wrong in {part}")
            total = zlib.crc32(expected, total)
    return f"{total:08x}"


def timed(*argv: str | Path) -> float:
    """The seconds that a command takes."""
    start = time.perf_counter()
    subprocess.run([str(arg) for arg in argv], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def scan_command(case: Case, x: Path, y: Path, memory: str) -> list[str]:
    """The arguments of the scan."""
    return ["run", str(x), "-o", str(y), "--dim", str(case.dim), "--memory", memory]


def run_case(case: Case, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Measure one case."""
    x, y, copy = (folder / f"{name}.npy" for name in ("x", "y", "copy"))
    make(x, case)
    argv = scan_command(case, x, y, args.memory)
    times: dict[str, list[float]] = {name: [] for name in TIMES}
    peak = 0
    for _ in range(args.rounds):
        settle(args.cold)
        times["cp"].append(timed("cp", x, copy))
        times["cp and sync"].append(times["cp"][-1] + timed("sync", copy))
        copy.unlink()
        y.unlink(missing_ok=True)
        settle(args.cold)
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", CODE, *argv], check=True, capture_output=True, text=True
        )
        times["command"].append(time.perf_counter() - start)
        resident, seconds = done.stderr.split()
        times["scan"].append(float(seconds))
        peak = max(peak, int(resident) << 10)
    row = asdict(case) | {name: statistics.median(each) for name, each in times.items()}
    row |= {"peak": peak, "check sum": check(x, y, case)}
    for killed in range(args.kills):
        kill(argv, y, row["command"])
        row["kills"] = killed + 1
    if args.kills:
        y.unlink(missing_ok=True)
        subprocess.run([*COMMAND, *argv, "--resume"], check=True, stdout=subprocess.DEVNULL)
        check(x, y, case)
    for path in (x, y):
        path.unlink()
    return row


def kill(argv: list[str], y: Path, seconds: float) -> None:
    """Go on with the command, and kill it at a random moment; begin anew whenever it ends."""
    while True:
        y.unlink(missing_ok=True)
        process = subprocess.Popen(
            [*COMMAND, *argv, "--resume"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(RANDOM.random() * seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return


def settle(cold: bool) -> None:
    """Write back what is dirty; forget what is in the cache, where that is wanted."""
    os.sync()
    if cold:
        Path("/proc/sys/vm/drop_caches").write_text("3")


def format_row(row: dict[str, Any]) -> str:
    """One line of the table."""
    times = "".join(f"{row[name]:11.2f}s" for name in TIMES)
    ratio = row["scan"] / row["cp and sync"]
    bits = "equal" + (f", after {row['kills']} kills" if "kills" in row else "")
    return f"{row['name']:20}{times}{ratio:8.2f}{row['peak'] / 1e6:7.0f}MB  {bits}"


def main() -> None:
    """Measure all cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=console.parse_size, default=10**9, help="of a file (1GB)")
    parser.add_argument("--memory", default="256MB", help="for the scan (256MB)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="on the disk to measure (the temporary one)")
    parser.add_argument("--cold", action="store_true", help="nothing in the cache; needs root")
    parser.add_argument("--kills", type=int, default=0, help="then kill each so many times")
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cumsum-files-", dir=args.folder))
    rows = []
    print(HEADER)
    try:
        for case in cases(args.size):
            if args.only in case.name:
                rows.append(run_case(case, folder, args))
                print(format_row(rows[-1]), flush=True)
    finally:
        shutil.rmtree(folder)
    how = {"size": args.size, "memory": args.memory, "rounds": args.rounds, "cold": args.cold}
    report = {"machine": bench.machine(cumsum.get_num_threads()), **how, "results": rows}
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
