"""Contestants take turns; the median of each is kept."""

from __future__ import annotations

import contextlib
import gc
import math
import random
import statistics
import time
from collections.abc import Callable, Mapping

# A sample shorter than this is mostly clock; calls are repeated until they fill it.
SAMPLE_SECONDS = 1e-3
# The threads of OpenMP, torch's, look out for more work for some milliseconds after a call (2.4 to
# 4.8 on an Emerald Rapids). That keeps the cores from whoever comes next: a scan of a million
# float32 takes 370 us instead of 210.
SETTLE_SECONDS = 8e-3
MIN_ROUNDS, MAX_ROUNDS = 3, 1000


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
    spent = dict.fromkeys(repeats, 0.0)
    share = seconds / max(1, len(repeats))
    order = random.Random(0)
    for done in range(MAX_ROUNDS):
        # Who is slow sits out the later rounds, so that the others get as many as they need.
        early = done < (MIN_ROUNDS if seconds else 1)
        playing = [name for name in repeats if early or spent[name] < share]
        order.shuffle(playing)  # whoever follows a copy waits for what it left in the cache
        for name in playing:
            start = time.perf_counter()
            time.sleep(SETTLE_SECONDS if seconds else 0)
            samples[name].append(sample(calls[name], repeats[name]))
            spent[name] += time.perf_counter() - start
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
