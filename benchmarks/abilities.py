"""What the abilities beyond the plain scan cost beside it, and the same by other means.

All write into memory they are given, where they can be told to; peers that cannot allocate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

import cumsum
import groups
from cumsum import bench

Calls = dict[str, Callable[[], object]]
LONG, SQUARE = (10_000_000,), (4096, 4096)
CACHED = (((100_000,), 0), ((512, 512), 0), ((512, 512), 1))
DISCOUNT = 0.99
HEADER = f"{'ability':52} {'ours':>10} {'plain':>10} {'ratio':>7}  by other means"


class Row(NamedTuple):
    """One ability on one array.

    Attributes
    ----------
    ability : str
        What the bounds are for.
    name : str
        What is measured.
    calls : dict
        "ours", the "plain" scan or scans it is compared with, and perhaps "peer".
    peer : str
        What the peer is.
    """

    ability: str
    name: str
    calls: Calls
    peer: str = ""


def place(shape: tuple[int, ...], dim: int) -> str:
    """The shape and dim in words."""
    return f"1-D, {shape[0]:,}" if len(shape) == 1 else f"{shape} dim {dim}"


def scans(x: Any, dim: int, out: Any, **options: Any) -> Calls:
    """Ours with options, and the plain scan, into one result."""
    whole = out[tuple(slice(n) for n in x.shape)]
    return {
        "ours": partial(cumsum.cumsum, x, dim, out=out, **options),
        "plain": partial(cumsum.cumsum, x, dim, out=np.ascontiguousarray(whole)),
    }


def by_torch(name: str, x: torch.Tensor, dim: int) -> torch.Tensor:
    """The same by torch's cumsum and what it takes besides."""
    if name == "exclusive":
        return x.cumsum(dim) - x
    if name == "reverse":
        return x.flip(dim).cumsum(dim).flip(dim)
    return torch.cat((torch.zeros_like(x.narrow(dim, 0, 1)), x.cumsum(dim)), dim)


def orientations() -> Iterator[Row]:
    """Exclusive, reverse and bordered scans."""
    for shape, dim in ((LONG, 0), (SQUARE, 0), (SQUARE, 1)):
        x = bench.random_values(list(shape), "float32")
        for name in ("exclusive", "reverse", "include_initial"):
            more = [n + (d == dim and name == "include_initial") for d, n in enumerate(shape)]
            calls = scans(x, dim, np.empty(more, np.float32), **{name: True})
            calls["peer"] = partial(by_torch, name, torch.from_numpy(x), dim)
            yield Row("orientation", f"{name}, float32 {place(shape, dim)}", calls, "torch")


def segments() -> Iterator[Row]:
    """Segments of one length; pandas has a grouped cumsum."""
    (size,) = LONG
    x = bench.random_values([size], "float32")
    frame = pd.Series(x)
    for length in (1, 3, 7, 100, 10_000, size):
        offsets = np.minimum(np.arange(0, size + length, length), size)
        calls = scans(x, 0, np.empty_like(x), offsets=offsets)
        keys = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        calls["peer"] = frame.groupby(keys, sort=False).cumsum
        ability = "short segments" if length < 10 else "segments"
        yield Row(ability, f"segments of {length:,}, float32 1-D, {size:,}", calls, "pandas")


def by_numpy(x: np.ndarray[Any, Any], keep: np.ndarray[Any, Any], dim: int) -> Any:
    """Masked elements replaced by zeros in an array of their own."""
    return np.where(keep, x, 0).cumsum(dim)


def holes() -> Iterator[Row]:
    """Masked elements and NaN."""
    for shape, dim in ((LONG, 0), (SQUARE, 0), (SQUARE, 1)):
        x = bench.random_values(list(shape), "float32")
        keep = np.random.default_rng(0).random(shape) < 0.9
        calls = scans(x, dim, np.empty_like(x), where=keep)
        calls["peer"] = partial(by_numpy, x, keep, dim)
        yield Row("where", f"where, float32 {place(shape, dim)}", calls, "NumPy, where")
        gaps = np.where(keep, x, np.float32("nan"))
        calls = scans(gaps, dim, np.empty_like(x), skipna=True)
        calls["peer"] = partial(np.nancumsum, gaps, dim)
        yield Row("skipna", f"skipna, float32 {place(shape, dim)}", calls, "NumPy, nancumsum")


def tables() -> Iterator[Row]:
    """A summed-area table beside a scan along each dim."""
    x = bench.random_values(list(SQUARE), "float32")
    first, second, table = np.empty_like(x), np.empty_like(x), np.empty((4097, 4097), np.float32)

    def plain() -> None:
        cumsum.cumsum(x, 0, out=first)
        cumsum.cumsum(first, 1, out=second)

    def peer() -> None:
        x.cumsum(0).cumsum(1)

    for border, out in ((False, second), (True, table)):
        ours = partial(cumsum.cumsum, x, (0, 1), include_initial=border, out=out)
        words = f"summed area{', border' if border else ''}, float32 {SQUARE}"
        yield Row("tables", words, {"ours": ours, "plain": plain, "peer": peer}, "NumPy")


def decays() -> Iterator[Row]:
    """One decay for all elements, and one for each, which is measured in the cache as well."""
    for shape, dim in ((LONG, 0), (SQUARE, 0), (SQUARE, 1), *CACHED):
        x = bench.random_values(list(shape), "float32")
        each = np.full(shape, DISCOUNT, np.float32)
        cached = (shape, dim) in CACHED
        for name, decay in (("one decay", DISCOUNT), ("a decay each", each))[cached:]:
            calls = scans(x, dim, np.empty_like(x), decay=decay)
            ability = f"{name}, in the cache" if cached else name
            yield Row(ability, f"{name}, float32 {place(shape, dim)}", calls)


def overflows() -> Iterator[Row]:
    """Exact sums of integers."""
    x = np.random.default_rng(0).integers(-1000, 1000, LONG[0])
    for policy in ("raise", "saturate"):
        calls = scans(x, 0, np.empty_like(x), overflow=policy)
        yield Row("overflow", f"{policy}, int64 {place(LONG, 0)}", calls)


def measure(row: Row, seconds: float) -> dict[str, Any]:
    """Seconds per call."""
    times = bench.measure(row.calls, seconds)
    return {"name": row.name, "ability": row.ability, "means": row.peer, **times}


def measure_all(threads: int, seconds: float) -> Iterator[dict[str, Any]]:
    """One row for each ability and array, once more for longer where it passes its bound."""
    with cumsum.num_threads(threads), bench.torch_threads(torch, threads):
        for rows in (orientations, segments, holes, tables, decays, overflows):
            for row in rows():
                yield groups.twice("abilities", partial(measure, row), seconds)


def format_row(row: dict[str, Any]) -> str:
    """One line of the table, in milliseconds."""
    ours, plain = row["ours"], row["plain"]
    peer = f"{row['peer'] * 1e3:9.2f} ms {row['means']}" if "peer" in row else ""
    return (
        f"{row['name']:52} {ours * 1e3:7.2f} ms {plain * 1e3:7.2f} ms {ours / plain:7.2f}  {peer}"
    )
