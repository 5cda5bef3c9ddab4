"""NumPy arrays follow NumPy's conventions: each case is compared with numpy.cumsum itself."""

import numpy as np
import pytest

import cumsum

CODES = "?bBhHiIlLqQefdgFDG"
SMALL = np.array([[1, 0, 2, 1], [0, 1, 1, 3], [2, 2, 0, 1]])


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
    "dtype",
    ["nope", pytest.param(object(), id="object"), 1.5, "M8[s]", "U3", "V8", [("a", "i4")]],
    ids=repr,
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

    @pytest.mark.parametrize("axis", [1.0, "a", True, np.float64(1)], ids=repr)
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
