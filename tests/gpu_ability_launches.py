"""Calls that ask the GPU for more than plain sums: `gpu_launches` compiles what they launch."""

from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from unittest.mock import patch

import torch

from cumsum.kernels.gpu import scan as gpu
from cumsum.kernels.gpu import segments
from cumsum.kernels.gpu.code import order
from cumsum.kernels.gpu.layout import layout_of
from gpu_launches import CORES

FLAGS = {"exclusive": False, "reverse": False}
BACK = {"exclusive": True, "reverse": True}


@contextmanager
def cores():
    """Tensors without memory have a device without cores."""
    with (
        patch.object(gpu, "cores_of", lambda device: CORES),
        patch.object(segments, "cores_of", lambda device: CORES),
    ):
        yield


def tensors(shape, *dtypes):
    return [torch.empty(shape, dtype=getattr(torch, dtype), device="meta") for dtype in dtypes]


@dataclass(frozen=True)
class Segments:
    """A scan of `count` segments of a dim, the longest of `longest` elements."""

    name: str
    shape: tuple[int, ...]
    count: int
    longest: int
    dim: int = -1
    dtype: str = "float32"
    back: bool = False
    compensated: bool = False

    def __call__(self, target):
        """Make it, as for this GPU."""
        x, y = tensors(self.shape, self.dtype, self.dtype)
        dim = self.dim % x.dim()
        layout = layout_of(x.shape, dim, [x.stride(), y.stride()])
        kind = gpu.kind_of(y.dtype, compensated=self.compensated)
        facts = segments.at_most(self.count, x.size(dim), self.longest, kind)._replace(known=True)
        cuts = segments.Cuts(x.new_empty(self.count + 1, dtype=torch.int64), facts)
        initial = y.new_empty(layout.lines) if self.back else None
        given = gpu.Values(x, x), gpu.Values(y, y), cuts, initial, layout, kind
        with cores():
            segments.scan(*given, **(BACK if self.back else FLAGS))


@dataclass(frozen=True)
class Decay:
    """A decayed scan; decays are of the shape `of`."""

    name: str
    shape: tuple[int, ...]
    of: tuple[int, ...]
    dim: int = -1
    dtype: str = "float32"
    back: bool = False

    def __call__(self, target):
        """Make it, as for this GPU."""
        x, y = tensors(self.shape, self.dtype, self.dtype)
        same = prod(self.of) == x.numel()
        (decay,) = tensors(self.of, self.dtype if same else "float64")
        strides = [t.expand(x.shape).stride() for t in (x, y, decay)]
        layout = layout_of(x.shape, self.dim % x.dim(), strides)
        kind = gpu.kind_of(y.dtype, decay=True)
        given = gpu.Values(x, decay), gpu.Values(y, y), None, layout, kind
        with cores():
            gpu.scan(*given, exclusive=False, reverse=self.back)


@dataclass(frozen=True)
class Holes:
    """A scan with holes, of which there are the given kinds."""

    name: str
    shape: tuple[int, ...]
    holes: int
    dim: int = -1
    dtype: str = "float32"
    back: bool = False
    compensated: bool = False

    def __call__(self, target):
        """Make it, as for this GPU."""
        x, y, mask = tensors(self.shape, self.dtype, self.dtype, "bool")
        layout = layout_of(x.shape, self.dim % x.dim(), [t.stride() for t in (x, y, mask)])
        kind = gpu.kind_of(y.dtype, compensated=self.compensated)
        given = gpu.Values(x, mask), gpu.Values(y, y), None, layout, kind
        with cores():
            gpu.scan(*given, holes=self.holes, **(BACK if self.back else FLAGS))


MASKED, SKIPPED, SHOWN = (flag.value for flag in (order.MASKED, order.SKIPPED, order.SHOWN))
ALL = MASKED | SKIPPED | SHOWN
CALLS = (
    Segments("a million of 10", (10**7,), 10**6, 300),
    Segments("a million of 10, back", (10**7,), 10**6, 30, back=True),
    Segments("one huge among a million", (10**8,), 10**6, 9 * 10**7),
    Segments("float16, thousands of tokens", (1 << 24,), 4000, 9000, dtype="float16"),
    Segments("compensated", (1 << 24,), 20, 1 << 23, dtype="float64", compensated=True, back=True),
    Segments("of rows", (64, 9000), 100, 3000),
    Segments("of columns", (9000, 64), 100, 7000, 0),
    Segments("of columns, short", (9000, 64), 900, 20, 0, "bfloat16"),
    Decay("number", (1 << 24,), (1,)),
    Decay("number, float16 rows", (1024, 8192), (1, 1), dtype="float16", back=True),
    Decay("each", (1024, 8192), (1024, 8192)),
    Decay("each of columns", (8192, 64), (8192, 64), 0),
    Decay("each of many columns", (1024, 1 << 16), (1024, 1 << 16), 0),
    Decay("columns of two", (1 << 20, 2), (1, 2), 0),
    Holes("mask", (1 << 24,), MASKED),
    Holes("NaN", (1 << 24,), SKIPPED, back=True),
    Holes("all, float16 rows", (1024, 8192), ALL, dtype="float16"),
    Holes("all, compensated", (1 << 24,), ALL, dtype="float64", compensated=True),
    Holes("all of columns", (8192, 64), ALL, 0),
)
