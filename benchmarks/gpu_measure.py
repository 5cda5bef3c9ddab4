"""What is measured on a GPU, and how: replays of CUDA graphs, each after a copy of its own.

python benchmarks/gpu_measure.py probe|times|sweep     a child of benchmarks/gpu.py

A graph holds the launches of a call, so that the host, which takes longer than many a kernel, is
not what is timed; the cache is emptied before each replay. The clock of a GPU goes up and down: a
time is divided by that of the copy right before it, and the median of these ratios is the figure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import prod
from statistics import median
from typing import Any

import torch

import cumsum
from gpu_rows import Row, Rows

Call = Callable[[], object]
MILLISECOND = 1e-3
ROUNDS = 30
EAGER = {"cub"}  # by way of CuPy, which takes memory that a graph under capture must not
SIZES = (8, 1000, 100_000)  # of calls on little


@dataclass(frozen=True)
class Case:
    """One array; `aim` is the multiple of a copy's time that is aimed at."""

    name: str
    shape: tuple[int, ...]
    dim: int
    dtype: str = "float32"
    result: str | None = None
    aim: float = 1.2
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def moved(self) -> int:
        """The bytes that have to be read and written."""
        sizes = (getattr(torch, name).itemsize for name in (self.dtype, self.result or self.dtype))
        return prod(self.shape) * sum(sizes)


CASES = (
    Case("float32 1-D, 2^28", (1 << 28,), 0, aim=1.25),
    Case("float32 1-D, 2^24", (1 << 24,), 0, aim=1.6),
    Case("float32 1-D, 2^20", (1 << 20,), 0, aim=2.5),
    Case("float32 1-D, 10,000,001", (10_000_001,), 0, aim=1.6),
    Case("float32 (1000000, 2) dim 0", (1_000_000, 2), 0, aim=2.5),
    Case("float32 (1000000, 32) dim 0", (1_000_000, 32), 0, aim=1.5),
    Case("float32 (4096, 4096) dim 0", (4096, 4096), 0, aim=1.4),
    Case("float32 (1024, 65536) dim 0", (1024, 65536), 0, aim=1.2),
    Case("float32 (8, 1000000) dim 1", (8, 1_000_000), 1, aim=1.8),
    Case("float32 (65536, 1024) dim 1", (65536, 1024), 1, aim=1.1),
    Case("float32 (1000000, 50) dim 1", (1_000_000, 50), 1, aim=1.2),
    Case("bool to int64 1-D, 2^26", (1 << 26,), 0, "bool", "int64", aim=1.2),
    Case("float32 1-D, 2^26, reverse", (1 << 26,), 0, aim=1.25, options={"reverse": True}),
    Case("bfloat16 1-D, 2^28", (1 << 28,), 0, "bfloat16", aim=1.25),
    Case("float64 1-D, 2^26", (1 << 26,), 0, "float64", aim=1.25),
    Case(
        "float64 1-D, 2^26, compensated",
        (1 << 26,),
        0,
        "float64",
        aim=1.5,
        options={"precision": "compensated"},
    ),
)


def tensors(case: Case, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """An input of a case, and memory for its result."""
    dtype = getattr(torch, case.dtype)
    if dtype.is_floating_point:
        x = torch.randn(case.shape, device=device).to(dtype)
    else:
        x = torch.randint(0, 2, case.shape, device=device).to(dtype)
    return x, torch.empty(
        case.shape, dtype=getattr(torch, case.result or case.dtype), device=device
    )


def contestants(case: Case, device: str) -> dict[str, Call]:
    """A copy that moves as many bytes, ours, torch's, and CUB's by way of CuPy if that is there."""
    x, y = tensors(case, device)
    half = torch.empty(case.moved // 2, dtype=torch.uint8, device=device)
    other = torch.empty_like(half)
    calls: dict[str, Call] = {
        "copy": lambda: other.copy_(half),
        "ours": lambda: cumsum.cumsum(x, case.dim, out=y, **case.options),
    }
    if case.options.get("reverse"):
        calls["torch"] = lambda: x.flip(case.dim).cumsum(case.dim).flip(case.dim)
    else:
        calls["torch"] = lambda: torch.cumsum(x, case.dim, out=y)
    if x.dim() == 1 and not case.options and case.dtype in {"float32", "float64"}:
        calls |= by_cupy(x, y)
    return calls


def by_cupy(x: torch.Tensor, y: torch.Tensor) -> dict[str, Call]:
    """CUB's scan."""
    try:
        import cupy
    except ImportError:
        return {}
    source, result = cupy.from_dlpack(x), cupy.from_dlpack(y)
    return {"cub": lambda: cupy.cumsum(source, out=result)}


def replayed(call: Call) -> Call:
    """A CUDA graph of a call, which has been made once before, since that compiles."""
    call()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    return graph.replay


class Clock:
    """The seconds of one call: of its kernels on a GPU, of the host elsewhere."""

    def __init__(self, device: str) -> None:
        self.on_gpu = device == "cuda"
        if self.on_gpu:
            self.cache = torch.empty(1 << 28, dtype=torch.uint8, device=device)

    def ready(self, name: str, call: Call) -> Call:
        """What is timed in place of a call."""
        return replayed(call) if self.on_gpu and name not in EAGER else call

    def __call__(self, call: Call) -> float:
        """Make a call, and take its time."""
        if not self.on_gpu:
            start = time.perf_counter()
            call()
            return time.perf_counter() - start
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        self.cache.zero_()  # keeps the GPU busy, too, until what follows is queued
        start.record()
        call()
        end.record()
        end.synchronize()
        return float(start.elapsed_time(end)) * MILLISECOND


def interleaved(calls: dict[str, Call], device: str) -> Row:
    """The median seconds of each call, and the median of its ratios to the copies before it."""
    clock = Clock(device)
    timed = {name: clock.ready(name, call) for name, call in calls.items()}
    copies: list[float] = []
    times: dict[str, list[float]] = {name: [] for name in timed if name != "copy"}
    ratios: dict[str, list[float]] = {name: [] for name in times}
    for call in timed.values():
        clock(call)
    for _ in range(ROUNDS):
        for name, found in times.items():
            copies.append(clock(timed["copy"]))
            found.append(clock(timed[name]))
            ratios[name].append(found[-1] / copies[-1])
    row: Row = {"copy": median(copies)} | {name: median(t) for name, t in times.items()}
    return row | {"ratios": {name: median(each) for name, each in ratios.items()}}


def seconds(call: Call, device: str) -> float:
    """The median time of a call alone."""
    clock = Clock(device)
    timed = clock.ready("", call)
    clock(timed)
    return median(clock(timed) for _ in range(ROUNDS))


def host_seconds(call: Call, device: str, rounds: int = 20, count: int = 50) -> float:
    """What the host is busy with for one call, launches included; nothing is waited for."""
    call()
    times = []
    for _ in range(rounds):
        if device == "cuda":
            torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(count):
            call()
        times.append((time.perf_counter() - start) / count)
    return median(times)


def small_calls(n: int, device: str) -> Row:
    """What a call on few elements costs the host and the GPU, ours and torch's."""
    x, y = tensors(Case("", (n,), 0), device)
    calls: dict[str, Call] = {
        "ours": lambda: cumsum.cumsum(x, 0, out=y),
        "torch": lambda: torch.cumsum(x, 0, out=y),
    }
    host = {name: host_seconds(call, device) for name, call in calls.items()}
    return {
        "elements": n,
        "host": host,
        "device": {name: seconds(call, device) for name, call in calls.items()},
    }


def clock_rate() -> int | None:
    """The megahertz of the multiprocessors just now."""
    if shutil.which("nvidia-smi") is None:
        return None
    command = ["nvidia-smi", "--query-gpu=clocks.sm", "--format=csv,noheader,nounits"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=20, check=False)
    first = (done.stdout.splitlines() or [""])[0].strip()
    return int(first) if first.isdigit() else None


def measure(case: Case, device: str) -> Row:
    """The figures of a case, and the clock before and after."""
    before = clock_rate()
    row = interleaved(contestants(case, device), device)
    return row | {"clocks": [before, clock_rate()]}


def measure_all(rows: Rows, device: str, cases: tuple[Case, ...] = CASES) -> None:
    """A row for each size of small calls and for each case that has none yet."""
    for n in SIZES:
        name = f"a call on {n} elements"
        if name not in rows.begun():
            with rows.around(name) as row:
                row.update(small_calls(n, device))
    for case in cases:
        if case.name not in rows.begun():
            with rows.around(case.name) as row:
                row.update({"bytes": case.moved, "aim": case.aim})
                row.update(measure(case, device))


def standin(case: Case) -> Case:
    """A case of the same kind with few elements."""
    return replace(case, shape=tuple(min(n, 50) for n in case.shape))


def main(what: str) -> None:
    """Write the rows of a slice; those of stand-ins on the CPU where a dry run is wanted."""
    import gpu_probe
    import gpu_sweep

    dry = "CARD_DRY" in os.environ
    device, rows = "cpu" if dry else "cuda", Rows.of_child()
    if what == "probe":
        gpu_probe.probe(rows, dry=dry)
    elif what == "times":
        measure_all(rows, device, tuple(map(standin, CASES)) if dry else CASES)
    elif dry:
        gpu_sweep.plan(rows)
    else:
        gpu_sweep.sweep(rows, device)


if __name__ == "__main__":
    main(*sys.argv[1:])
