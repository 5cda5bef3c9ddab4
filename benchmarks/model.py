"""What a scan of 10^12 to 10^15 elements costs on many workers, from what its parts cost here.

python benchmarks/model.py [--measure] [--draw]

--measure takes the constants of this machine and times some runs that the model must foretell;
they go to benchmarks/results/model.json. --draw draws docs/_static/scaling.svg from them, and
writes the tables of docs/scaling.md.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "model.json"
PAGE = Path(__file__).parent.parent / "docs" / "scaling.md"
PICTURE = PAGE.parent / "_static" / "scaling.svg"
TILE, TOTAL_BYTES, RECORD_BYTES = 4096, 8, 40
ITEM_BYTES = 4  # float32 in, float32 out
CHUNK_BYTES = 128 << 20
TASKS, LONGEST_CHAIN, WIDTH = 4, 256, 8  # of Dask: for each chunk; as in src/cumsum/dask/graph.py
SIZES = (10**12, 10**13, 10**14, 10**15)
WORKERS = (10, 100, 1_000, 10_000)


@dataclass(frozen=True)
class Machine:
    """What the parts cost: measured here, but for the disk and the network of a cluster.

    Attributes
    ----------
    scan, aggregate : float
        Input bytes a second that one worker scans, and adds up, in memory.
    add : float
        Seconds to add the sum of a tile to a carry.
    task : float
        Seconds that the scheduler of Dask takes for a task.
    step : float
        Seconds between a task of Dask and one on another worker that waits for it.
    disk, network : float
        Bytes a second of one worker.
    latency : float
        Seconds from one worker to another.
    """

    scan: float
    aggregate: float
    add: float
    task: float
    step: float
    disk: float = 1e9
    network: float = 1.25e9
    latency: float = 50e-6


def work(m: Machine, elements: float, workers: int, reads: int) -> float:
    """Seconds to read so many times, scan and write what a worker has of the data."""
    share = elements * ITEM_BYTES / workers
    return max((reads + 1) * share / m.disk, share / m.scan + (reads - 1) * share / m.aggregate)


def chain(m: Machine, elements: float, workers: int) -> float:
    """Ranks, exact: the record goes from rank to rank, each adds the sums of its tiles."""
    hops = workers * (m.latency + RECORD_BYTES / m.network)
    return work(m, elements, workers, 2) + hops + elements / TILE * m.add


def gather(m: Machine, elements: float, workers: int) -> float:
    """Ranks, exact: everyone has the sums of all tiles."""
    totals = elements / TILE
    exchange = math.log2(workers + 1) * m.latency + totals * TOTAL_BYTES / m.network
    return work(m, elements, workers, 2) + exchange + totals * m.add


def tree(m: Machine, elements: float, workers: int) -> float:
    """Ranks, not to the bit: one total from each, in a tree."""
    hops = 2 * math.ceil(math.log2(workers + 1)) * (m.latency + TOTAL_BYTES / m.network)
    return work(m, elements, workers, 2) + hops


def tasks(m: Machine, elements: float, workers: int, chunk: int = CHUNK_BYTES) -> float:
    """Dask, exact: chunks are scanned while they are in memory, their carries follow in order."""
    chunks = elements * ITEM_BYTES / chunk
    waits = min(chunks, LONGEST_CHAIN + WIDTH * math.log(max(chunks, WIDTH), WIDTH))
    carries = waits * m.step + elements / TILE * m.add
    return max(work(m, elements, workers, 1), chunks * TASKS * m.task, carries)


def large_tasks(m: Machine, elements: float, workers: int) -> float:
    """The same with larger chunks, each of which a worker still has memory for."""
    return tasks(m, elements, workers, 4 << 30)


SCHEMES: dict[str, Callable[[Machine, float, int], float]] = {
    "ranks, records in a chain": chain,
    "ranks, totals gathered": gather,
    "ranks, one total each, in a tree (other bits)": tree,
    "Dask, chunks of 128 MiB": tasks,
    "Dask, chunks of 4 GiB": large_tasks,
}


def median(call: Callable[[], object], times: int = 7) -> float:
    """The median time of some calls."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def measure_core() -> dict[str, float]:
    """The three steps, in memory."""
    import numpy as np

    from cumsum.chunked import scan_of

    x = np.random.default_rng(0).standard_normal(CHUNK_BYTES // ITEM_BYTES, np.float32)
    y = np.empty_like(x)
    scan = scan_of(x, 0)
    begin = scan.begin()
    aggregate = scan.aggregate(x, 0)
    many = aggregate
    for _ in range(6):
        many = scan.join(many, many._replace(position=many.length))
    tiles = many.length // TILE
    return {
        "scan": x.nbytes / median(lambda: scan.scan(x, begin, y)),
        "aggregate": x.nbytes / median(lambda: scan.aggregate(x, 0)),
        "add": median(lambda: scan.advance(begin, many)) / tiles,
    }


def measure_dask(count: int = 1500) -> dict[str, float]:
    """Tasks that wait for nothing, and tasks that wait for one on another worker."""
    import operator

    from distributed import Client, LocalCluster, wait

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        names = list(client.scheduler_info()["workers"])

        def free() -> None:
            wait(client.map(operator.neg, range(count), pure=False))

        def in_turn() -> None:
            last = client.submit(operator.neg, 1, pure=False)
            for i in range(count // 5):
                last = client.submit(operator.neg, last, workers=[names[i % 2]], pure=False)
            last.result()

        return {"task": median(free, 3) / count, "step": median(in_turn, 3) / (count // 5)}


def measure_runs(machine: Machine) -> list[dict[str, Any]]:
    """Whole scans on this machine beside what the model says of them."""
    import dask.array as da
    from distributed import Client, LocalCluster

    import cumsum

    rows = []
    for chunks in (50, 200, 800):
        each = 1 << 20
        x = da.ones(chunks * each, chunks=each, dtype="float32")
        with (
            LocalCluster(
                n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
            ) as cluster,
            Client(cluster),
        ):
            empty = median(lambda x=x: x.max().compute(), 3)
            taken = median(lambda x=x: cumsum.cumsum(x, 0).max().compute(), 3)
        share = x.nbytes / 2
        foretold = chunks * TASKS * machine.task + share / machine.scan + share / machine.aggregate
        rows.append(
            {
                "run": f"Dask, 2 workers, {chunks} chunks of {each * ITEM_BYTES >> 20} MiB",
                "measured": taken - empty,
                "model": foretold,
            }
        )
    return rows


def measure() -> None:
    """Take the constants and the runs."""
    machine = Machine(**measure_core(), **measure_dask())
    report = {"machine": asdict(machine), "runs": measure_runs(machine)}
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


def duration(seconds: float) -> str:
    """Seconds, minutes, hours or days."""
    for unit, size, most in (("s", 1, 120), ("min", 60, 120), ("h", 3600, 72)):
        if seconds < most * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 86400:.3g} days"


def table(machine: Machine, elements: int) -> list[str]:
    """Rows of Markdown: each scheme at each number of workers."""
    lines = [
        f"| 10^{round(math.log10(elements))} elements | "
        + " | ".join(f"{w:,}" for w in WORKERS)
        + " |"
    ]
    lines.append("|---|" + "---:|" * len(WORKERS))
    for name, scheme in SCHEMES.items():
        cells = [duration(scheme(machine, elements, w)) for w in WORKERS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def draw(report: dict[str, Any]) -> None:
    """The picture, and the tables of the page."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "cumsum"
    import matplotlib.pyplot as plt

    machine = Machine(**report["machine"])
    figure, axes = plt.subplots(2, 2, figsize=(8, 6), sharex=True, layout="constrained")
    workers = [round(10 ** (i / 12)) for i in range(12, 61)]
    colours = ("#0b6e99", "#5aa9c8", "#d9730d", "#9b9a97", "#4d4c48")
    for place, elements in zip(axes.flat, SIZES, strict=True):
        ideal = [work(machine, elements, w, 1) for w in workers]
        place.loglog(workers, ideal, color="0.85", linewidth=5, label="read once, write once")
        for colour, (name, scheme) in zip(colours, SCHEMES.items(), strict=True):
            style = "--" if "tree" in name else "-"
            times = [scheme(machine, elements, w) for w in workers]
            place.loglog(workers, times, style, color=colour, label=name, linewidth=1.4)
        place.set_title(f"$10^{{{round(math.log10(elements))}}}$ float32", fontsize=10)
        place.spines[["top", "right"]].set_visible(False)
    for place in axes[1]:
        place.set_xlabel("workers")
    for place in axes[:, 0]:
        place.set_ylabel("seconds")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    figure.savefig(PICTURE, metadata={"Date": None})
    write_tables(machine, report)


def write_tables(machine: Machine, report: dict[str, Any]) -> None:
    """Put them between the marks of the page."""
    constants = [
        "| constant | here |",
        "|---|---:|",
        f"| scan | {machine.scan / 1e9:.3g} GB/s of input |",
        f"| aggregate | {machine.aggregate / 1e9:.3g} GB/s |",
        f"| a tile's sum added to the carry | {machine.add * 1e9:.3g} ns |",
        f"| a task of Dask | {machine.task * 1e6:.3g} us |",
        f"| a task that waits for one elsewhere | {machine.step * 1e6:.3g} us |",
    ]
    runs = ["| run | measured | model |", "|---|---:|---:|"]
    runs += [
        f"| {row['run']} | {duration(row['measured'])} | {duration(row['model'])} |"
        for row in report["runs"]
    ]
    sizes = [line for size in SIZES for line in ["", *table(machine, size)]]
    text = PAGE.read_text()
    for mark, lines in (("constants", constants), ("runs", runs), ("sizes", sizes)):
        start, end = f"<!-- {mark}:start -->", f"<!-- {mark}:end -->"
        before, _, rest = text.partition(start)
        text = before + "\n".join([start, *lines, end]) + rest.partition(end)[2]
    PAGE.write_text(text)


def main() -> None:
    """Measure, draw, or both."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--measure", action="store_true", help="take the constants and the runs")
    parser.add_argument("--draw", action="store_true", help="draw the picture, write the tables")
    args = parser.parse_args()
    if args.measure:
        measure()
    if args.draw:
        draw(json.loads(RESULTS.read_text()))


if __name__ == "__main__":
    main()
