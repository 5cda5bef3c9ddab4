"""Ways to have the same rows scanned, for the tests that want equal bits of all of them.

A `Mode` is a scan: its dtype, precision, kind and direction. A way is a function of a mode and of
C-contiguous rows that returns their scans as rows again.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

import cumsum
from cases import FLOATS, LAYOUTS, as_array, as_tensor, numpy_dtype
from cumsum.numpy import scan_in_core
from cumsum.spec import Spec
from reference import scan

INEXACT = (*FLOATS, "longdouble", "complex64", "complex128", "clongdouble")


@dataclass(frozen=True)
class Mode:
    """A kind of scan; called, it scans with the public function if that has such scans."""

    dtype: str
    precision: str | None = None
    exclusive: bool = False
    reverse: bool = False

    def __str__(self):
        flags = [name for name in ("exclusive", "reverse") if getattr(self, name)]
        return "-".join([self.dtype, *filter(None, [self.precision]), *flags])

    @property
    def is_public(self):
        return not (self.exclusive or self.reverse)

    def __call__(self, x, dim, **options):
        if self.is_public:
            return cumsum.cumsum(x, dim, precision=self.precision, **options)
        y = np.empty_like(x)
        spec = Spec(dim % x.ndim, self.exclusive, self.reverse)
        scan_in_core(x, y, spec._replace(compensated=self.precision == "compensated"))
        return y

    def in_place(self, x, dim):
        return cumsum.cumsum_(x, dim, precision=self.precision)

    def reference(self, x, dim=-1):
        """The scan in the order of additions that tests/reference.py states."""
        x = np.flip(x, dim) if self.reverse else x
        y = scan(x, dim, precision=self.precision)
        if self.exclusive:
            y = np.roll(y, 1, dim)
            np.moveaxis(y, dim, 0)[:1] = 0
        return np.flip(y, dim) if self.reverse else y


PUBLIC = tuple(
    Mode(dtype, precision)
    for dtype in INEXACT
    for precision in (None, "compensated")
    if precision is None or dtype in ("float64", "complex128")
)
DIRECTED = tuple(
    replace(mode, exclusive=exclusive, reverse=reverse)
    for mode in PUBLIC
    for exclusive, reverse in ((True, False), (False, True), (True, True))
)


def rows(shape, dtype, seed=0):
    """Rows of numbers of very different sizes that are often near zero after a large sum.

    What is left then is rounding errors, so additions in another order have other bits. The second
    half takes the first away again, and something large comes and goes two tiles later.
    """
    rng = np.random.default_rng([seed, *shape])
    sizes, large = ((-14, -5), 2.0**15) if dtype == "float16" else ((-20, 21), 2.0**46)
    parts = rng.standard_normal((2, *shape)) * np.exp2(rng.integers(*sizes, (2, *shape)))
    wide = parts.astype(np.longdouble) * (1 + np.exp2(np.longdouble(-60)))
    half = shape[-1] // 2
    wide[..., half : 2 * half] = -rng.permutation(wide[..., :half], axis=-1)
    wide[..., 3000::12000] = large
    wide[..., 8800::12000] = -large
    x = wide[0] + 1j * wide[1] if dtype.startswith("c") else wide[0]
    return x.astype(np.float32 if dtype == "bfloat16" else dtype).astype(numpy_dtype(dtype))


def alone(mode, x):
    return np.stack([mode(row, 0) for row in x])


def cut_short(mode, x):
    """Rows put together from scans that end at random places and at the edges of groups and tiles.

    What lies between two of those places comes from the scan that ends at the second.
    """
    rng = np.random.default_rng(x.size)
    edges = [k for k in (1, 8, 9, 4095, 4096, 4097, 8192) if k < x.shape[1]]
    y = mode(x, 1)
    for row, sums in zip(x, y, strict=True):
        for k in sorted([*edges, *rng.integers(1, x.shape[1] + 1, 4)], reverse=True):
            part = slice(-k, None) if mode.reverse else slice(k)
            sums[part] = mode(row[part], 0)
    return y


def among_others(mode, x):
    parent = np.concatenate([x[::-1], x, x[:3]])
    return mode(parent, 1)[len(x) : 2 * len(x)]


def columns(mode, x):
    return mode(np.ascontiguousarray(x.T), 0).T


def between_dims(mode, x):
    """The rows lie along the middle dim of three."""
    blocks = x.reshape(2, len(x) // 2, -1)
    y = mode(np.ascontiguousarray(blocks.swapaxes(1, 2)), 1)
    return y.swapaxes(1, 2).reshape(x.shape)


def in_layout(layout, mode, x):
    return mode(LAYOUTS[layout](x), 1)


def columns_in_layout(layout, mode, x):
    return mode(LAYOUTS[layout](x.T), 0).T


def misaligned(mode, x):
    """Input and result begin at odd addresses."""
    shift = LAYOUTS["offset-byte"]
    return mode(shift(x), 1, out=shift(np.zeros_like(x)))


def into(layout, mode, x):
    out = LAYOUTS[layout](np.zeros_like(x))
    assert mode(x, 1, out=out) is out
    return out


def columns_into(layout, mode, x):
    out = LAYOUTS[layout](np.zeros_like(x.T, order="C"))
    return mode(np.ascontiguousarray(x.T), 0, out=out).T


def in_place(layout, mode, x):
    y = LAYOUTS[layout](x.copy())
    assert mode.in_place(y, 1) is y
    return y


def columns_in_place(mode, x):
    y = np.ascontiguousarray(x.T)
    assert mode(y, 0, out=y) is y
    return y.T


def on_tensors(way, mode, x):
    """Another way, each of its calls on torch tensors."""
    return way(_OnTensors(mode), x)


@dataclass(frozen=True)
class _OnTensors:
    mode: Mode
    reverse: bool = False

    def __call__(self, x, dim, out=None):
        options = {} if out is None else {"out": as_tensor(out)}
        y = as_array(self.mode(as_tensor(x), dim, **options))
        return y if out is None else out

    def in_place(self, x, dim):
        self.mode.in_place(as_tensor(x), dim)
        return x


READING = {
    "alone": alone,
    "cut short": cut_short,
    "among others": among_others,
    "columns": columns,
    "between dims": between_dims,
    **{name: partial(in_layout, name) for name in ("step2", "reversed", "transposed")},
    "offset-byte": partial(in_layout, "offset-byte"),
    **{f"columns {name}": partial(columns_in_layout, name) for name in ("step3", "reversed-last")},
}
WRITING = {
    "misaligned": misaligned,
    **{f"into {name}": partial(into, name) for name in ("contiguous", "step3", "transposed")},
    "into reversed": partial(into, "reversed"),
    **{f"in place {name}": partial(in_place, name) for name in ("contiguous", "step2", "reversed")},
    "in place transposed": partial(in_place, "transposed"),
    "columns into step2": partial(columns_into, "step2"),
    "columns in place": columns_in_place,
}
# torch knows no negative strides and no addresses that an element's size does not divide.
TENSOR = {
    f"tensor {name}": partial(on_tensors, way)
    for name, way in (READING | WRITING).items()
    if not ("revers" in name or "offset" in name or "misaligned" in name)
}
