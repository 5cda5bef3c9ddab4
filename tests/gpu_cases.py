"""One table of scans by the GPU kernels, and what they give in the order that is promised.

The tests run it in Triton's interpreter, on tensors of the CPU; `make gpu` on a GPU.
"""

from dataclasses import dataclass, fields
from itertools import product
from math import prod

import numpy as np

import gpu_reference as reference
from cases import LAYOUTS, as_tensor, numpy_dtype

SMALL = (4, 2)  # groups of a block, blocks of a tile: lines of some hundred elements have it all
FLOATS = ("float16", "bfloat16", "float32", "float64")
KINDS = (
    *((name, "int64") for name in ("bool", "uint8", "int8", "int16", "int32", "int64")),
    *((name, name) for name in FLOATS),
)
FLAGS = tuple(product((False, True), repeat=2))


@dataclass(frozen=True)
class Case:
    """A scan of `shape` along `dim`, as ``tests/cases.py`` has them, and how it is made.

    `special` puts NaN, infinities or negative zeros among the elements; `choices` are those of
    the policy, as pairs.
    """

    shape: tuple[int, ...]
    dim: int
    dtype: str = "float32"
    result: str = "float32"
    layout: str = "contiguous"
    into: str = "contiguous"
    exclusive: bool = False
    reverse: bool = False
    initial: bool = False
    compensated: bool = False
    special: str = ""
    sizes: tuple[int, int] = (32, 16)
    choices: tuple[tuple[str, int], ...] = ()

    def __str__(self):
        words = ["x".join(map(str, self.shape)), f"dim{self.dim}", self.dtype]
        if self.result != self.dtype:
            words.append(f"to-{self.result}")
        for field in fields(self)[4:]:
            value = getattr(self, field.name)
            if value == field.default:
                continue
            if value is True:
                words.append(field.name)
            elif isinstance(value, str):
                words.append(f"{field.name}-{value}" if field.name == "into" else value)
            elif field.name == "choices":
                words += [f"{name}{int(number)}" for name, number in value]
            else:
                words.append("x".join(map(str, value)))
        return "-".join(words)

    def array(self):
        """The input: sums of it in another order have other bits."""
        rng = np.random.default_rng([len(self.shape), prod(self.shape)])
        dtype = numpy_dtype(self.dtype)
        if dtype.kind == "b":
            x = rng.integers(0, 2, self.shape).astype(dtype)
        elif dtype.kind in "iu":
            info = np.iinfo(dtype)
            x = rng.integers(info.min, info.max, self.shape, dtype, endpoint=True)
        else:
            x = rng.standard_normal(self.shape) * np.exp2(rng.integers(-6, 7, self.shape))
            x = self._with_special(x, rng).astype(dtype)
        return LAYOUTS[self.layout](x)

    def _with_special(self, x, rng):
        """Some elements replaced."""
        if self.special == "zeros":
            return np.where(rng.random(x.shape) < 0.7, -0.0, x * 0)
        if self.special == "nan":
            odd = rng.choice([np.nan, np.inf, -np.inf], x.shape)
            return np.where(rng.random(x.shape) < 2 / x.shape[self.dim], odd, x)
        return x

    def initial_values(self):
        """What lines begin with, one for each in C order."""
        rng = np.random.default_rng(prod(self.shape))
        lines = prod(self.shape) // self.shape[self.dim]
        return rng.integers(-50, 50, lines).astype(numpy_dtype(self.result))


def accumulator(case):
    """The dtypes in which it is added up: within a block, and between them."""
    if not case.result.endswith(FLOATS):
        return np.int64, np.int64
    return (np.float32 if case.result.endswith("float16") else np.float64), np.float64


def expected(case, cut=False):
    """The sums by the reference, [lines, length] in C order, forwards, as a tensor of the result.

    Triton's interpreter cuts bits off where bfloat16 should be rounded to: ``cut`` does so too.
    """
    acc, wide = accumulator(case)
    dtype = numpy_dtype(case.result)
    x = np.moveaxis(case.array(), case.dim, -1)
    x = x.reshape(-1, case.shape[case.dim])
    x = as_dtype(x, case.result, cut).astype(acc)
    if case.reverse:
        x = x[:, ::-1]
    begin = np.zeros(len(x), wide)
    if case.initial:
        begin = case.initial_values().astype(wide)
    with np.errstate(all="ignore"):
        if case.compensated:
            s, lost = reference.scan(
                (x, np.zeros_like(x)), (begin, np.zeros_like(begin)), wide, reference.pair_plus,
                (0, 0), case.exclusive, case.sizes,
            )  # fmt: skip
            y = np.where(np.isnan(s + lost), s, s + lost)
        else:
            (y,) = reference.scan((x,), (begin,), wide, exclusive=case.exclusive, sizes=case.sizes)
        y = as_dtype(y, case.result, cut)
    if case.reverse:
        y = y[:, ::-1]
    rest = [n for d, n in enumerate(case.shape) if d != case.dim]
    y = np.moveaxis(y.reshape(*rest, -1), -1, case.dim)
    return np.ascontiguousarray(y).astype(dtype)


def as_dtype(x, name, cut):
    """A cast; to bfloat16 by rounding, or by cutting bits off."""
    with np.errstate(all="ignore"):
        if name == "bfloat16" and cut and x.dtype.itemsize > 2:
            bits = x.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
            return bits.view(np.float32).astype(numpy_dtype(name))
        return x.astype(numpy_dtype(name))


def run(case, device):
    """The sums by the kernels, as a tensor of that device."""
    import torch

    from cumsum.kernels.gpu import policy
    from cumsum.kernels.gpu import scan as gpu
    from cumsum.kernels.gpu.layout import layout_of

    x = placed(case.array(), device)
    y = placed(LAYOUTS[case.into](np.full(case.shape, 77, numpy_dtype(case.result))), device)
    initial = as_tensor(case.initial_values()).to(device) if case.initial else None
    layout = layout_of(x.shape, case.dim, [x.stride(), y.stride()])
    kind = gpu.kind_of(getattr(torch, case.result), compensated=case.compensated)
    groups, blocks = case.sizes
    gpu.scan(
        gpu.Values(x, x),
        gpu.Values(y, y),
        initial,
        layout,
        kind._replace(groups=groups, blocks=blocks),
        exclusive=case.exclusive,
        reverse=case.reverse,
        choices=policy.Choices(**dict(case.choices)),
    )
    return y


def placed(array, device):
    """A tensor of that device, at the array's strides and as well or badly aligned."""
    import torch

    x = as_tensor(array)
    if device == "cpu":
        return x
    skip = x.data_ptr() % 16 // x.element_size()
    room = sum((n - 1) * step for n, step in zip(x.shape, x.stride(), strict=True)) + 1
    moved = torch.empty(room + skip, dtype=x.dtype, device=device)
    moved[skip:].copy_(x.as_strided((room,), (1,)))
    return moved[skip:].as_strided(x.shape, x.stride())


def fault(y, right):
    """What is wrong with sums; nothing if all bits are right. Every NaN is like every other."""
    y = np.asarray(y)
    if y.dtype != right.dtype or y.shape != right.shape:
        return f"{y.dtype} {y.shape} instead of {right.dtype} {right.shape}"
    bits = np.dtype(f"u{y.dtype.itemsize}")
    same = np.ascontiguousarray(y).view(bits) == np.ascontiguousarray(right).view(bits)
    if y.dtype.kind not in "iu":
        same |= np.isnan(y.astype(np.float64)) & np.isnan(right.astype(np.float64))
    if same.all():
        return ""
    where = tuple(int(i) for i in np.argwhere(~same)[0])
    return f"{(~same).sum()} of {same.size} differ, first at {where}: {y[where]} != {right[where]}"


def _drawn(count):
    """Scans of which everything is drawn."""
    rng = np.random.default_rng(7)
    for _ in range(count):
        dims = int(rng.integers(1, 4))
        most = (6, 3.7, 2.5)[dims - 1]
        shape = tuple(int(n) for n in np.exp(rng.uniform(0, most, dims)))
        layouts = ("contiguous", "transposed", "step2") if dims < 3 else ("contiguous",)
        dtype, result = KINDS[rng.integers(len(KINDS))]
        exclusive, reverse, initial, compensated = rng.integers(0, 2, 4).astype(bool).tolist()
        yield Case(
            shape,
            int(rng.integers(dims)),
            dtype,
            result,
            str(rng.choice(layouts)),
            exclusive=exclusive,
            reverse=reverse,
            initial=initial,
            compensated=compensated and result == "float64",
            sizes=((32, 16), SMALL, (2, 2))[rng.integers(3)],
        )


def _regimes():
    """Every way in which lines are shared out, with small blocks and with the real ones."""
    small = (
        *((shape, 0) for shape in ((32,), (65,), (150,))),
        *(((70, n), 0) for n in (2, 20)),
        ((2, 70, 3), 1),
    )
    real = (
        *((shape, 0) for shape in ((1,), (8,), (9,), (256,), (257,), (4500,))),
        *((shape, 1) for shape in ((1, 1), (40, 3), (5, 16), (3, 300), (3, 1), (2, 3, 4))),
        *((shape, 0) for shape in ((1, 7), (7, 5), (300, 33), (257, 2), (3, 200))),
    )
    for exclusive, reverse in FLAGS:
        flags = {"exclusive": exclusive, "reverse": reverse}
        for shape, dim in small:
            yield Case(shape, dim, sizes=SMALL, initial=exclusive != reverse, **flags)
    for shape, dim in real:
        yield Case(shape, dim)
    for shape, dim in real[::2]:
        yield Case(shape, dim, "int8", "int64", exclusive=True, reverse=True, initial=True)
    yield Case((2, 400), 1, sizes=(2, 2), initial=True)
    yield Case((600,), 0, "float64", "float64", compensated=True, sizes=(2, 2), reverse=True)


def _kinds():
    """Every dtype along rows and columns."""
    for dtype, result in KINDS:
        for shape, dim in (((100,), 0), ((9, 20), 1), ((70, 3), 0)):
            for compensated in {False, result == "float64"}:
                yield Case(shape, dim, dtype, result, compensated=compensated, sizes=SMALL)
    for dtype, result in (("float32", "float64"), ("float16", "float32"), ("int8", "float16")):
        yield Case((2, 70), 1, dtype, result, sizes=SMALL)


def _layouts():
    """Strided, transposed, expanded and badly aligned memory."""
    for shape, dim in (((70,), 0), ((5, 70), 1), ((70, 5), 0), ((3, 21, 4), 1)):
        for layout in (
            "transposed",
            "step2",
            "offset-element",
            "broadcast-first",
            "broadcast-last",
        ):
            if len(shape) < 3 or not layout.startswith(("transposed", "broadcast")):
                yield Case(shape, dim, layout=layout, sizes=SMALL, reverse=layout == "step2")
    for into in ("transposed", "step2", "offset-element"):
        yield Case((5, 70), 1, into=into, sizes=SMALL)
        yield Case((70, 5), 0, "bfloat16", "bfloat16", into=into, sizes=SMALL)


def _specials():
    """NaN, infinities and negative zeros."""
    for special, (exclusive, reverse) in product(("nan", "zeros"), FLAGS[::3]):
        for shape, dim in (((100,), 0), ((70, 3), 0)):
            for dtype, compensated in (("float16", False), ("float32", False), ("float64", True)):
                yield Case(
                    shape,
                    dim,
                    dtype,
                    dtype,
                    special=special,
                    exclusive=exclusive,
                    reverse=reverse,
                    compensated=compensated,
                    sizes=SMALL,
                )


def _choices():
    """Whatever the policy decides, the bits are the same."""
    for shape, dim in (((6, 100), 1), ((100, 6), 0)):
        for walked, lines, share in ((1, 2, 1), (1, 4, 1), (0, 2, 2), (0, 8, 1)):
            wanted = (("walked", walked), ("lines", lines), ("share", share))
            yield Case(shape, dim, sizes=SMALL, choices=wanted, initial=True)
    for single, walked in product((0, 1), repeat=2):
        wanted = (("walked", walked), ("single", single))
        yield Case((100, 17), 0, sizes=SMALL, choices=wanted, reverse=True, initial=True)
    yield Case((2, 4200), 1, choices=(("walked", 0), ("share", 2)))
    yield Case((2, 4200), 1, choices=(("walked", 1),))
    yield Case((300, 3), 0, sizes=SMALL, choices=(("one_pass", 1),))
    yield Case((2, 300), 1, sizes=(2, 2), choices=(("one_pass", 1),), exclusive=True, initial=True)
    yield Case(
        (300,), 0, "float64", "float64", sizes=SMALL, choices=(("one_pass", 1),), compensated=True
    )


CASES = tuple(
    dict.fromkeys([*_regimes(), *_kinds(), *_layouts(), *_specials(), *_choices(), *_drawn(40)])
)
