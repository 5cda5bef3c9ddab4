"""What a scan will do, decided from shapes, strides and dtypes alone.

The decisions are made in the core (`src/core/plan`), where a call of eight elements can afford
them; this is how they are looked at and tested.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from cumsum import _core
from cumsum.dtypes import DType

# Elements whose sum is added to the carry as one: `tile_size` of src/core/kernels/table.h.
TILE = 4096


class Memory(NamedTuple):
    """Where an array lies: `strides` are in bytes, as in NumPy."""

    address: int
    dtype: DType
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def backwards(memory: Memory, axis: int) -> Memory:
    """The same elements with those of the axis, of which there are some, from the last on."""
    stride = memory.strides[axis]
    strides = (*memory.strides[:axis], -stride, *memory.strides[axis + 1 :])
    return memory._replace(
        address=memory.address + (memory.shape[axis] - 1) * stride, strides=strides
    )


class Holes(NamedTuple):
    """Which elements add nothing, and what stands at their places.

    Attributes
    ----------
    mask : Memory, optional
        Of bool, with a stride for each axis of the input; false where an element adds nothing.
    skipna : bool
        Whether elements that are NaN add nothing.
    nan : bool
        Whether NaN stands at their places; the result is floating or complex then.
    """

    mask: Memory | None
    skipna: bool
    nan: bool


Shape = tuple[int, ...]
CoreArguments = tuple[
    int, int, int, int, Shape, Shape, Shape, int, bool, bool, bool, int, int, Shape
]


def arguments(
    x: Memory,
    y: Memory,
    axis: int,
    *,
    exclusive: bool,
    reverse: bool,
    compensated: bool,
    threads: int,
    initial: Memory | None,
) -> CoreArguments:
    """The arguments of `_core.scan` and `_core.plan`, `axis` made non-negative."""
    if x.shape != y.shape:
        raise ValueError(f"input has shape {x.shape}, output has shape {y.shape}")
    ndim = len(x.shape)
    if not -ndim <= axis < ndim:
        raise IndexError(f"axis {axis} is not in [-{ndim}, {ndim})")
    memory = (x.address, x.dtype, y.address, y.dtype, x.shape, x.strides, y.strides)
    first = (0, ()) if initial is None else (initial.address, initial.strides)
    return (*memory, axis % ndim, exclusive, reverse, compensated, threads, *first)


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
    x: Memory,
    y: Memory,
    axis: int,
    *,
    threads: int,
    exclusive: bool = False,
    reverse: bool = False,
    compensated: bool = False,
    initial: Memory | None = None,
) -> ScanPlan:
    """The plan of a scan of `x` into `y` by at most `threads` threads; no memory is touched.

    Examples
    --------
    >>> from cumsum.dtypes import DType
    >>> from cumsum.plan import Memory, make_plan
    >>> x = Memory(0, DType.float32, (4096, 4096), (16384, 4))
    >>> y = x._replace(address=1 << 30)
    >>> make_plan(x, y, axis=0, threads=2).family
    'columns'
    >>> make_plan(x, y, axis=1, threads=2).family
    'rows'
    """
    flags = {"exclusive": exclusive, "reverse": reverse, "compensated": compensated}
    return ScanPlan(**_core.plan(*arguments(x, y, axis, **flags, threads=threads, initial=initial)))
