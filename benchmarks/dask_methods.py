"""Running sums of arrays of Dask: ours beside Dask's own two methods.

python benchmarks/dask_methods.py [--gigabytes G] [--rounds N]

The sums of float64 in chunks of 16 MB, and of them the greatest: of numbers that are made when they
are needed, of a zarr array, and of numbers spread over the memory of two worker processes. Each
round of each method has a process of its own, whose peak memory is read. The figures go to
benchmarks/results/dask.json, the table into docs/dask.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np

import cumsum
from cumsum.bench.machine import machine
from report import ROOT, between_markers
from tables import markdown

RESULTS = ROOT / "benchmarks" / "results" / "dask.json"
PAGE = ROOT / "docs" / "dask.md"
CHUNK = 2_000_000
WORKERS = 2
METHODS: dict[str, Callable[[da.Array], da.Array]] = {
    "no sums": lambda x: x,
    "sequential": partial(da.cumsum, axis=0, method="sequential"),
    "blelloch": partial(da.cumsum, axis=0, method="blelloch"),
    "cumsum": partial(cumsum.cumsum, dim=0),
}
PLACES = {
    "generated": "numbers made when needed",
    "zarr": "a zarr array",
    "cluster": "on two workers",
}
Row = dict[str, Any]


def peak() -> float:
    """The most memory this process has had, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def received(dask_worker: Any) -> float:
    """What a worker has been sent by others, in MB."""
    return sum(entry["total"] for entry in dask_worker.transfer_incoming_log) / 1e6


def generated(length: int) -> da.Array:
    """Normal numbers that no memory holds."""
    return da.random.default_rng(0).standard_normal(length, chunks=CHUNK)


def in_threads(x: da.Array, method: str) -> Row:
    """One computation on two threads of this process."""
    before = peak()
    with dask.config.set(scheduler="threads", num_workers=WORKERS):
        start = time.perf_counter()
        METHODS[method](x).max().compute()
        return {"seconds": time.perf_counter() - start, "megabytes": peak() - before}


def on_cluster(x: da.Array, method: str) -> Row:
    """One computation on two processes of one thread, which have the numbers already."""
    import distributed

    with (
        distributed.LocalCluster(
            n_workers=WORKERS, threads_per_worker=1, dashboard_address=":0", memory_limit=0
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        METHODS[method](generated(10 * CHUNK)).max().compute()  # everything is imported
        x = x.persist()
        distributed.wait(x)
        before = sum(client.run(peak).values()), sum(client.run(received).values())
        start = time.perf_counter()
        METHODS[method](x).max().compute()
        return {
            "seconds": time.perf_counter() - start,
            "megabytes": sum(client.run(peak).values()) - before[0],
            "moved": sum(client.run(received).values()) - before[1],
        }


def run(place: str, method: str, length: int, store: str) -> Row:
    """One computation."""
    x = da.from_zarr(store) if place == "zarr" else generated(length)
    return (on_cluster if place == "cluster" else in_threads)(x, method)


def run_apart(*call: Any) -> Row:
    """The same in a new process."""
    argv = [sys.executable, __file__, "--one", json.dumps(call)]
    found: Row = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
    return found


def measure(length: int, rounds: int) -> list[Row]:
    """Every place and method, the methods in turn."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        store = f"{folder}/numbers.zarr"
        generated(length).to_zarr(store)
        for place in PLACES:
            samples: dict[str, list[Row]] = {method: [] for method in METHODS}
            for _ in range(rounds):
                for method in METHODS:
                    samples[method].append(run_apart(place, method, length, store))
            for method, found in samples.items():
                middle = {key: statistics.median(row[key] for row in found) for key in found[0]}
                rows.append({"place": place, "method": method} | middle)
                print(json.dumps(rows[-1]), flush=True)
    return rows


def table(rows: list[Row]) -> str:
    """Seconds, memory and what was moved, by place and method."""
    return markdown(
        ("", "", "seconds", "peak memory, MB", "moved between workers, MB"),
        (
            (
                PLACES[row["place"]] if row["method"] == "no sums" else "",
                row["method"],
                f"{row['seconds']:.2f}",
                f"{row['megabytes']:.0f}",
                f"{row['moved']:.1f}" if "moved" in row else "",
            )
            for row in rows
        ),
        words=2,
    )


def main() -> None:
    """Measure, and write the figures down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=1.6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(run(*json.loads(options.one))))
        return
    length = int(options.gigabytes * 1e9 / np.dtype(float).itemsize) // CHUNK * CHUNK
    rows = measure(length, options.rounds)
    print(table(rows))
    report = {"machine": machine(WORKERS), "gigabytes": options.gigabytes, "rows": rows}
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    PAGE.write_text(between_markers(PAGE.read_text(), table(rows)))


if __name__ == "__main__":
    main()
