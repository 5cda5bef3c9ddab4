"""Cases drawn by a seed, beside torch and NumPy: shape, dtype, layout and option at random.

python benchmarks/drawn.py [--seed N] [--case N] [--count N] [--threads N] [--seconds S]

The seed is the day's unless it is given; --case measures one of its cases again. All contestants
write into memory they are given, but for a reverse scan by torch, which has none.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import math
import os
import random
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch

import cumsum
import groups
from cumsum import bench
from cumsum.bench.inputs import together

COUNT = 60
FEWEST, MOST = 100_000, 10_000_000
DTYPES = (
    *("float32", "float64", "float16", "bfloat16", "complex64", "complex128"),
    *("bool", "int8", "int16", "int32", "int64"),
)
LAYOUTS = ("contiguous", "transposed", "sliced", "reversed", "flipped", "expanded")
OPTIONS = ("", "exclusive", "reverse")
AXIS = 1
HEADER = f"{'drawn case':66} {'ours':>10} {'torch':>10} {'numpy':>10} {'ratio':>6}"


class Drawn(NamedTuple):
    """A case and an option."""

    case: bench.Case
    option: str


def today() -> int:
    """The day as a seed, as `make fuzz` has it."""
    return int(dt.datetime.now(dt.UTC).strftime("%Y%m%d"))


def draw(seed: int, number: int) -> Drawn:
    """The case of a number: (outer, length, inner), scanned along the middle."""
    rng = random.Random(f"{seed}/{number}")

    def below(most: float, least: float = 1) -> int:
        return max(1, round(math.exp(rng.uniform(math.log(least), math.log(max(least, most))))))

    elements = below(MOST, FEWEST)
    length = below(elements)
    outer = below(elements / length)
    shape = (outer, length, max(1, round(elements / length / outer)))
    dtype, layout, option = (rng.choice(names) for names in (DTYPES, LAYOUTS, OPTIONS))
    words = " ".join(filter(None, (dtype, str(shape), "dim 1", layout, option)))
    return Drawn(bench.Case(f"{seed}/{number}: {words}", shape, dtype, AXIS, layout), option)


def scan(library: Any, x: Any, out: Any, option: str) -> Callable[[], object]:
    """The shortest way to the same by the cumsum of NumPy or torch."""
    if option == "reverse" and library is torch:
        return lambda: x.flip(AXIS).cumsum(AXIS).flip(AXIS)
    if option == "reverse":
        x, out = x[:, ::-1], out[:, ::-1]
    if option != "exclusive":
        return partial(library.cumsum, x, AXIS, out=out)
    first, rest, before = out[:, :1], out[:, 1:], x[:, :-1]

    def exclusive() -> None:
        first[...] = 0
        library.cumsum(before, AXIS, out=rest)

    return exclusive


def arrays(drawn: Drawn) -> tuple[Any, Any, Callable[[], object]]:
    """An input, a result in the same memory, and our call."""
    x = bench.make_input(drawn.case)
    x, out, _ = together(x, cumsum.cumsum(np.empty(0, x.dtype), 0).dtype, in_place=False)
    options: dict[str, Any] = {drawn.option: True} if drawn.option else {}
    return x, out, partial(cumsum.cumsum, x, AXIS, out=out, **options)


def contestants(x: Any, out: Any, option: str) -> dict[str, Callable[[], object]]:
    """NumPy's call, and torch's where it has such strides."""
    calls = {"numpy": scan(np, x, out, option)}
    if all(stride >= 0 for stride in x.strides):
        calls["torch"] = scan(torch, bench.as_tensor(torch, x), bench.as_tensor(torch, out), option)
    return calls


def measure(drawn: Drawn, seconds: float) -> dict[str, Any]:
    """Median seconds of each, in turns."""
    x, out, ours = arrays(drawn)
    with np.errstate(all="ignore"):
        times = bench.measure({"ours": ours, **contestants(x, out, drawn.option)}, seconds)
    return {"name": drawn.case.name, "times": times}


def measure_all(
    threads: int, seconds: float, seed: int, numbers: range = range(COUNT)
) -> Iterator[dict[str, Any]]:
    """The cases of a seed; one that is behind once more, for longer, before it counts."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(cumsum.num_threads(threads))
        stack.enter_context(bench.torch_threads(torch, threads))
        for number in numbers:
            drawn = draw(seed, number)
            yield groups.twice("drawn", partial(measure, drawn), seconds)


def format_row(row: dict[str, Any]) -> str:
    """One line of the table, in milliseconds, and ours beside the quicker of the others."""
    times = row["times"]
    cells = " ".join(
        f"{times[name] * 1e3:7.3f} ms" if name in times else f"{'-':>10}"
        for name in ("ours", "torch", "numpy")
    )
    figure = times["ours"] / min(times[name] for name in times if name != "ours")
    mark = " !" if groups.is_behind("drawn", row) else ""
    return f"{row['name']:66} {cells} {figure:6.2f}{mark}"


def main(arguments: list[str]) -> int:
    """Measure and print; the exit status is 1 when a case is behind."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("--seed", type=int, default=today())
    add("--case", type=int, help="only the case of this number")
    add("--count", type=int, default=COUNT)
    add("--threads", type=int, default=len(os.sched_getaffinity(0)))
    add("--seconds", type=float, default=0.5, help="for each case")
    given = parser.parse_args(arguments)
    numbers = range(given.count) if given.case is None else range(given.case, given.case + 1)
    print(f"{bench.headline(bench.machine(given.threads))}\n{HEADER}")
    rows = []
    for row in measure_all(given.threads, given.seconds, given.seed, numbers):
        print(format_row(row), flush=True)
        rows.append(row)
    behind = groups.faults({"drawn": rows})
    print(*behind, sep="\n")
    return 1 if behind else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
