"""inf and nan: exactly where they belong, and never in the line next to it."""

from functools import cache

import numpy as np
import pytest

import cumsum
from bits import same_bits
from cases import numpy_dtype, values
from ways import INEXACT, PUBLIC, READING, TENSOR, WRITING, Mode

# The edges of lanes, vectors, groups and tiles.
PLACES = (0, 1, 3, 4, 7, 8, 15, 16, 31, 32, 63, 4088, 4095, 4096, 4103, 8191, 8192, 9000)
LENGTH = 9001
SPECIALS = {"nan": (np.nan,), "inf": (np.inf,), "-inf": (-np.inf,), "both": (np.inf, -np.inf)}
BETWEEN = 5  # elements from inf to -inf


def real(x):
    """The real part, to be written to."""
    return x.real if x.dtype.kind == "c" else x


@cache
def spoiled(mode, kind):
    """Lines of which every second has specials at one of `PLACES`, and what becomes of them.

    The parts of a complex number do not mix: its imaginary part is left as it was.
    """
    x = values((2 * len(PLACES) + 2, LENGTH), mode.dtype)
    wanted = mode.reference(x)
    for line, place in enumerate(PLACES):
        for i, special in enumerate(SPECIALS[kind]):
            real(x)[2 * line + 1, place + BETWEEN * i :][:1] = special
            real(wanted)[2 * line + 1, place + BETWEEN * i :] = np.nan if i else special
    return x, wanted


@pytest.mark.parametrize("mode", PUBLIC, ids=str)
@pytest.mark.parametrize("kind", SPECIALS)
def test_arrays(mode, kind):
    x, wanted = spoiled(mode, kind)
    for name, way in (READING | WRITING).items():
        assert same_bits(np.ascontiguousarray(way(mode, x.copy())), wanted), name


@pytest.mark.parametrize("mode", [m for m in PUBLIC if "long" not in m.dtype], ids=str)
@pytest.mark.parametrize("kind", SPECIALS)
def test_tensors(mode, kind):
    x, wanted = spoiled(mode, kind)
    for name, way in TENSOR.items():
        assert same_bits(np.ascontiguousarray(way(mode, x.copy())), wanted), name


@pytest.mark.parametrize("mode", PUBLIC, ids=str)
@pytest.mark.parametrize("length", [*range(1, 18), 31, 33])
def test_narrow_arrays(mode, length):
    """Several lines share a vector; every third is spoiled at a place of its own."""
    x = values((50, length), mode.dtype)
    wanted = mode.reference(x)
    for line in range(0, 50, 3):
        real(x)[line, line % length] = np.nan
        real(wanted)[line, line % length :] = np.nan
    assert same_bits(mode(x, 1), wanted)
    assert same_bits(mode(np.ascontiguousarray(x.T), 0), np.ascontiguousarray(wanted.T))


@pytest.mark.parametrize("mode", PUBLIC, ids=str)
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_long_lines(mode, threads):
    """The axis is cut among threads; only the pieces after the special see it."""
    x = values((2, 400_003), mode.dtype)
    wanted = mode.reference(x)
    for line, place in enumerate((131_072, 262_143)):
        real(x)[line, place] = np.inf
        real(wanted)[line, place:] = np.inf
    with cumsum.num_threads(threads):
        assert same_bits(mode(x, 1), wanted)
        assert same_bits(mode(np.ascontiguousarray(x.T), 0), np.ascontiguousarray(wanted.T))


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_sum_past_the_range_of_a_narrow_result_comes_back(dtype):
    large = np.array(np.finfo(dtype).max, dtype)
    y = cumsum.cumsum(np.array([large, large, -large, -large]), 0)
    assert y.tolist() == [large, np.inf, large, 0]


@pytest.mark.parametrize("dtype", ["bfloat16", "float64", "complex128"])
def test_a_sum_past_the_range_of_its_accumulator_stays_past_it(dtype):
    """A group that overflows is infinite; one that overflows the other way makes it nan."""
    large = 2.0**127 if dtype == "bfloat16" else 2.0**1023
    x = np.zeros(10_000, numpy_dtype(dtype))
    x[[100, 101]] = large
    x[[8000, 8001]] = -large
    for precision in (None, "compensated"):
        y = np.asarray(real(cumsum.cumsum(x, 0, precision=precision)), np.float64)
        assert np.isfinite(y[:101]).all()
        assert (y[101:8001] == np.inf).all()
        assert np.isnan(y[8001:]).all()


@pytest.mark.parametrize("dtype", INEXACT)
@pytest.mark.parametrize("precision", [None, "compensated"])
def test_no_negative_zero(dtype, precision):
    for shape in ((9_001,), (5, 4099), (4099, 5)):
        x = np.full(shape, -0.0, numpy_dtype(dtype))
        for dim in range(len(shape)):
            y = Mode(dtype, precision)(x, dim)
            assert not np.signbit(real(y)).any()
            assert not np.signbit(y.imag if y.dtype.kind == "c" else y).any()
