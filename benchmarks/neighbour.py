"""How a scan and a copy slow down when other processes keep every core busy.

python benchmarks/neighbour.py [SECONDS]
"""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import cumsum
from cumsum import _core, bench

ELEMENTS = 100_000_000
SAMPLES = 6
SPIN = "while True: pass"
# Until the scheduler has shared out the cores.
SETTLE_SECONDS = 0.1


class Neighbours:
    """A process on every core that does nothing but spin, and that can be stopped for a while."""

    def __init__(self, cores: int) -> None:
        self.processes = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(cores)]

    def signal(self, number: signal.Signals) -> None:
        """Stop them all, or let them go on."""
        for process in self.processes:
            process.send_signal(number)
        time.sleep(SETTLE_SECONDS)

    def end(self) -> None:
        """Kill them all; a stopped process dies as well."""
        for process in self.processes:
            process.kill()
            process.wait()


@contextlib.contextmanager
def neighbours(cores: int) -> Iterator[Neighbours]:
    """Neighbours that are gone afterwards, whatever happens."""
    running = Neighbours(cores)
    try:
        yield running
    finally:
        running.end()


def sample(calls: dict[str, Callable[[], object]], into: dict[str, list[float]]) -> None:
    """Call each in turn, and note the seconds."""
    for _ in range(SAMPLES):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            into[name].append(time.perf_counter() - start)


def measure(threads: int, seconds: float) -> dict[str, Any]:
    """Medians of quiet and of busy rounds in turn, and how many times slower busy ones are.

    The copy is that of our own threads, which share out the work as they come: a copy in equal
    parts would wait for the slower thread and be an easier match.
    """
    x = bench.random_values([ELEMENTS], "float32")
    out = np.empty_like(x)
    source, target = x.view(np.uint8), np.ones(x.nbytes, np.uint8)
    calls = {
        "ours": partial(cumsum.cumsum, x, 0, out=out),
        "copy": partial(_core.copy, target, source, threads, True),
    }
    quiet: dict[str, list[float]] = {name: [] for name in calls}
    busy: dict[str, list[float]] = {name: [] for name in calls}
    with cumsum.num_threads(threads), neighbours(len(os.sched_getaffinity(0))) as others:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            others.signal(signal.SIGSTOP)
            sample(calls, quiet)
            others.signal(signal.SIGCONT)
            sample(calls, busy)
    medians = [
        {name: statistics.median(values) for name, values in times.items()}
        for times in (quiet, busy)
    ]
    return {
        "name": f"float32 1-D, {ELEMENTS:,}",
        "threads": threads,
        "rounds": len(quiet["ours"]) // SAMPLES,
        "quiet": medians[0],
        "busy": medians[1],
        "slowdown": {name: medians[1][name] / medians[0][name] for name in calls},
    }


def describe(row: dict[str, Any]) -> str:
    """The figures as a sentence."""
    parts = [
        f"{words} {row['quiet'][name] * 1e3:.1f} ms, {row['busy'][name] * 1e3:.1f} ms beside busy "
        f"neighbours, {row['slowdown'][name]:.2f} times as long"
        for name, words in (("ours", "scan"), ("copy", "copy"))
    ]
    return "; ".join(parts)


if __name__ == "__main__":
    cores = len(os.sched_getaffinity(0))
    print(describe(measure(cores, float(sys.argv[1]) if len(sys.argv) > 1 else 30)))
