"""What a scan costs with its gradient, and in a compiled graph, beside torch's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch._inductor.utils import fresh_cache

import cumsum
import groups
from cumsum import bench

CASES = (((8,), 0), ((1000,), 0), ((10_000,), 0), ((1_000_000,), 0))
LARGE_CASES = (((4096, 4096), 1), ((4096, 4096), 0))
COMPILED = ((8,), (1000,), (1_000_000,))
HEADER = (
    f"{'with the gradient':44} {'forward':>12} {'backward':>12} {'both':>12} {'torch':>12} "
    f"{'ratio':>7}"
)
COMPILED_HEADER = f"{'compiled':44} {'ours':>12} {'torch':>12} {'ratio':>7}"
Scan = Callable[[torch.Tensor, int], torch.Tensor]


def both(scan: Scan, x: torch.Tensor, dim: int, grad: torch.Tensor) -> Callable[[], object]:
    """A forward and a backward call."""
    return lambda: torch.autograd.grad(scan(x, dim), x, grad)


def measure(shape: tuple[int, ...], dim: int, seconds: float) -> dict[str, Any]:
    """Seconds per call, forward, backward and both."""
    x, grad = torch.randn(shape, requires_grad=True), torch.randn(shape)
    y = cumsum.cumsum(x, dim)
    times = bench.measure(
        {
            "forward": lambda: cumsum.cumsum(x, dim),
            "backward": lambda: torch.autograd.grad(y, x, grad, retain_graph=True),
            "ours": both(cumsum.cumsum, x, dim, grad),
            "peer": both(torch.cumsum, x, dim, grad),
        },
        seconds,
    )
    return {"name": f"float32 {shape} dim {dim}", "size": math.prod(shape), **times}


def measure_all(seconds: float) -> Iterator[dict[str, Any]]:
    """One row for each shape."""
    for shape, dim in CASES + LARGE_CASES:
        yield groups.twice("gradients", partial(measure, shape, dim), seconds)


def measure_compiled(seconds: float) -> Iterator[dict[str, Any]]:
    """One row for each size; seconds per call of a graph by inductor."""
    for shape in COMPILED:
        torch._dynamo.reset()
        x = torch.randn(shape)
        compiled = {
            "ours": torch.compile(lambda t: cumsum.cumsum(t * 2, 0) + 1, fullgraph=True),
            "peer": torch.compile(lambda t: torch.cumsum(t * 2, 0) + 1, fullgraph=True),
        }
        calls = {name: partial(function, x) for name, function in compiled.items()}
        with fresh_cache():  # what an earlier version was compiled to is not measured
            for call in calls.values():
                call()

        def row(seconds: float, shape: Any = shape, calls: Any = calls) -> dict[str, Any]:
            return {"name": f"float32 {shape}, * 2, + 1", **bench.measure(calls, seconds)}

        yield groups.twice("compiled", row, seconds)


def format_row(row: dict[str, Any]) -> str:
    """One line of the table, in microseconds."""
    times = " ".join(f"{row[k] * 1e6:9.1f} us" for k in ("forward", "backward", "ours", "peer"))
    return f"{row['name']:44} {times} {row['ours'] / row['peer']:7.2f}"


def format_compiled(row: dict[str, Any]) -> str:
    """The same for a compiled call."""
    times = " ".join(f"{row[k] * 1e6:9.1f} us" for k in ("ours", "peer"))
    return f"{row['name']:44} {times} {row['ours'] / row['peer']:7.2f}"
