"""exclusive=, reverse=, include_initial= and initial= on NumPy arrays."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cumsum
from orientations import COMBINATIONS, loop, name

SHAPES = [((0,), 0), ((1,), 0), ((7,), 0), ((9000,), 0), ((600_000,), 0), ((3, 20), 1)]
SHAPES += [((20, 3), 0), ((4, 0, 3), 1), ((4, 0, 3), 0), ((300, 40), 0), ((40, 300), 1)]
SHAPES += [((5, 30, 6), 1), ((5, 4300, 2), 1), ((4300, 5, 3), 0), ((2, 9000), 1), ((9000, 2), 0)]
DTYPES = ["bool", "int8", "uint8", "int64", "float16", "float32", "float64", "complex64"]
DTYPES += ["complex128", "longdouble"]
LAYOUTS = {
    "C": lambda x: x,
    "F": np.asfortranarray,
    "flipped": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "steps": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
}
every_way = pytest.mark.parametrize("flags", COMBINATIONS, ids=name)


def values(shape, dtype, seed=0):
    """Whole numbers so small that every sum of them is exact."""
    rng = np.random.default_rng(seed)
    return rng.integers(-2, 3, shape).astype(dtype) if shape else np.array(1, dtype)


def lines_of(shape, axis):
    return shape[:axis] + shape[axis + 1 :]


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@every_way
@pytest.mark.parametrize("dtype", DTYPES)
def test_values(dtype, flags):
    for shape, axis in SHAPES:
        if dtype == "float16" and shape[axis] > 600:
            continue  # the loop's own sums would be rounded
        x = values(shape, dtype)
        wide = x.astype(cumsum.cumsum(x[:0].reshape(0), 0).dtype)
        for initial in (None, 3, values(lines_of(shape, axis), wide.dtype, 1)):
            expected = loop(wide, axis, 0 if initial is None else initial, **flags)
            result = cumsum.cumsum(x, axis, initial=initial, **flags)
            assert np.array_equal(result, expected), (shape, axis)
            assert result.dtype == wide.dtype


@every_way
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64"])
def test_bits_are_those_of_the_plain_scan(dtype, flags):
    rng = np.random.default_rng(2)
    for shape, axis in SHAPES:
        x = rng.standard_normal(shape).astype(dtype)
        plain = np.flip(cumsum.cumsum(np.flip(x, axis), axis), axis)
        plain = plain if flags["reverse"] else cumsum.cumsum(x, axis)
        zero = np.zeros((*shape[:axis], 1, *shape[axis + 1 :]), dtype)
        ends = [plain, zero] if flags["reverse"] else [zero, plain]
        whole = np.concatenate(ends, axis)
        cut = slice(1, None) if flags["reverse"] else slice(None, -1)
        shifted = whole[(slice(None),) * axis + (cut,)]
        if flags["include_initial"] and flags["exclusive"]:
            ends = [shifted, zero] if flags["reverse"] else [zero, shifted]
            shifted = np.concatenate(ends, axis)
        expected = shifted if flags["exclusive"] else plain
        if flags["include_initial"] and not flags["exclusive"]:
            expected = whole
        result = cumsum.cumsum(x, axis, **flags)
        assert same_bits(result, expected)
        assert same_bits(cumsum.cumsum(x, axis, initial=0, **flags), expected)


@every_way
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64"])
def test_bits_do_not_depend_on_the_neighbours(dtype, flags):
    rng = np.random.default_rng(3)
    for shape, axis in SHAPES[-6:]:
        x = rng.standard_normal(shape).astype(dtype)
        initial = rng.standard_normal(lines_of(shape, axis)).astype(dtype)
        whole = cumsum.cumsum(x, axis, initial=initial, **flags)
        for layout in LAYOUTS.values():
            for threads in (1, 2):
                with cumsum.num_threads(threads):
                    ways = cumsum.cumsum(layout(x), axis, initial=layout(initial), **flags)
                assert same_bits(np.ascontiguousarray(ways), whole)
        for line in ((0,) * (len(shape) - 1), tuple(n - 1 for n in lines_of(shape, axis))):
            place = (*line[:axis], slice(None), *line[axis:])
            alone = cumsum.cumsum(np.ascontiguousarray(x[place]), 0, initial=initial[line], **flags)
            assert same_bits(alone, np.ascontiguousarray(whole[place]))


@given(
    st.lists(st.floats(-1e3, 1e3, width=32), max_size=40),
    st.floats(-1e3, 1e3, width=32),
    st.sampled_from(COMBINATIONS),
)
def test_close_to_the_exact_sums(elements, initial, flags):
    fractions = np.array([Fraction(e) for e in elements], object)
    result = cumsum.cumsum(np.array(elements, np.float32), 0, initial=initial, **flags)
    carried = sum(map(abs, elements), abs(initial)) * 2.0**-50  # what float64 may lose
    exact = loop(fractions, 0, Fraction(initial), **flags)
    for sum_, true in zip(result.tolist(), exact.tolist(), strict=True):
        assert abs(Fraction(sum_) - true) <= float(np.spacing(np.float32(abs(true)))) + carried


@every_way
def test_compensated(flags):
    x = np.array([1e16, 1.0, -1e16, 2.0])
    result = cumsum.cumsum(x, 0, precision="compensated", initial=3.0, **flags)
    exact = loop(x.astype(np.longdouble), 0, 3.0, **flags)
    assert np.array_equal(result, exact.astype(np.float64))


@every_way
def test_out_and_in_place(flags):
    flags = dict(flags)
    x = np.arange(12.0).reshape(3, 4)
    expected = loop(x, 1, 5, **flags)
    for dtype in (np.float64, np.float32):
        out = np.empty(expected.shape, dtype)
        assert cumsum.cumsum(x, 1, initial=5, out=out, **flags) is out
        assert np.array_equal(out, expected)
    whole = np.zeros((3, 5))
    part = whole[:, :-1] if flags["reverse"] else whole[:, 1:]
    part[...] = x
    target = whole if flags["include_initial"] else part
    cumsum.cumsum(part, 1, initial=5, out=target, **flags)  # the same elements
    assert np.array_equal(target, expected)
    if not flags["include_initial"]:  # which has no place
        del flags["include_initial"]
        assert cumsum.cumsum_(x, 1, initial=5, **flags) is x
        assert np.array_equal(x, expected)


@every_way
@pytest.mark.parametrize("dtype", ["float64", "int64", "complex64"])
def test_many_short_lines(dtype, flags):
    """Their results go past the cache, some lines at a time."""
    x = values((220_000, 10), dtype)
    initial = values(len(x), dtype, 1)
    expected = loop(x, 1, initial, **flags)
    assert np.array_equal(cumsum.cumsum(x, 1, initial=initial, **flags), expected)


def test_initial_may_lie_where_the_result_goes():
    x, out = np.arange(6.0).reshape(2, 3), np.ones((2, 3))
    cumsum.cumsum(x, 1, initial=out[:, 1], out=out)
    assert np.array_equal(out, loop(x, 1, 1))


@every_way
def test_kinds_of_elements_without_kernels(flags):
    x = np.array([3, 1, 2], object)
    assert list(cumsum.cumsum(x, 0, initial=4, **flags)) == list(loop(x, 0, 4, **flags))
    x = np.array([3, 1, 2], "m8[s]")
    assert np.array_equal(cumsum.cumsum(x, 0, **flags), loop(x, 0, 0, **flags))
    x[1] = "NaT"
    assert np.array_equal(
        cumsum.cumsum(x, 0, initial=x[0], **flags), loop(x, 0, x[0], **flags), equal_nan=True
    )


@every_way
def test_masked_arrays(flags):
    x = np.ma.array([[1.0, 2, 3], [4, 5, 6]], mask=[[0, 1, 0], [0, 0, 1]])
    result = cumsum.cumsum(x, 1, **flags)
    assert np.array_equal(result.data, loop(x.filled(0), 1, **flags))
    mask = x.mask
    if flags["include_initial"]:
        first = np.zeros((2, 1), bool)
        mask = np.hstack((mask, first) if flags["reverse"] else (first, mask))
    assert np.array_equal(result.mask, mask)


def test_all_elements_in_one_line():
    x = np.arange(6.0).reshape(2, 3)
    flags = {"reverse": True, "include_initial": True}
    assert np.array_equal(cumsum.cumsum(x, None, **flags), loop(x.ravel(), 0, **flags))
    assert np.array_equal(cumsum.cumsum(np.float64(3)[None].reshape(()), 0, initial=2), [5])


BAD = {
    "flag": ({"reverse": 1}, TypeError, "argument 'reverse' must be bool, not int"),
    "shape of initial": ({"initial": np.ones(4, int)}, ValueError, r"initial has shape \(4,\)"),
    "kind of initial": ({"initial": 0.5}, TypeError, "initial of float64 cannot be a sum of"),
    "size of initial": (
        {"initial": 2**70},
        OverflowError,
        "initial is 1180591620717411303424, but int64",
    ),
    "shape of out": ({"include_initial": True, "out": np.empty((2, 3), int)}, ValueError, "shape"),
    "keyword": ({"inclusive": True}, TypeError, "unexpected keyword argument 'inclusive'"),
}


@pytest.mark.parametrize("case", BAD)
def test_errors(case):
    keywords, error, message = BAD[case]
    with pytest.raises(error, match=message):
        cumsum.cumsum(np.ones((2, 3), np.int64), 1, **keywords)


def test_include_initial_does_not_fit_in_place():
    with pytest.raises(TypeError, match="include_initial"):
        cumsum.cumsum_(np.ones(3), 0, include_initial=True)
