"""The Array API function, for each kind of array that can be given."""

import array_api_strict
import numpy as np
import pytest
import torch

import cumsum

NAMESPACES = (np, torch, array_api_strict)
INTEGERS = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
FLOATS = ("float32", "float64", "complex64", "complex128")

pytestmark = pytest.mark.parametrize("xp", NAMESPACES, ids=lambda xp: xp.__name__)


def array(xp, numbers, dtype="float64"):
    return xp.asarray(numbers, dtype=getattr(xp, dtype))


def check(result, x, wanted, dtype):
    """The same kind of array as `x`, holding the wanted numbers in the wanted dtype."""
    assert type(result) is type(x)
    assert str(result.dtype).rsplit(".", maxsplit=1)[-1] == dtype
    assert tuple(result.shape) == np.shape(wanted)
    assert np.array_equal(np.asarray(result), wanted)


@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS])
def test_dtypes(xp, dtype):
    x = array(xp, [1, 2, 100, 100], dtype)
    wide = "int64" if dtype in INTEGERS else dtype
    check(cumsum.cumulative_sum(x), x, [1, 3, 103, 203], wide)


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_unsigned(xp, dtype):
    x = array(xp, [1, 2, 100, 200], dtype)
    wide = "int64" if xp is torch else "uint64"
    check(cumsum.cumulative_sum(x), x, [1, 3, 103, 303], wide)


@pytest.mark.parametrize("dtype", ["int8", "int32", "float32", "float64", "complex128"])
def test_dtype_is_given(xp, dtype):
    x = array(xp, [[1, 2], [3, 100]], "int16")
    result = cumsum.cumulative_sum(x, axis=1, dtype=getattr(xp, dtype))
    check(result, x, [[1, 3], [3, 103]], dtype)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
@pytest.mark.parametrize("include_initial", [False, True])
def test_axes(xp, axis, include_initial):
    numbers = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    x = array(xp, numbers.tolist())
    wanted = np.cumulative_sum(numbers, axis=axis, include_initial=include_initial)
    result = cumsum.cumulative_sum(x, axis=axis, include_initial=include_initial)
    check(result, x, wanted, "float64")


def test_one_dimension_needs_no_axis(xp):
    x = array(xp, [1, 2, 3])
    check(cumsum.cumulative_sum(x), x, [1, 3, 6], "float64")
    check(cumsum.cumulative_sum(x, include_initial=True), x, [0, 1, 3, 6], "float64")


def test_empty(xp):
    x = array(xp, [])
    check(cumsum.cumulative_sum(x), x, [], "float64")
    check(cumsum.cumulative_sum(x, include_initial=True), x, [0], "float64")
    x = array(xp, np.zeros((2, 0)).tolist())
    check(cumsum.cumulative_sum(x, axis=1, include_initial=True), x, [[0], [0]], "float64")
    check(cumsum.cumulative_sum(x, axis=0, include_initial=True), x, np.zeros((3, 0)), "float64")


def test_large_with_initial(xp):
    numbers = np.random.default_rng(0).standard_normal((3, 9001))
    for axis in (0, 1):
        x = array(xp, numbers.tolist(), "float32")
        result = np.asarray(cumsum.cumulative_sum(x, axis=axis, include_initial=True))
        plain = np.asarray(cumsum.cumulative_sum(x, axis=axis))
        assert not np.take(result, 0, axis).any()
        assert np.array_equal(np.take(result, range(1, result.shape[axis]), axis), plain)


def test_axis_is_required(xp):
    with pytest.raises(ValueError, match="axis"):
        cumsum.cumulative_sum(array(xp, [[1, 2], [3, 4]]))


@pytest.mark.parametrize("axis", [2, -3])
def test_axis_out_of_range(xp, axis):
    with pytest.raises(IndexError, match=str(axis)):
        cumsum.cumulative_sum(array(xp, [[1, 2], [3, 4]]), axis=axis)


def test_no_dimension(xp):
    with pytest.raises(ValueError, match="dimension"):
        cumsum.cumulative_sum(array(xp, 1.0))


def test_input_is_positional(xp):
    with pytest.raises(TypeError):
        cumsum.cumulative_sum(x=array(xp, [1.0]))
    with pytest.raises(TypeError):
        cumsum.cumulative_sum(array(xp, [1.0]), 0)
