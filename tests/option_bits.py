"""Digests of the results of every option, over a fixed table of arrays.

They are the same for every layout, number of threads, target and machine: `make bits` compares the
list with tests/core/options.txt. What is plain is digested by tests/core/core_bits.cpp.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

import cumsum
from cumsum import _core

Array = np.ndarray[Any, Any]

DTYPES = ("float16", "float32", "float64", "complex64", "complex128", "int8", "int64", "uint16")
SHAPES = ((1, 1), (3, 7), (5, 33), (2, 4104), (1, 20011), (1, 150001), (17, 9001), (3001, 20))
LAYOUTS = ("rows", "columns", "strided", "backwards", "transposed")


def values(shape: tuple[int, int], dtype: str, seed: int) -> Array:
    """Numbers that have every sign, some zeros of either, and some NaN where there is one."""
    rng = np.random.default_rng(seed)
    if dtype.startswith(("int", "uint")):
        info = np.iinfo(dtype)
        return rng.integers(max(info.min, -(2**40)), min(info.max, 2**40), shape, dtype)
    x = rng.integers(-(2**10), 2**10, shape) * 2.0 ** rng.integers(-12, -6, shape)
    x = x.astype(dtype)
    if dtype.startswith("complex"):
        x = (x + 1j * rng.permuted(x, axis=1)).astype(dtype)
    x[rng.random(shape) < 0.05] = -0.0
    return x


def options(x: Array, seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each with a name; arrays among them are of the lines of `x`."""
    rng = np.random.default_rng(seed)
    lines, length = x.shape
    real, floating = x.dtype.kind != "c", x.dtype.kind in "fc"
    initial = (np.arange(lines) + 1).astype(x.dtype)
    mask = rng.random(x.shape) < 0.7
    offsets = np.unique(np.append(rng.integers(0, length + 1, length // 9), [0, length]))
    few = np.unique(np.append(rng.integers(0, length + 1, 3), [0, length]))
    yield "initial", {"initial": initial}
    yield "where", {"where": mask}
    yield "where line", {"where": mask[:1], "initial": initial}
    yield "offsets", {"offsets": offsets}
    yield "few offsets", {"offsets": few, "initial": initial}
    if floating:
        holes = np.where(mask, x, np.nan).astype(x.dtype)
        yield "skipna", {"x": holes, "skipna": True}
        yield "missing", {"where": mask, "missing": "nan"}
        yield "skipna missing", {"x": holes, "skipna": True, "missing": "nan"}
        yield "decay", {"decay": 0.9}
        yield "decays of lines", {"decay": rng.uniform(-1, 1, (lines, 1)), "initial": initial}
        yield "decays", {"decay": rng.choice([0.5, 0.0, -0.9, 3.0, 0.99], x.shape)}
        yield "decays of one line", {"decay": rng.uniform(0.5, 1, (1, length))}
        if real:
            yield "own decays", {"decay": rng.uniform(0.5, 1, x.shape).astype(x.dtype)}
        else:
            yield "complex decays", {"decay": rng.uniform(0.5, 1, x.shape) * (0.6 + 0.7j)}
    else:
        yield "saturate", {"overflow": "saturate"}
        yield "saturate narrow", {"overflow": "saturate", "dtype": "int16", "initial": 3}
    if x.dtype in (np.float64, np.complex128):
        yield "compensated", {"precision": "compensated"}
        yield "compensated where", {"precision": "compensated", "where": mask}
        yield "compensated offsets", {"precision": "compensated", "offsets": offsets}
    if floating:
        decays = np.random.default_rng(seed).choice([0.5, 0.0, -0.9, 3.0, 0.99], x.shape)
        yield "decay offsets", {"decay": 0.9, "offsets": offsets, "initial": initial}
        yield "decays few offsets", {"decay": decays, "offsets": few}
        yield "decays where offsets", {"decay": decays, "where": mask, "offsets": offsets}
    else:
        yield "saturate offsets", {"overflow": "saturate", "offsets": offsets, "initial": 3}


def laid_out(x: Array, layout: str) -> Array:
    """The same elements, elsewhere in memory; the axis of the scan is the last one."""
    if layout == "columns":
        return np.asfortranarray(x)
    if layout == "strided":
        return np.repeat(x, 3, axis=1)[:, ::3]
    if layout == "backwards":
        return np.ascontiguousarray(x[:, ::-1])[:, ::-1]
    if layout == "transposed":
        return np.repeat(np.asfortranarray(x), 2, axis=0)[::2]
    return np.ascontiguousarray(x)


def digest(y: Array) -> str:
    """Of the elements line by line, every NaN being the same."""
    y = np.ascontiguousarray(y)
    parts = y.view(y.real.dtype) if y.dtype.kind == "c" else y
    if parts.dtype.kind == "f":
        parts = np.where(np.isnan(parts), np.array(np.nan, parts.dtype), parts)
    return hashlib.blake2b(parts.tobytes(), digest_size=8).hexdigest()


def digest_case(x: Array, given: dict[str, Any], number: int) -> set[str]:
    """Those of one call in every layout, on one thread or a few: there should be one."""
    found = set()
    for i, layout in enumerate(LAYOUTS):
        rest = dict(given)
        source = laid_out(rest.pop("x", x), layout)
        with cumsum.num_threads(1 + (number + i) % 3):
            found.add(digest(cumsum.cumsum(source, 1, **rest)))
    return found


def digests_of(dtype: str) -> dict[str, list[set[str]]]:
    """Of every option's cases, by what they are called."""
    found: dict[str, list[set[str]]] = {}
    for number, shape in enumerate(SHAPES):
        x = values(shape, dtype, number)
        for (name, given), flag in product(options(x, number), ("", "exclusive", "reverse")):
            label = f"{name} {flag}".rstrip()
            flags = {flag: True} if flag else {}
            found.setdefault(label, []).append(digest_case(x, {**given, **flags}, number))
    return found


def main() -> int:
    """Write the digests; the number of calls that have several."""
    faults = 0
    for dtype in DTYPES:
        for label, found in digests_of(dtype).items():
            several = sum(len(digests) > 1 for digests in found)
            if several:
                sys.stderr.write(f"{dtype}, {label}: {several} calls depend on the layout\n")
            faults += several
            whole = "".join(min(digests) for digests in found)
            of_all = hashlib.blake2b(whole.encode(), digest_size=8).hexdigest()
            sys.stdout.write(f"{dtype}, {label}: {of_all}\n")
    return faults


if __name__ == "__main__":
    if len(sys.argv) > 1 and not _core.choose_target(sys.argv[1]):
        sys.exit(f"no target {sys.argv[1]}")
    sys.exit(main() != 0)
