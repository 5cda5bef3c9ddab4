"""NumPy arrays follow NumPy's conventions: each case is compared with numpy.cumsum itself."""

import re
from decimal import Decimal
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

import cumsum

CODES = "?bBhHiIlLqQefdgFDG"
SMALL = np.array([[1, 0, 2, 1], [0, 1, 1, 3], [2, 2, 0, 1]])


class Subclass(np.ndarray):
    """An array subclass that changes nothing."""


def check(ours, theirs):
    """Equal kind, dtype, shape and numbers."""
    assert type(ours) is type(theirs)
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("axis", [0, 1, -1, -2])
def test_result_dtype(code, axis):
    x = SMALL.astype(code)
    check(cumsum.cumsum(x, axis), np.cumsum(x, axis))


@pytest.mark.parametrize("source", CODES)
@pytest.mark.parametrize("target", CODES)
def test_dtype_is_given(source, target):
    x = SMALL.astype(source)
    if np.dtype(source).kind == "c" and np.dtype(target).kind not in "cb":
        with pytest.warns(np.exceptions.ComplexWarning) as theirs:
            wanted = np.cumsum(x, 1, dtype=target)
        with pytest.warns(np.exceptions.ComplexWarning) as ours:
            result = cumsum.cumsum(x, 1, dtype=target)
        assert str(ours[0].message) == str(theirs[0].message)
    else:
        wanted = np.cumsum(x, 1, dtype=target)
        result = cumsum.cumsum(x, 1, dtype=target)
    check(result, wanted)


@pytest.mark.parametrize(
    "target", ["f8", ">f8", "<i2", float, int, bool, complex, np.float16, "int8"]
)
def test_dtype_is_spelled_another_way(target):
    check(cumsum.cumsum(SMALL, 0, dtype=target), np.cumsum(SMALL, 0, dtype=target))


@pytest.mark.parametrize(
    "dtype", ["nope", object(), 1.5, "M8[s]", "U3", "V8", [("a", "i4")]], ids=repr
)
def test_dtype_that_cannot_be_summed(dtype):
    with pytest.raises(TypeError):
        np.cumsum(SMALL, 0, dtype=dtype)
    with pytest.raises(TypeError):
        cumsum.cumsum(SMALL, 0, dtype=dtype)


def test_integers_wrap():
    x = np.array([2**63 - 1, 1, 5])
    check(cumsum.cumsum(x, 0), np.cumsum(x, 0))
    x = np.array([2**64 - 1, 3], np.uint64)
    check(cumsum.cumsum(x, 0), np.cumsum(x, 0))
    x = np.array([100, 100, 100], np.int8)
    check(cumsum.cumsum(x, 0, dtype=np.int8), np.cumsum(x, 0, dtype=np.int8))


def test_elements_are_converted_before_they_are_added():
    x = np.array([0.9, 0.9, -1.9])
    check(cumsum.cumsum(x, 0, dtype=int), np.cumsum(x, 0, dtype=int))
    check(cumsum.cumsum(x, 0, dtype=bool), np.cumsum(x, 0, dtype=bool))


class TestAxis:
    """The axis and its spellings."""

    def test_names(self):
        wanted = np.cumsum(SMALL, 1)
        check(cumsum.cumsum(SMALL, dim=1), wanted)
        check(cumsum.cumsum(SMALL, axis=1), wanted)
        check(cumsum.cumsum(a=SMALL, axis=1), wanted)
        check(cumsum.cumsum(input=SMALL, dim=1), wanted)

    def test_none_flattens(self):
        for x in (SMALL, SMALL.T, SMALL[::-1, ::2], np.array(5), np.zeros((2, 0))):
            check(cumsum.cumsum(x, axis=None), np.cumsum(x, axis=None))
        out = np.zeros(12)
        assert cumsum.cumsum(SMALL, axis=None, out=out) is out
        assert np.array_equal(out, np.cumsum(SMALL))

    def test_it_is_required(self):
        with pytest.raises(TypeError, match=r"dim|axis"):
            cumsum.cumsum(SMALL)

    @pytest.mark.parametrize("axis", [np.int64(1), np.uint8(0), np.array(1)], ids=repr)
    def test_integer_types(self, axis):
        check(cumsum.cumsum(SMALL, axis), np.cumsum(SMALL, axis))

    @pytest.mark.parametrize("axis", [1.0, "a", (0,), [0], True, np.float64(1)], ids=repr)
    def test_other_types(self, axis):
        with pytest.raises(TypeError):
            np.cumsum(SMALL, axis)
        with pytest.raises(TypeError):
            cumsum.cumsum(SMALL, axis)

    @pytest.mark.parametrize("axis", [2, -3, 100, -100])
    def test_out_of_range(self, axis):
        with pytest.raises(np.exceptions.AxisError) as theirs:
            np.cumsum(SMALL, axis)
        with pytest.raises(np.exceptions.AxisError) as ours:
            cumsum.cumsum(SMALL, axis)
        assert str(ours.value) == str(theirs.value)

    @pytest.mark.parametrize("axis", [2**31, 2**40, 2**70, -(2**70)])
    def test_far_out_of_range(self, axis):
        with pytest.raises((ValueError, OverflowError, IndexError)):
            cumsum.cumsum(SMALL, axis)

    @pytest.mark.parametrize("dim", [0, -1])
    def test_no_dimension(self, dim):
        for x in (np.array(5), np.array(2.5, np.float32), np.array(True)):
            check(cumsum.cumsum(x, dim), np.cumsum(x, dim))
        with pytest.raises(np.exceptions.AxisError):
            cumsum.cumsum(np.array(5), 1)

    @pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3), (2, 0, 3)])
    def test_empty(self, shape):
        for axis in range(len(shape)):
            x = np.zeros(shape, np.int8)
            check(cumsum.cumsum(x, axis), np.cumsum(x, axis))

    def test_many_dimensions(self):
        x = np.ones([1] * 62 + [3, 1])
        check(cumsum.cumsum(x, 62), np.cumsum(x, 62))


class TestKinds:
    """Arrays that are not plain numbers in native order."""

    @pytest.mark.parametrize(
        "dtype", [">i2", ">i8", ">u4", ">f2", ">f4", ">f8", ">c8", ">c16", ">g"]
    )
    def test_byte_swapped(self, dtype):
        x = SMALL.astype(dtype)
        for axis in (0, 1):
            check(cumsum.cumsum(x, axis), np.cumsum(x, axis))
        assert cumsum.cumsum_(x, 0) is x
        check(x, np.cumsum(SMALL.astype(dtype), 0).astype(dtype))

    def test_subclasses(self):
        x = SMALL.view(Subclass)
        check(cumsum.cumsum(x, 0), np.cumsum(x, 0))
        record = np.ones(3).view(np.recarray)
        check(cumsum.cumsum(record, 0), np.cumsum(record, 0))
        out = np.zeros((3, 4)).view(Subclass)
        assert cumsum.cumsum(SMALL, 0, out=out) is out

    @pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
    def test_matrix(self):
        x = np.matrix(SMALL)
        for axis in (0, 1, None):
            check(cumsum.cumsum(x, axis=axis), np.cumsum(x, axis=axis))

    def test_masked(self):
        x = np.ma.array(SMALL, mask=SMALL == 2)
        for axis in (0, 1, None):
            ours, theirs = cumsum.cumsum(x, axis=axis), np.cumsum(x, axis=axis)
            check(ours.filled(-1), theirs.filled(-1))
            assert np.array_equal(ours.mask, theirs.mask)

    def test_memmap(self, tmp_path):
        x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", dtype=np.float32, shape=(3, 4))
        x[...] = SMALL
        check(cumsum.cumsum(x, 1), np.cumsum(x, 1))

    def test_read_only_input(self):
        x = SMALL.astype(np.float32)
        x.flags.writeable = False
        result = cumsum.cumsum(x, 1)
        check(result, np.cumsum(x, 1))
        assert result.flags.writeable

    def test_timedelta(self):
        x = np.array([[1, 2], ["NaT", 3], [4, 5]], "m8[s]")
        for axis in (0, 1, None):
            ours, theirs = cumsum.cumsum(x, axis=axis), np.cumsum(x, axis=axis)
            assert ours.dtype == theirs.dtype
            assert np.array_equal(ours.view("i8"), theirs.view("i8"))

    def test_long_timedelta(self):
        x = np.arange(10_000).astype("m8[ms]")
        x[5000] = "NaT"
        assert np.array_equal(cumsum.cumsum(x, 0).view("i8"), np.cumsum(x).view("i8"))

    @pytest.mark.parametrize("dtype", ["g", "G"])
    def test_longdouble(self, dtype):
        x = np.linspace(-1, 2, 9000).astype(dtype) / 3
        ours, theirs = cumsum.cumsum(x, 0), np.cumsum(x)
        assert ours.dtype == theirs.dtype
        assert np.allclose(ours, theirs, rtol=1e-15, atol=1e-15)

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
    def test_objects(self, numbers):
        x = np.empty(3, object)
        x[:] = numbers
        ours, theirs = cumsum.cumsum(x, 0), np.cumsum(x)
        assert ours.dtype == object
        assert ours.tolist() == theirs.tolist()
        grid = np.stack([x, x[::-1]])
        assert cumsum.cumsum(grid, 0).tolist() == np.cumsum(grid, 0).tolist()

    def test_objects_without_a_sum(self):
        with pytest.raises(TypeError, match="unsupported operand"):
            cumsum.cumsum(np.array([None, None]), 0)

    def test_objects_from_and_to_numbers(self):
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
    def test_what_has_no_sum(self, x):
        with pytest.raises(TypeError):
            np.cumsum(x)
        spellings = (str(x.dtype), x.dtype.str, x.dtype.name)
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
    def test_unusual_dtypes_are_summed_or_named(self, dtype):
        x = np.array([1, 2, 1]).astype(dtype)
        try:
            result = cumsum.cumsum(x, 0)
        except TypeError as refusal:
            assert dtype.name.split("(")[0] in str(refusal)  # noqa: PT017
        else:
            check(result, np.cumsum(x))

    def test_bfloat16(self):
        x = SMALL.astype(ml_dtypes.bfloat16)
        check(cumsum.cumsum(x, 1), np.cumsum(x, 1))
        check(cumsum.cumsum(x, 1, dtype=np.float32), np.cumsum(x, 1, dtype=np.float32))
        check(cumsum.cumsum(SMALL, 1, dtype=x.dtype), np.cumsum(SMALL, 1, dtype=x.dtype))

    def test_structured_field(self):
        table = np.zeros(9, [("flag", "?"), ("amount", "<f8")])
        table["amount"] = range(9)
        check(cumsum.cumsum(table["amount"], 0), np.cumsum(table["amount"]))
