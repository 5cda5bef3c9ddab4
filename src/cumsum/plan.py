"""What a scan will do, decided from shapes, strides and dtypes alone.

The decisions are made in the core (`src/core/plan`), where a call of eight elements can afford
them; this is how they are looked at and tested.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from cumsum import _core
from cumsum.spec import Memory, Spec


class ScanPlan(NamedTuple):
    """The decisions for one scan.

    Attributes
    ----------
    family : {"rows", "columns", "long"}
        rows: elements of one line fill a vector. columns: lines side by side do. long: few lines,
        so the axis itself is shared out among the workers.
    outer, length, inner : int
        Lines before the axis, elements along it, lines side by side after it.
    tile : int
        Elements summed before the carry changes; a constant, because the bits depend on it.
    panel : int
        Lines of `inner` that a worker takes together.
    block : int
        Elements of the axis that a worker takes together.
    units : int
        Pieces of work in all.
    workers : int
        Threads that share them.
    pack_input, pack_output : bool
        Whether elements pass through a buffer of a few KiB, because of their dtype or strides.
    stream : bool
        Whether the result is written past the cache.
    precision : {"standard", "compensated"}
        What a sum is carried in; standard wherever the result is not float64 or complex128.
    """

    family: str
    outer: int
    length: int
    inner: int
    tile: int
    panel: int
    block: int
    units: int
    workers: int
    pack_input: bool
    pack_output: bool
    stream: bool
    precision: str

    def __str__(self) -> str:
        width = max(map(len, self._fields))
        return "\n".join(f"{name:<{width}}  {value}" for name, value in self._asdict().items())


@lru_cache(maxsize=256)
def make_plan(
    x: Memory, y: Memory, spec: Spec, *, threads: int, initial: Memory | None = None
) -> ScanPlan:
    """The plan of a scan of `x` into `y` by at most `threads` threads; no memory is touched.

    Examples
    --------
    >>> from cumsum.dtypes import DType
    >>> from cumsum.plan import make_plan
    >>> from cumsum.spec import Memory, Spec
    >>> x = Memory(0, DType.float32, (4096, 4096), (16384, 4))
    >>> y = x._replace(address=1 << 30)
    >>> make_plan(x, y, Spec(dim=0), threads=2).family
    'columns'
    >>> make_plan(x, y, Spec(dim=1), threads=2).family
    'rows'
    """
    return ScanPlan(**_core.plan(x, y, spec, threads, initial))
