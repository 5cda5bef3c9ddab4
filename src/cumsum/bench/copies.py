"""The yardstick: the fastest copy of as many bytes that a user has at hand: NumPy's or torch's.

Where there is no torch, whose copy uses threads, our own threads make one. Of an array that lies
apart or backwards it is the fastest copy of the same elements to the same places. Of one that
repeats itself hardly any bytes are read: its copy, or any other way to fill as much memory, is as
fast as that can be.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np

from cumsum import _core
from cumsum.bench.inputs import as_tensor
from cumsum.bench.measure import measure


def copies(memory: Any, threads: int, torch: Any = None) -> dict[str, Callable[[], object]]:
    """Ways to copy the first half of some bytes over the second with as many threads."""
    half = memory.size // 2
    source, target = memory[:half], memory[half : 2 * half]
    calls: dict[str, Callable[[], object]] = {"NumPy": partial(np.copyto, target, source)}
    if torch is None:
        calls["threads"] = partial(_core.copy, target, source, threads, False)
    else:
        calls["torch"] = partial(torch.from_numpy(target).copy_, torch.from_numpy(source))
    return calls


def strided(
    array: Any, out: Any, threads: int, torch: Any = None
) -> dict[str, Callable[[], object]]:
    """Ways to copy every element, cast as the scan casts it, to its place in the result."""
    calls: dict[str, Callable[[], object]] = {
        "NumPy, strided": partial(np.copyto, out, array, casting="unsafe"),
        "NumPy, strided, in threads": in_threads(array, out, threads),
    }
    if torch is not None and all(stride >= 0 for stride in array.strides):
        calls["torch, strided"] = partial(as_tensor(torch, out).copy_, as_tensor(torch, array))
    return calls


def in_threads(array: Any, out: Any, threads: int) -> Callable[[], object]:
    """NumPy's copy, cut into a part for each thread along the longest dim."""
    dim = int(np.argmax(array.shape))
    parts = [np.array_split(x, threads, dim) for x in (out, array)]
    pool = ThreadPoolExecutor(threads)
    copy = partial(np.copyto, casting="unsafe")
    return lambda: list(pool.map(copy, *parts))


def fills(array: Any, out: Any, torch: Any = None) -> dict[str, Callable[[], object]]:
    """Ways to copy an array that repeats itself, or to fill as many bytes with anything."""
    calls: dict[str, Callable[[], object]] = {
        "NumPy": partial(np.copyto, out, array, casting="unsafe"),
        "NumPy, fill": partial(out.fill, 0),
    }
    if torch is not None:
        target = torch.from_numpy(out.view(np.uint8))
        calls["torch, fill"] = target.zero_
    return calls


def fastest(calls: dict[str, Callable[[], object]], seconds: float) -> tuple[str, Any]:
    """The winner after about `seconds` of trials: its name and itself."""
    times = measure(calls, seconds)
    name = min(times, key=times.__getitem__)
    return name, calls[name]
