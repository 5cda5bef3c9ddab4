"""The table of what is measured."""

from __future__ import annotations

import math
from dataclasses import dataclass

LAYOUTS = (
    "contiguous",
    "transposed",
    "sliced",  # every second element along the axis
    "sliced across",  # every second element of the other dims
    "reversed",  # backwards along the axis
    "flipped",  # backwards along every dim
    "expanded",  # one other dim repeats, or in 1-D the axis
    "broadcast",  # all dims but the last repeat
)


@dataclass(frozen=True)
class Case:
    """One row of the table: what is scanned, along which dim, and how it lies in memory."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    dim: int
    layout: str = "contiguous"
    in_place: bool = False

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise ValueError(f"layout={self.layout!r} is not one of {', '.join(LAYOUTS)}")

    @property
    def elements(self) -> int:
        """How many elements are scanned."""
        return math.prod(self.shape)


def _case(
    dtype: str,
    shape: tuple[int, ...],
    dim: int = 0,
    layout: str = "contiguous",
    *,
    in_place: bool = False,
) -> Case:
    where = f"1-D, {shape[0]:,}" if len(shape) == 1 else f"{shape} dim {dim}"
    words = [dtype, where, layout * (layout != "contiguous"), "in place" * in_place]
    return Case(" ".join(filter(None, words)), shape, dtype, dim, layout, in_place)


_THOUSAND, _MILLION = 1000, 1_000_000
_SQUARE, _IMAGES, _CUBE = (4096, 4096), (8, 3, 1024, 1024), (64, 512, 512)
_WIDE_DTYPES = ("float64", "float16", "bfloat16", "int8", "bool", "int16", "int32", "int64")
_DTYPES = (*_WIDE_DTYPES, "complex64", "complex128")

_VECTORS = (
    *(_case("float32", (n,)) for n in (8, _THOUSAND, 100 * _THOUSAND, _MILLION)),
    *(_case(dtype, (n,)) for n in (100 * _THOUSAND, _MILLION) for dtype in _DTYPES),
    *(_case("float32", (n,)) for n in (10 * _MILLION, 100 * _MILLION)),
    *(_case(dtype, (10 * _MILLION,)) for dtype in _DTYPES),
)
_IN_CACHE = (
    *(_case("float32", (512, 512), dim) for dim in (1, 0)),
    *(_case("float32", (_THOUSAND, _THOUSAND), dim) for dim in (1, 0)),
    _case("float32", (100 * _THOUSAND, 8), 0),
    _case("float32", (8, 100 * _THOUSAND), 0),
    _case("float32", (64, 64, 64), 1),
)
_DIMS = (
    *(_case("float32", _SQUARE, dim) for dim in (1, 0)),
    *(_case(dtype, _SQUARE, 1) for dtype in ("float64", "bfloat16", "int8", "complex64")),
    *(_case(dtype, _SQUARE, 0) for dtype in (*_WIDE_DTYPES, "complex64")),
    *(_case("float32", _CUBE, dim) for dim in (2, 1, 0)),
    *(_case("float32", _IMAGES, dim) for dim in (3, 2, 1, 0)),
    *(_case("float32", (8, 1_250_000), dim) for dim in (1, 0)),
    *(_case("float32", (2, 5 * _MILLION), dim) for dim in (1, 0)),
    *(_case("float32", (100, 100_000), dim) for dim in (1, 0)),
)
_NARROW = (
    *(_case("float32", (_MILLION, columns), 0) for columns in (2, 3, 4, 5, 7, 8)),
    _case("float32", (5 * _MILLION, 2), 0),
    _case("float32", (4 * _MILLION, 3), 0),
)
_SHORT_ROWS = tuple(
    _case("float32", shape, 1)
    for shape in ((_MILLION, 8), (_MILLION, 16), (500_000, 33), (200_000, 100))
)
_ODD = (  # lines that end within a group, within a cache line, or at their first element
    _case("float64", (_MILLION, 10), 1),
    _case("complex128", (200_000, 31), 1),
    _case("int64", (1_500_000, 7), 1),
    _case("float32", (2 * _MILLION, 3), 1),
    _case("float16", (_MILLION, 15), 1),
    _case("float32", (_MILLION, 4, 3), 1),
    _case("float32", (_THOUSAND, 1, 20_000), 1),
)
_STRIDED = (
    *(_case("float32", _SQUARE, dim, layout) for layout in LAYOUTS[1:7] for dim in (1, 0)),
    *(_case(dtype, _SQUARE, 1, "transposed") for dtype in ("float64", "int8")),
    *(_case("float32", _CUBE, dim, "broadcast") for dim in (2, 1, 0)),
    _case("float32", _IMAGES, 1, "flipped"),
    *(
        _case("float32", (10 * _MILLION,), 0, layout)
        for layout in ("sliced", "reversed", "expanded")
    ),
)
_IN_PLACE = tuple(
    _case("float32", shape, 0, in_place=True)
    for shape in ((100 * _THOUSAND,), (10 * _MILLION,), _SQUARE)
)

CASES: tuple[Case, ...] = (
    *(*_VECTORS, *_IN_CACHE, *_DIMS),
    *(*_NARROW, *_SHORT_ROWS, *_ODD, *_STRIDED, *_IN_PLACE),
)

SHORT_NAMES = (
    "float32 1-D, 1,000",
    "float32 1-D, 10,000,000",
    "float64 1-D, 10,000,000",
    "float16 1-D, 10,000,000",
    "int8 1-D, 10,000,000",
    "float32 (4096, 4096) dim 1",
    "float32 (4096, 4096) dim 0",
    "int64 (4096, 4096) dim 0",
    "float32 (1000000, 8) dim 0",
)

SHORT: tuple[Case, ...] = tuple(case for case in CASES if case.name in SHORT_NAMES)
