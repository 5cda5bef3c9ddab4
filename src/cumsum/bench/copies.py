"""The yardstick: the fastest copy of as many bytes that is known on this machine."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from cumsum import _core
from cumsum.bench.measure import measure


def copies(nbytes: int, threads: int, torch: Any = None) -> dict[str, Callable[[], object]]:
    """Ways to copy `nbytes`: NumPy's, torch's, and our threads', in the cache or past it."""
    source, target = np.ones(nbytes, np.uint8), np.ones(nbytes, np.uint8)
    calls: dict[str, Callable[[], object]] = {
        "NumPy": partial(np.copyto, target, source),
        "threads": partial(_core.copy, target, source, threads, False),
        "threads, past the cache": partial(_core.copy, target, source, threads, True),
    }
    if torch is not None:
        calls["torch"] = partial(torch.from_numpy(target).copy_, torch.from_numpy(source))
    return calls


def fastest_copy(
    nbytes: int, threads: int, torch: Any, seconds: float
) -> tuple[str, Callable[[], object]]:
    """The winner among the copies, after about `seconds` of trials, and its name."""
    calls = copies(nbytes, threads, torch)
    times = measure(calls, seconds)
    name = min(times, key=times.__getitem__)
    return name, calls[name]
