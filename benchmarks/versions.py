"""Two builds of the package beside each other: whether one is slower than the other, and where.

    python benchmarks/versions.py FOLDER_OF_ONE FOLDER_OF_OTHER [--threads N] [--match TEXT]

Each folder holds a package `cumsum` with its core. Both run in a process of their own, and every
case is timed in turns, one round here and one there, so that whatever else the machine does meets
both. The last column is the median of the rounds' ratios, other / one.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np

ROUND_SECONDS = 0.02
SIZES = ((1_000,), (100_000,), (1000, 1000), (100_000, 10), (10_000, 100), (4_000_000,))


def cases() -> list[tuple[str, Any, int, dict[str, Any]]]:
    """Name, input, axis and options of each."""
    rng = np.random.default_rng(0)
    found: list[tuple[str, Any, int, dict[str, Any]]] = []
    for dtype in ("float32", "float64", "int64", "float16", "complex64", "int8"):
        for size in SIZES:
            x = rng.integers(-9, 9, size).astype(dtype)
            mask = rng.random(size) < 0.7
            for axis in range(x.ndim):
                length = x.shape[axis]
                plain: list[tuple[str, dict[str, Any]]] = [
                    ("plain", {}),
                    ("reverse", {"reverse": True}),
                    ("exclusive", {"exclusive": True}),
                    ("initial", {"initial": 3}),
                ]
                if dtype in ("float32", "float64", "int64"):
                    plain.append(("where", {"where": mask}))
                    for step in (3, 50, 2000):
                        offsets = np.unique([*range(0, length, step), length])
                        plain.append((f"segments of {step}", {"offsets": offsets}))
                if dtype in ("float32", "float64", "float16"):
                    decays = rng.uniform(0.5, 1, x.shape)
                    plain += [("skipna", {"skipna": True}), ("decay", {"decay": 0.9})]
                    plain += [("decays", {"decay": decays})]
                    plain += [("own decays", {"decay": decays.astype(dtype)})]
                if dtype in ("int64", "int8"):
                    plain += [("saturate", {"overflow": "saturate"})]
                if dtype == "float64":
                    plain += [("compensated", {"precision": "compensated"})]
                name = f"{dtype} {'x'.join(map(str, size))} axis {axis}"
                found += [(f"{name} {option}", x, axis, given) for option, given in plain]
            if x.ndim == 2:
                found.append((f"{name} transposed", x.T, 1, {}))
                found.append((f"{name} every second", x[:, ::2], 1, {}))
    return found


def serve(threads: int) -> None:
    """Time the case of each number read, so many repetitions of it, until there are no more."""
    import cumsum

    cumsum.set_num_threads(threads)
    table = cases()
    for line in sys.stdin:
        number, repeats = map(int, line.split())
        _, x, axis, given = table[number]
        y = cumsum.cumsum(x, axis, **given)
        begin = time.perf_counter()
        for _ in range(repeats):
            cumsum.cumsum(x, axis, out=y, **given)
        print((time.perf_counter() - begin) / repeats, flush=True)


class Worker:
    """A process that has one of the builds."""

    def __init__(self, folder: str, threads: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve", "--threads", str(threads)],
            env={**os.environ, "PYTHONPATH": folder},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def time(self, number: int, repeats: int) -> float:
        """Seconds of one call, of so many."""
        assert self.process.stdin
        assert self.process.stdout
        print(number, repeats, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())


def compare(folders: list[str], threads: int, rounds: int, match: str) -> list[float]:
    """Print each case's times and ratio; the ratios."""
    one, other = (Worker(folder, threads) for folder in folders)
    ratios = []
    for number, (name, *_) in enumerate(cases()):
        if match not in name:
            continue
        repeats = max(1, int(ROUND_SECONDS / min(one.time(number, 3), other.time(number, 3))))
        times = [(one.time(number, repeats), other.time(number, repeats)) for _ in range(rounds)]
        ratio = statistics.median(b / a for a, b in times)
        best = [1e6 * min(t[i] for t in times) for i in (0, 1)]
        ratios.append(ratio)
        print(f"{name:60} {best[0]:10.2f} {best[1]:10.2f} us {ratio:6.2f}", flush=True)
    return ratios


def main() -> None:
    """Compare, or be compared."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--match", default="")
    parser.add_argument("--serve", action="store_true")
    given = parser.parse_args()
    if given.serve:
        serve(given.threads)
        return
    ratios = compare(given.folders, given.threads, given.rounds, given.match)
    mean = math.exp(statistics.mean(map(math.log, ratios)))
    slower = sum(ratio > 1.05 for ratio in ratios)
    print(f"{len(ratios)} cases, geometric mean {mean:.3f}, {slower} slower by more than 5 %")


if __name__ == "__main__":
    main()
