"""What is measured on a GPU, and how: kernel times by events, with the cache emptied before."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import prod
from statistics import median
from typing import Any

import torch

import cumsum

Row = dict[str, Any]
MILLISECOND = 1e-3


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


def contestants(case: Case, device: str) -> dict[str, Callable[[], object]]:
    """A copy that moves as many bytes, ours, torch's, and CUB's by way of CuPy if that is there."""
    x, y = tensors(case, device)
    half = torch.empty(case.moved // 2, dtype=torch.uint8, device=device)
    other = torch.empty_like(half)
    calls: dict[str, Callable[[], object]] = {
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


def by_cupy(x: torch.Tensor, y: torch.Tensor) -> dict[str, Callable[[], object]]:
    """CUB's scan."""
    try:
        import cupy
    except ImportError:
        return {}
    source, result = cupy.from_dlpack(x), cupy.from_dlpack(y)
    return {"cub": lambda: cupy.cumsum(source, out=result)}


def seconds(call: Callable[[], object], device: str) -> float:
    """The median time of a call: of its kernels on a GPU, of the clock elsewhere."""
    if device == "cuda":
        from triton.testing import do_bench

        return float(do_bench(call, warmup=50, rep=300, return_mode="median")) * MILLISECOND
    times = []
    for _ in range(3):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return median(times)


def call_seconds(call: Callable[[], object], device: str, count: int = 200) -> float:
    """What the host is busy with for one call, launches included; nothing is waited for."""
    call()
    if device == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(count):
        call()
    spent = (time.perf_counter() - start) / count
    if device == "cuda":
        torch.cuda.synchronize()
    return spent


def measure(cases: tuple[Case, ...], device: str) -> Iterator[Row]:
    """A row for each case; a case that fails says so in its row."""
    for case in cases:
        row: Row = {"name": case.name, "bytes": case.moved, "aim": case.aim}
        try:
            calls = contestants(case, device)
            row |= {name: seconds(call, device) for name, call in calls.items()}
        except RuntimeError as error:  # of memory, say
            row["error"] = str(error).splitlines()[0]
        yield row


def small_calls(device: str) -> Row:
    """What a call on few elements costs the host."""
    x, y = tensors(Case("", (1000,), 0), device)
    return {
        "ours": call_seconds(lambda: cumsum.cumsum(x, 0, out=y), device),
        "peer": call_seconds(lambda: torch.cumsum(x, 0, out=y), device),
    }
