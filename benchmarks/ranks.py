"""DTensors that are sharded along the dim of the scan: ours beside torch's own operator.

    benchmarks/ranks.py [--elements 4000000] [--ranks 2] [--calls 5]

Every rank is a process with one thread, connected by gloo on this machine. For the forward and the
backward pass it is measured how long the slowest rank takes, what a rank hands to collectives, and
how much its memory grows at the most; written to benchmarks/results/ranks.json.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import distributed
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, Shard
from torch.utils._python_dispatch import TorchDispatchMode

import cumsum
from cumsum import bench

RESULTS = Path(__file__).parent / "results" / "ranks.json"
CONTESTANTS: dict[str, Callable[..., Any]] = {"ours": cumsum.cumsum, "torch": torch.cumsum}
PASSES = ("forward", "backward")
HEADER = f"{'':24} {'time':>10} {'sent':>12} {'memory':>12}"


class Sent(TorchDispatchMode):
    """The bytes that this process hands to collectives."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if any(issubclass(kind, DTensor) for kind in types):
            return NotImplemented  # once more with the shards
        name = function.name()
        if name.startswith("_c10d_functional::") and "wait" not in name and "wrap" not in name:
            self.bytes += args[0].numel() * args[0].element_size()
        return function(*args, **(kwargs or {}))


def memory(field: str) -> int:
    """The bytes of this process that the system tells."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def grown(call: Callable[[], object]) -> int:
    """By how much the memory grows during a call, at the most."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak is now what there is
    before = memory("VmRSS")
    call()
    return memory("VmHWM") - before


def calls_of(scan: Callable[..., Any], elements: int, ranks: int) -> dict[str, Callable[[], Any]]:
    """What is measured: a pass of each kind, with nothing left behind."""
    mesh = init_device_mesh("cpu", (ranks,))
    x = DTensor.from_local(torch.rand(elements // ranks), mesh, [Shard(0)])
    leaf = x.detach().requires_grad_()
    y = scan(leaf, 0)
    weights = torch.ones_like(y)

    def backward() -> Any:
        return torch.autograd.grad(y, leaf, weights, retain_graph=True)

    return {"forward": lambda: scan(x, 0), "backward": backward}


def measure(name: str, elements: int, ranks: int, calls: int) -> dict[str, dict[str, float]]:
    """What this rank needs for each pass."""
    row = {}
    for kind, call in calls_of(CONTESTANTS[name], elements, ranks).items():
        call()
        seconds = []
        for _ in range(calls):
            distributed.barrier()
            began = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - began)
        with Sent() as sent:
            call()
        row[kind] = {"seconds": min(seconds), "sent": sent.bytes, "memory": grown(call)}
    return row


def live(rank: int, folder: str, name: str, options: argparse.Namespace) -> None:
    """Be one of the ranks, and write down what it needed."""
    torch.set_num_threads(1)
    meeting = f"file://{folder}/{name}"
    distributed.init_process_group("gloo", meeting, rank=rank, world_size=options.ranks)
    row = measure(name, options.elements, options.ranks, options.calls)
    Path(folder, f"{name}-{rank}.json").write_text(json.dumps(row))
    distributed.destroy_process_group()


def worst(folder: str, name: str, ranks: int) -> dict[str, dict[str, float]]:
    """The largest figures of all ranks."""
    rows = [json.loads(Path(folder, f"{name}-{r}.json").read_text()) for r in range(ranks)]
    return {
        kind: {what: max(row[kind][what] for row in rows) for what in rows[0][kind]}
        for kind in PASSES
    }


def main(arguments: list[str]) -> int:
    """Measure both, print a table and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--elements", type=int, default=4_000_000)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--calls", type=int, default=5)
    options = parser.parse_args(arguments)
    fork = multiprocessing.get_context("fork")
    results: dict[str, Any] = {"machine": bench.machine(1), **vars(options), "rows": {}}
    print(f"{options.elements:,} float32 on {options.ranks} ranks\n{HEADER}")
    with tempfile.TemporaryDirectory() as folder:
        for name in CONTESTANTS:
            processes = [
                fork.Process(target=live, args=(rank, folder, name, options))
                for rank in range(options.ranks)
            ]
            for process in processes:
                process.start()
            for process in processes:
                process.join()
            results["rows"][name] = row = worst(folder, name, options.ranks)
            for kind, figures in row.items():
                seconds, sent, more = figures.values()
                print(f"{name + ', ' + kind:24} {seconds * 1e3:7.2f} ms {sent:12,} {more:12,}")
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
