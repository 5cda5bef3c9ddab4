"""One case: its contestants on the same memory with the same threads."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

import cumsum
from cumsum.bench.cases import Case
from cumsum.bench.copies import copies, fastest, fills, strided
from cumsum.bench.inputs import as_tensor, distinct_bytes, make_input, together
from cumsum.bench.measure import measure

PEERS = ("numpy", "torch")
# Of the time for a case, the part in which the fastest copy is found.
COPY_SHARE = 0.2
# Where the system puts an array decides how fast it is, up to a factor of two, for as long as the
# array lives. Cases larger than most second-level caches are measured in several places.
PLACES, PLACED_BYTES = 3, 1 << 21


@dataclass(frozen=True)
class Result:
    """Median seconds per call of each contestant that can do the case."""

    case: Case
    threads: int
    nbytes: int
    copy: str
    times: dict[str, float]

    def ratio(self, name: str) -> float:
        """How many times longer than the copy `name` takes."""
        return self.times[name] / self.times["copy"]

    def as_dict(self) -> dict[str, Any]:
        """Everything, ratios included, in values that JSON can hold."""
        ratios = {name: self.ratio(name) for name in self.times if name != "copy"}
        return {**asdict(self), "ratios": ratios}


def run_case(
    case: Case, *, threads: int, peers: Collection[str] = PEERS, seconds: float = 0.5
) -> Result:
    """Measure one case for at least `seconds`, the copy and `peers` beside ours.

    Where memory matters, of several places of the arrays the one with the median ratio is returned.
    """
    array = make_input(case)
    kind = cumsum.cumsum(np.empty(0, array.dtype), 0).dtype
    places = PLACES if array.size * kind.itemsize >= PLACED_BYTES else 1
    taken, results = [], []
    for _ in range(places):
        moved, out, memory = together(array, kind, case.in_place)
        taken.append(memory)  # or the next place would be the same
        results.append(run_placed(case, moved, out, memory, threads, peers, seconds / places))
    return sorted(results, key=lambda result: result.ratio("ours"))[places // 2]


def run_placed(
    case: Case,
    array: Any,
    out: Any,
    memory: Any,
    threads: int,
    peers: Collection[str],
    seconds: float,
) -> Result:
    """The case where its arrays happen to lie."""
    nbytes = distinct_bytes(array) + out.nbytes
    torch = find_torch() if "torch" in peers else None
    with contextlib.ExitStack() as stack:
        stack.enter_context(cumsum.num_threads(threads))
        stack.enter_context(torch_threads(torch, threads))
        stack.enter_context(np.errstate(all="ignore"))
        if 0 in array.strides:
            ways = fills(array, out, torch)
        elif not array.flags.c_contiguous:
            ways = strided(array, out, threads, torch)
        else:
            ways = copies(memory[:nbytes], threads, torch)
        copy, copying = fastest(ways, COPY_SHARE * seconds)
        calls: dict[str, Callable[[], object]] = {
            "copy": copying,
            "ours": partial(cumsum.cumsum, array, case.dim, out=out),
        }
        if "numpy" in peers:
            calls["numpy"] = partial(np.cumsum, array, axis=case.dim, out=out)
        if torch is not None and all(stride >= 0 for stride in array.strides):
            tensors = as_tensor(torch, array), as_tensor(torch, out)
            calls["torch"] = partial(torch.cumsum, tensors[0], case.dim, out=tensors[1])
        times = measure(calls, (1 - COPY_SHARE) * seconds)
        return Result(case, threads, nbytes, copy, times)


def can_run(case: Case) -> bool:
    """False for bfloat16 where ml_dtypes is missing: NumPy has no such dtype of its own."""
    return case.dtype != "bfloat16" or importlib.util.find_spec("ml_dtypes") is not None


def find_torch() -> Any:
    """torch, or None where it cannot be imported."""
    try:
        return importlib.import_module("torch")
    except ImportError:
        return None


@contextlib.contextmanager
def torch_threads(torch: Any, threads: int) -> Iterator[None]:
    """Let torch use `threads` threads inside the block."""
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
