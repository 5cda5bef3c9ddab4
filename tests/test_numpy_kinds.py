"""NumPy arrays that are not plain numbers in native order, beside numpy.cumsum."""

import re
from decimal import Decimal
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

import cumsum
from test_numpy import SMALL, check


class Subclass(np.ndarray):
    """An array subclass that changes nothing."""


@pytest.mark.parametrize("dtype", [">i2", ">i8", ">u4", ">f2", ">f4", ">f8", ">c8", ">c16", ">g"])
def test_byte_swapped(dtype):
    x = SMALL.astype(dtype)
    for axis in (0, 1):
        check(cumsum.cumsum(x, axis), np.cumsum(x, axis))
    assert cumsum.cumsum_(x, 0) is x
    check(x, np.cumsum(SMALL.astype(dtype), 0).astype(dtype))


def test_subclasses():
    x = SMALL.view(Subclass)
    check(cumsum.cumsum(x, 0), np.cumsum(x, 0))
    record = np.ones(3).view(np.recarray)
    check(cumsum.cumsum(record, 0), np.cumsum(record, 0))
    out = np.zeros((3, 4)).view(Subclass)
    assert cumsum.cumsum(SMALL, 0, out=out) is out


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_matrix():
    x = np.matrix(SMALL)
    for axis in (0, 1, None):
        check(cumsum.cumsum(x, axis=axis), np.cumsum(x, axis=axis))


def test_masked():
    x = np.ma.array(SMALL, mask=SMALL == 2)
    for axis in (0, 1, None):
        ours, theirs = cumsum.cumsum(x, axis=axis), np.cumsum(x, axis=axis)
        check(ours.filled(-1), theirs.filled(-1))
        assert np.array_equal(ours.mask, theirs.mask)


def test_memmap(tmp_path):
    x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", dtype=np.float32, shape=(3, 4))
    x[...] = SMALL
    check(cumsum.cumsum(x, 1), np.cumsum(x, 1))


def test_read_only_input():
    x = SMALL.astype(np.float32)
    x.flags.writeable = False
    result = cumsum.cumsum(x, 1)
    check(result, np.cumsum(x, 1))
    assert result.flags.writeable


def test_timedelta():
    x = np.array([[1, 2], ["NaT", 3], [4, 5]], "m8[s]")
    for axis in (0, 1, None):
        ours, theirs = cumsum.cumsum(x, axis=axis), np.cumsum(x, axis=axis)
        assert ours.dtype == theirs.dtype
        assert np.array_equal(ours.view("i8"), theirs.view("i8"))


def test_long_timedelta():
    x = np.arange(10_000).astype("m8[ms]")
    x[5000] = "NaT"
    assert np.array_equal(cumsum.cumsum(x, 0).view("i8"), np.cumsum(x).view("i8"))


@pytest.mark.parametrize("dtype", ["g", "G"])
def test_longdouble(dtype):
    x = np.linspace(-1, 2, 9000).astype(dtype) / 3
    ours, theirs = cumsum.cumsum(x, 0), np.cumsum(x)
    assert ours.dtype == theirs.dtype
    assert np.allclose(ours, theirs, rtol=1e-15, atol=1e-15)
    exact = np.longdouble(10) ** 27  # which no double is
    for initial in (10**27, [10**27]):
        first = cumsum.cumsum(x[:1], 0, initial=initial, exclusive=True)
        assert first[0] == exact.astype(dtype)


@pytest.mark.parametrize(
    "numbers",
    [
        [Decimal("0.1"), Decimal("0.2"), Decimal("0.3")],
        [Fraction(1, 3), Fraction(1, 6), Fraction(1, 2)],
        [2**70, 1, -(2**70)],
        ["a", "b", "c"],
        [[1], [2], [3]],
    ],
    ids=lambda numbers: type(numbers[0]).__name__,
)
def test_objects(numbers):
    x = np.empty(3, object)
    x[:] = numbers
    ours, theirs = cumsum.cumsum(x, 0), np.cumsum(x)
    assert ours.dtype == object
    assert ours.tolist() == theirs.tolist()
    grid = np.stack([x, x[::-1]])
    assert cumsum.cumsum(grid, 0).tolist() == np.cumsum(grid, 0).tolist()


def test_objects_without_a_sum():
    with pytest.raises(TypeError, match="unsupported operand"):
        cumsum.cumsum(np.array([None, None]), 0)


def test_objects_from_and_to_numbers():
    x = np.array([1, 2, 3], object)
    check(cumsum.cumsum(x, 0, dtype=float), np.cumsum(x, dtype=float))
    ours = cumsum.cumsum(np.array([1.5, 2.0]), 0, dtype=object)
    assert ours.dtype == object
    assert ours.tolist() == [1.5, 3.5]
    check(cumsum.cumsum(np.array([], object), 0), np.cumsum(np.array([], object)))


@pytest.mark.parametrize(
    "x",
    [
        np.array(["2020"], "M8[s]"),
        np.array(["a", "b"]),
        np.array([b"a", b"b"]),
        np.zeros(2, [("a", "i4")]),
        np.zeros(2, "V3"),
    ],
    ids=lambda x: str(x.dtype),
)
def test_what_has_no_sum(x):
    with pytest.raises(TypeError):
        np.cumsum(x)
    spellings = (str(x.dtype).lstrip("|"), x.dtype.str, x.dtype.name)
    with pytest.raises(TypeError, match="|".join(map(re.escape, spellings))):
        cumsum.cumsum(x, 0)


@pytest.mark.parametrize(
    "dtype",
    [
        np.dtypes.StringDType(),
        np.dtype(ml_dtypes.int4),
        np.dtype(ml_dtypes.uint4),
        np.dtype(ml_dtypes.float8_e4m3fn),
        np.dtype(ml_dtypes.float8_e5m2),
    ],
    ids=lambda dtype: dtype.name,
)
def test_unusual_dtypes_are_summed_or_named(dtype):
    x = np.array([1, 2, 1]).astype(dtype)
    try:
        result = cumsum.cumsum(x, 0)
    except TypeError as refusal:
        assert dtype.name.split("(")[0] in str(refusal)  # noqa: PT017
    else:
        check(result, np.cumsum(x))


def test_bfloat16():
    x = SMALL.astype(ml_dtypes.bfloat16)
    check(cumsum.cumsum(x, 1), np.cumsum(x, 1))
    check(cumsum.cumsum(x, 1, dtype=np.float32), np.cumsum(x, 1, dtype=np.float32))
    check(cumsum.cumsum(SMALL, 1, dtype=x.dtype), np.cumsum(SMALL, 1, dtype=x.dtype))


def test_structured_field():
    table = np.zeros(9, [("flag", "?"), ("amount", "<f8")])
    table["amount"] = range(9)
    check(cumsum.cumsum(table["amount"], 0), np.cumsum(table["amount"]))
