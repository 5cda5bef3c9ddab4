"""The yardstick: the fastest copy of as many bytes that a user has at hand: NumPy's or torch's.

Where there is no torch, whose copy uses threads, our own threads make one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from cumsum import _core
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


def fastest_copy(
    memory: Any, threads: int, torch: Any, seconds: float
) -> tuple[str, Callable[[], object]]:
    """The winner among the copies, after about `seconds` of trials, and its name."""
    calls = copies(memory, threads, torch)
    times = measure(calls, seconds)
    name = min(times, key=times.__getitem__)
    return name, calls[name]
