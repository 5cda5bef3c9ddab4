"""Measure this machine: a scan beside a copy of the same bytes, NumPy and torch.

One round calls every contestant, in an order drawn anew, so that a machine that slows down slows
all of them; the figure kept is the median over the rounds. Every contestant writes into memory it
is given.

    Case -> make_input -> the contestants' calls -> measure -> Result
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import itertools
import math
import os
import platform
import random
import statistics
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

import cumsum

LAYOUTS = ("contiguous", "transposed", "sliced", "expanded", "reversed")
PEERS = ("numpy", "torch")

# A sample shorter than this is mostly clock; calls are repeated until they fill it.
SAMPLE_SECONDS = 1e-3
MIN_ROUNDS, MAX_ROUNDS = 3, 1000
# Below this many bytes handing work to another thread costs more than the copy.
PARALLEL_COPY_BYTES = 1 << 20


@dataclass(frozen=True)
class Case:
    """One row of the table: what is scanned, along which dim, and how it lies in memory."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    dim: int
    layout: str = "contiguous"

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise ValueError(f"layout={self.layout!r} is not one of {', '.join(LAYOUTS)}")


@dataclass(frozen=True)
class Result:
    """Median seconds per call of each contestant that can do the case."""

    case: Case
    threads: int
    nbytes: int
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
    """Measure one case for at least `seconds`, the copy and `peers` beside ours."""
    array = make_input(case)
    out = np.empty(array.shape, cumsum.cumsum(np.empty(0, array.dtype), 0).dtype)
    nbytes = distinct_bytes(array) + out.nbytes
    torch = find_torch() if "torch" in peers else None
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(max(1, threads - 1)))
        stack.enter_context(cumsum.num_threads(threads))
        stack.enter_context(torch_threads(torch, threads))
        stack.enter_context(np.errstate(all="ignore"))
        calls: dict[str, Callable[[], object]] = {
            "copy": fastest_copy(nbytes // 2, threads, pool),
            "ours": partial(cumsum.cumsum, array, case.dim, out=out),
        }
        if "numpy" in peers:
            calls["numpy"] = partial(np.cumsum, array, axis=case.dim, out=out)
        if torch is not None and all(stride >= 0 for stride in array.strides):
            tensors = as_tensor(torch, array), as_tensor(torch, out)
            calls["torch"] = partial(torch.cumsum, tensors[0], case.dim, out=tensors[1])
        return Result(case, threads, nbytes, measure(calls, seconds))


def measure(calls: Mapping[str, Callable[[], object]], seconds: float) -> dict[str, float]:
    """Median seconds per call; a contestant that refuses the work is left out.

    There are at least MIN_ROUNDS rounds, but one will do for `seconds=0`, which only tries it out.
    """
    repeats: dict[str, int] = {}
    for name, call in calls.items():
        with contextlib.suppress(TypeError, ValueError, RuntimeError):
            once = sample(call, 1)  # this touches the memory and starts the threads
            if once < 10 * SAMPLE_SECONDS:
                once = sample(call, 1)
            repeats[name] = math.ceil(SAMPLE_SECONDS / max(once, 1e-9))
    samples: dict[str, list[float]] = {name: [] for name in repeats}
    share = seconds / max(1, len(repeats))
    order = random.Random(0)
    for done in range(MAX_ROUNDS):
        # Who is slow sits out the later rounds, so that the others get as many as they need.
        early = done < (MIN_ROUNDS if seconds else 1)
        playing = [n for n in repeats if early or sum(samples[n]) * repeats[n] < share]
        order.shuffle(playing)  # whoever follows a copy waits for what it left in the cache
        for name in playing:
            samples[name].append(sample(calls[name], repeats[name]))
        if not playing:
            break
    return {name: statistics.median(values) for name, values in samples.items()}


def sample(call: Callable[[], object], count: int) -> float:
    """Seconds per call over `count` calls, with the garbage collector held off.

    Short calls work in the cache, so the first of them, which fetches what the contestant before
    put out of it, is not timed.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        if count > 1:
            call()
        start = time.perf_counter()
        for _ in range(count):
            call()
        return (time.perf_counter() - start) / count
    finally:
        if collecting:
            gc.enable()


def make_input(case: Case) -> Any:
    """An array of the case's shape whose memory lies as the case's layout says."""
    shape = list(case.shape)
    axis = case.dim % len(shape)
    if case.layout == "transposed":
        shape[-2:] = shape[:-3:-1]
        return np.swapaxes(random_values(shape, case.dtype), -1, -2)
    if case.layout == "sliced":
        shape[axis] *= 2
        return random_values(shape, case.dtype)[(slice(None),) * axis + (slice(None, None, 2),)]
    if case.layout == "reversed":
        return np.flip(random_values(shape, case.dtype), axis)
    if case.layout == "expanded":
        repeated = next((i for i in range(len(shape)) if i != axis), axis)
        shape[repeated] = 1
        base = random_values(shape, case.dtype)
        strides = [0 if i == repeated else stride for i, stride in enumerate(base.strides)]
        # np.broadcast_to would do, but read-only memory makes torch warn.
        return np.lib.stride_tricks.as_strided(base, case.shape, strides)
    return random_values(shape, case.dtype)


def random_values(shape: list[int], dtype: str) -> Any:
    """Small values of either sign; an odd period, so that no column sees one value only."""
    rng = np.random.default_rng(20)
    count = min(math.prod(shape), (1 << 20) + 7)
    kind = numpy_dtype(dtype)
    block: Any
    if kind.kind in "iu":
        block = rng.integers(0 if kind.kind == "u" else -3, 4, count)
    elif kind.kind == "b":
        block = rng.integers(0, 2, count)
    else:
        block = rng.uniform(-1, 1, count) * (1 + 1j if kind.kind == "c" else 1)
    return np.resize(block.astype(kind), shape)


def numpy_dtype(name: str) -> np.dtype[Any]:
    """The dtype NumPy knows by `name`, or ml_dtypes' for bfloat16."""
    if name == "bfloat16":
        name = importlib.import_module("ml_dtypes").bfloat16
    return np.dtype(name)


def can_run(case: Case) -> bool:
    """False for bfloat16 where ml_dtypes is missing: NumPy has no such dtype of its own."""
    return case.dtype != "bfloat16" or importlib.util.find_spec("ml_dtypes") is not None


def distinct_bytes(array: Any) -> int:
    """Bytes of input that a scan must read; a repeated (stride 0) axis is read once."""
    pairs = zip(array.shape, array.strides, strict=True)
    return int(array.itemsize * math.prod(n for n, stride in pairs if stride != 0))


def fastest_copy(nbytes: int, threads: int, pool: ThreadPoolExecutor) -> Callable[[], object]:
    """A copy that moves 2 * nbytes: one np.copyto, or one a thread where that is quicker."""
    source, target = np.ones(nbytes, np.uint8), np.ones(nbytes, np.uint8)
    single = partial(np.copyto, target, source)
    if nbytes < PARALLEL_COPY_BYTES or threads == 1:
        return single
    edges = [nbytes * i // threads for i in range(threads + 1)]
    pieces = [slice(*pair) for pair in itertools.pairwise(edges)]

    def split() -> None:
        waiting = [pool.submit(np.copyto, target[p], source[p]) for p in pieces[1:]]
        np.copyto(target[pieces[0]], source[pieces[0]])
        for future in waiting:
            future.result()

    choices: tuple[Callable[[], object], ...] = (single, split)
    return min(choices, key=lambda call: min(sample(call, 1) for _ in range(5)))


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


def as_tensor(torch: Any, array: Any) -> Any:
    """The same memory as a tensor; bfloat16 travels as its bits."""
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def machine(threads: int) -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "target": cumsum.show_config().target,
        "python": platform.python_version(),
        "cumsum": cumsum.__version__,
        "numpy": np.__version__,
        "torch": metadata.version("torch") if importlib.util.find_spec("torch") else None,
    }


def headline(machine: Mapping[str, Any]) -> str:
    """The machine and the versions in one line."""
    versions = [f"{name} {machine[name]}" for name in ("cumsum", "numpy", "torch") if machine[name]]
    threads = f"{machine['threads']} of {machine['cores']} threads"
    return ", ".join([machine["processor"], threads, machine["target"], *versions])


def processor() -> str:
    """The processor's name as its maker writes it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _case(dtype: str, shape: tuple[int, ...], dim: int = 0, layout: str = "contiguous") -> Case:
    where = f"1-D, {shape[0]:,}" if len(shape) == 1 else f"{shape} dim {dim}"
    words = [dtype, where] + ([layout] if layout != "contiguous" else [])
    return Case(" ".join(words), shape, dtype, dim, layout)


_MILLION = 1_000_000
_SQUARE = (4096, 4096)
_WIDE_DTYPES = ("float64", "float16", "bfloat16", "int8", "bool", "int16", "int32", "int64")

CASES: tuple[Case, ...] = (
    *(_case("float32", (n,)) for n in (8, 1000, 100_000, _MILLION, 10 * _MILLION, 100 * _MILLION)),
    *(_case(dtype, (10 * _MILLION,)) for dtype in (*_WIDE_DTYPES, "complex64", "complex128")),
    *(_case("float32", _SQUARE, dim) for dim in (1, 0)),
    *(_case(dtype, _SQUARE, 0) for dtype in (*_WIDE_DTYPES, "complex64")),
    *(_case("float32", (_MILLION, 8), dim) for dim in (1, 0)),
    *(_case("float32", (8, _MILLION), dim) for dim in (1, 0)),
    _case("float32", (64, 512, 512), 1),
    _case("float32", (16, 3, 1024, 1024), 1),
    *(_case("float32", (_MILLION, inner), 0) for inner in (2, 3)),
    _case("float32", (2, 5 * _MILLION), 1),
    *(_case("float32", (100, 100_000), dim) for dim in (1, 0)),
    *(_case("float32", shape, 1) for shape in ((_MILLION, 16), (500_000, 33), (200_000, 100))),
    *(_case("float32", _SQUARE, dim, "transposed") for dim in (1, 0)),
    *(_case("float32", _SQUARE, 1, layout) for layout in ("sliced", "expanded", "reversed")),
    *(_case("float32", (10 * _MILLION,), 0, layout) for layout in ("sliced", "reversed")),
)

_SHORT_NAMES = (
    "float32 1-D, 1,000",
    "float32 1-D, 10,000,000",
    "float64 1-D, 10,000,000",
    "float16 1-D, 10,000,000",
    "int8 1-D, 10,000,000",
    "float32 (4096, 4096) dim 1",
    "float32 (4096, 4096) dim 0",
    "int64 (4096, 4096) dim 0",
    "float32 (1000000, 8) dim 0",
)

SHORT: tuple[Case, ...] = tuple(case for case in CASES if case.name in _SHORT_NAMES)
