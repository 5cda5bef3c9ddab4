"""Errors, measured against exact sums: the bounds of docs/accuracy.md, torch and NumPy."""

from fractions import Fraction
from functools import cache
from itertools import accumulate

import numpy as np
import pytest
import torch

import bounds
import cumsum
from bits import same_bits
from cases import numpy_dtype, values
from exact import prefixes, ulp
from series import KINDS, nearly_cancelling

LENGTH = 1 << 19
RANDOM = ("uniform", "normal", "increasing", "alternating")  # serial sums round at random
LARGEST = {"float16": 30_000, "bfloat16": 1e30, "float32": 1e30}


def narrow(kind, dtype):
    """A series in a narrow dtype, its sums within range."""
    x = KINDS[kind](LENGTH)
    largest = max(np.abs(x).max(), np.abs(np.add.accumulate(x)).max())
    return (x * min(1, LARGEST[dtype] / largest)).astype(np.float32).astype(numpy_dtype(dtype))


@cache
def contest(kind):
    """The exact sums of a float64 series, and the errors of all contestants."""
    x = KINDS[kind](LENGTH)
    results = {
        "ours": cumsum.cumsum(x, 0),
        "compensated": cumsum.cumsum(x, 0, precision="compensated"),
        "numpy": np.cumsum(x),
        "torch": torch.cumsum(torch.from_numpy(x), 0).numpy(),
    }
    sums = prefixes(x, *results.values())
    return sums, dict(zip(results, sums.errors, strict=True))


def test_exact_sums_are_those_of_fractions():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(500) * np.exp2(rng.integers(-90, 91, 500))
    y = np.add.accumulate(x)
    sums = prefixes(x, y)
    exact = list(accumulate(map(Fraction, x)))
    magnitude = list(accumulate(map(abs, map(Fraction, x))))
    error = [abs(Fraction(a) - b) for a, b in zip(y, exact, strict=True)]
    for found, wanted in ((sums.y, exact), (sums.magnitude, magnitude), (sums.errors[0], error)):
        for a, b in zip(found, wanted, strict=True):
            assert abs(Fraction(*a.as_integer_ratio()) - b) <= abs(b) / 2**62


@pytest.mark.parametrize("kind", KINDS)
class TestFloat64:
    def test_bound(self, kind):
        sums, errors = contest(kind)
        assert (errors["ours"] <= bounds.standard("float64", sums)).all()

    def test_bound_of_compensated(self, kind):
        sums, errors = contest(kind)
        assert (errors["compensated"] <= bounds.compensated(sums)).all()

    def test_compensated_is_rounded_once(self, kind):
        """No more than half an ulp, up to what the second term of the bound allows."""
        sums, errors = contest(kind)
        assert (errors["compensated"] <= 0.51 * ulp(sums.y, np.float64)).all()

    @pytest.mark.parametrize("peer", ["numpy", "torch"])
    def test_no_worse_than_a_loop(self, kind, peer):
        _, errors = contest(kind)
        ours, theirs = errors["ours"], errors[peer]
        if kind in RANDOM:
            assert 5 * ours.max() < theirs.max()
            assert 5 * np.square(ours).mean() < np.square(theirs).mean()
        else:  # every 1 beside 1e16 is lost, in any order
            assert ours.max() <= theirs.max()


class TestCompensated:
    @pytest.mark.parametrize("exponent", [3, 6, 9, 12, 14, 15, 16, 18])
    def test_condition(self, exponent):
        x = nearly_cancelling(40_000, 10.0**exponent)
        y = cumsum.cumsum(x, 0, precision="compensated")
        sums = prefixes(x, y)
        condition = sums.magnitude / np.abs(sums.y)
        assert condition[-1] > 10.0**exponent
        error = sums.errors[0]
        assert (error <= bounds.compensated(sums)).all()
        benign = condition <= 1e15
        assert (error <= ulp(sums.y, np.float64))[benign].all()

    def test_terms_of_any_size(self):
        rng = np.random.default_rng(0)
        for seed in range(20):
            x = rng.standard_normal(5000) * np.exp2(rng.integers(-5 * seed, 5 * seed + 1, 5000))
            sums = prefixes(x, cumsum.cumsum(x, 0, precision="compensated"))
            assert (sums.errors[0] <= bounds.compensated(sums)).all()

    def test_what_standard_loses(self):
        x = np.resize([1e16, 1.0, -1e16], 30_000)
        y = cumsum.cumsum(x, 0, precision="compensated")
        assert y[2::3].tolist() == list(range(1, 10_001))
        assert cumsum.cumsum(x, 0)[-1] == 0


@pytest.mark.parametrize("kind", KINDS)
class TestFloat32:
    def test_bound(self, kind):
        x = narrow(kind, "float32")
        sums = prefixes(x, cumsum.cumsum(x, 0))
        assert (sums.errors[0] <= bounds.standard("float32", sums)).all()

    def test_within_an_ulp_where_float64_carries_suffice(self, kind):
        x = narrow(kind, "float32")
        sums = prefixes(x, cumsum.cumsum(x, 0))
        spacing = ulp(sums.y, np.float32)
        enough = bounds.before_rounding("float32", sums) <= spacing / 2
        assert (sums.errors[0] <= spacing)[enough].all()
        assert enough.mean() > 0.99 or kind == "ill-conditioned"


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
@pytest.mark.parametrize("kind", ["uniform", "normal"])
@pytest.mark.parametrize(
    ("shape", "dim"), [((1_000_000,), 0), ((1000, 1000), 0), ((1000, 1000), 1), ((64, 50, 300), 1)]
)
def test_same_bits_as_torch_on_ordinary_data(dtype, kind, shape, dim):
    parts = KINDS[kind](2 * int(np.prod(shape))).astype(np.float32)
    parts = torch.from_numpy(parts if dtype == "complex64" else parts[::2].copy())
    x = parts.view(getattr(torch, dtype)).reshape(shape)
    assert torch.equal(cumsum.cumsum(x, dim), torch.cumsum(x, dim))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
class Test16Bits:
    @pytest.mark.parametrize("kind", KINDS)
    def test_bound(self, dtype, kind):
        x = narrow(kind, dtype)
        sums = prefixes(x, cumsum.cumsum(x, 0))
        assert (sums.errors[0] <= bounds.standard(dtype, sums)).all()

    @pytest.mark.parametrize("length", [100, 4096, 1 << 16, 1 << 22])
    def test_within_0_57_ulp_at_any_length(self, dtype, length):
        x = (KINDS["uniform"](length) / 128).astype(np.float32).astype(numpy_dtype(dtype))
        sums = prefixes(x, cumsum.cumsum(x, 0))
        worst = (sums.errors[0] / ulp(sums.y, numpy_dtype(dtype))).max()
        assert worst < {"float16": 0.564, "bfloat16": 0.508}[dtype]

    def test_the_carry_keeps_what_float32_would_lose(self, dtype):
        """Each of these tiles adds a quarter of what a float32 of that size can hold."""
        tile, tiles = 4096, 256
        x = np.full(tile * (tiles + 2), 2.0**-22)
        x[:tile], x[-tile:] = 0, 0
        x[0], x[-tile] = 2.0**15, -(2.0**15)
        y = cumsum.cumsum(x.astype(np.float32).astype(numpy_dtype(dtype)), 0)
        assert float(y[-1]) == tile * tiles * 2.0**-22


class TestLongDouble:
    @pytest.mark.parametrize("kind", KINDS)
    def test_bound(self, kind):
        x = KINDS[kind](LENGTH // 4).astype(np.longdouble) / 3
        sums = prefixes(x, cumsum.cumsum(x, 0))
        assert (sums.errors[0] <= bounds.standard("longdouble", sums)).all()


@pytest.mark.parametrize(
    ("dtype", "precision"),
    [
        ("complex64", None),
        ("complex128", None),
        ("complex128", "compensated"),
        ("clongdouble", None),
    ],
)
def test_parts_of_complex_numbers_are_real_sums(dtype, precision):
    """So every bound holds for each of them."""
    x = values((100_003,), dtype)
    y = cumsum.cumsum(x, 0, precision=precision)
    for part in ("real", "imag"):
        alone = np.ascontiguousarray(getattr(x, part))
        wanted = cumsum.cumsum(alone, 0, precision=precision)
        assert same_bits(np.ascontiguousarray(getattr(y, part)), wanted)


def test_float32_is_rounded_once():
    x = np.array([2.0**24, 1, 2.0**-20], np.float32)
    last = 2.0**24 + 2
    for shape in ((3,), (3, 1), (3, 40)):
        lanes = np.broadcast_to(x.reshape([3] + [1] * (len(shape) - 1)), shape)
        assert (cumsum.cumsum(lanes, 0)[-1] == last).all()
