"""overflow= on NumPy arrays: exact sums, which wrap, raise or saturate."""

import re
import warnings

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import cumsum
from cumsum import _core
from orientations import COMBINATIONS, name
from overflowing import INTEGERS, clamped, exact, limits, message, near_the_ends

SHAPES = [((7,), 0), ((3, 20), 1), ((20, 3), 0), ((5, 30, 6), 1), ((300, 70), 0), ((3, 2500), 1)]
LAYOUTS = {
    "C": lambda x: x,
    "F": np.asfortranarray,
    "flipped": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "steps": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "swapped": lambda x: x.astype(x.dtype.newbyteorder()),
    "unaligned": lambda x: np.frombuffer(b"." + x.tobytes(), x.dtype, x.size, 1).reshape(x.shape),
}
every_way = pytest.mark.parametrize("flags", COMBINATIONS, ids=name)


def check(x, axis, dtype, initial=None, layout=LAYOUTS["C"], **flags):
    """Compare both policies with Python's integers."""
    sums = exact(x, axis, 0 if initial is None else initial, **flags)
    view, keywords = layout(x), {"dtype": dtype, "initial": initial} | flags
    saturated = cumsum.cumsum(view, axis, overflow="saturate", **keywords)
    assert saturated.dtype == dtype
    assert np.array_equal(saturated.astype(object), clamped(sums, dtype))
    expected = message(sums, axis, dtype, reverse=flags.get("reverse", False))
    if expected is None:
        result = cumsum.cumsum(view, axis, overflow="raise", **keywords)
        assert np.array_equal(result.astype(object), sums)
    else:
        with pytest.raises(OverflowError, match=re.escape(expected)):
            cumsum.cumsum(view, axis, overflow="raise", **keywords)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("of", INTEGERS)
def test_every_pair_of_dtypes(of, dtype, layout):
    rng = np.random.default_rng(INTEGERS.index(of) + 9 * INTEGERS.index(dtype))
    for i, (shape, axis) in enumerate(SHAPES):
        flags = COMBINATIONS[rng.integers(len(COMBINATIONS))]
        lines = shape[:axis] + shape[axis + 1 :]
        initial = (None, limits(dtype)[1] - 3, near_the_ends(rng, lines, "int64"))[i % 3]
        check(near_the_ends(rng, shape, of), axis, dtype, initial, LAYOUTS[layout], **flags)


@every_way
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_every_way(flags, data):
    of, dtype = data.draw(st.sampled_from(INTEGERS)), data.draw(st.sampled_from(INTEGERS))
    x = data.draw(hnp.arrays(of, hnp.array_shapes(max_dims=3, max_side=6)))
    axis = data.draw(st.integers(0, x.ndim - 1))
    initial = data.draw(st.none() | st.integers(-(2**63), 2**64 - 1) | st.integers(*limits(dtype)))
    check(x, axis, dtype, initial, **flags)


@pytest.mark.parametrize("at", [0, 1, 1023, 1024, 4095, 4096, 70_001, 299_999])
@pytest.mark.parametrize("threads", [1, 3])
def test_one_sum_too_many_on_a_long_line(at, threads):
    x = np.zeros(300_000, np.int64)
    x[:: 2**14], x[1 :: 2**14] = 2**62, -(2**62)
    x[0], x[1] = 2**62, 0
    x[at:] = 0
    x[at] += 2**63 - 1 - sum(map(int, x))
    with cumsum.num_threads(threads):
        check(x, 0, "int64")
        check(x, 0, "int64", 1)
        check(x[::-1].copy(), 0, "int64", 1, reverse=True)
        check(x, 0, "int64", 1, exclusive=True)


@pytest.mark.parametrize("dtype", ["int64", "uint64", "int8"])
def test_results_do_not_depend_on_threads_or_targets(dtype, targets):
    x = near_the_ends(np.random.default_rng(1), (400_000,), dtype)
    before, results = _core.target(), []
    try:
        for target in targets:
            assert _core.choose_target(target)
            for threads in (1, 2, 5):
                for shape, axis in ((-1,), 0), ((200, 2000), 1), ((2000, 200), 0):
                    view = x.reshape(shape) if axis or len(shape) == 1 else x.reshape(200, 2000).T
                    with cumsum.num_threads(threads):
                        y = cumsum.cumsum(view, axis, dtype=dtype, overflow="saturate")
                    results.append((y if axis or len(shape) == 1 else y.T).ravel())
    finally:
        _core.choose_target(before)
    sums = clamped(exact(x[:3000], 0), dtype)
    for y in results[::3]:
        assert np.array_equal(y, results[0])
        assert np.array_equal(y[:3000].astype(object), sums)
    for y in results[1::3] + results[2::3]:
        assert np.array_equal(y, results[1])


def test_elements_count_as_they_are():
    x = np.array([2**40, -(2**40), 5])
    assert cumsum.cumsum(x, 0, dtype="int32", overflow="saturate").tolist() == [2**31 - 1, 0, 5]
    assert cumsum.cumsum(x, 0, dtype="int32", overflow="wrap").tolist() == [0, 0, 5]
    with pytest.raises(OverflowError, match=r"index \(0,\) is 1099511627776, but int32 holds"):
        cumsum.cumsum(x, 0, dtype="int32", overflow="raise")


def test_true_is_one():
    x = np.array([False, True, False, True])
    saturated = cumsum.cumsum(x, 0, dtype=bool, overflow="saturate")
    assert saturated.tolist() == [False, True, True, True]
    with pytest.raises(OverflowError, match=r"index \(3,\) is 2, but bool holds 0 to 1"):
        cumsum.cumsum(x, 0, dtype=bool, overflow="raise")
    assert cumsum.cumsum(np.array([1, -1]), 0, dtype=bool, overflow="raise").tolist() == [1, 0]


@pytest.mark.parametrize("of", ["float16", "float32", "float64", "longdouble"])
def test_fractions_lose_what_follows_the_point(of):
    x = np.array([1.75, -2.5, 300], of)
    assert cumsum.cumsum(x, 0, dtype="int8", overflow="saturate").tolist() == [1, -1, 127]
    for bad in (np.nan, np.inf, -np.inf):
        with pytest.raises(OverflowError, match="nan, infinite or beyond 64 bits"):
            cumsum.cumsum(np.array([1, bad], of), 0, dtype="int64", overflow="saturate")


@every_way
def test_empty_and_single(flags):
    for shape, axis in ((0,), 0), ((3, 0), 0), ((3, 0), 1), ((0, 3), 1), ((1,), 0), ((3, 1), 1):
        x = np.full(shape, 100, np.int8)
        check(x, axis, "int8", **flags)
        check(x, axis, "int8", 100, **flags)
    check(np.array([100]), 0, "int8", 100, **flags)


def test_numbers():
    x = np.array(300)
    assert cumsum.cumsum(x, 0, dtype="uint8", overflow="saturate").tolist() == [255]
    with pytest.raises(OverflowError, match=r"index \(0,\) is 300"):
        cumsum.cumsum(x, 0, dtype="uint8", overflow="raise")
    y = np.array(200, np.uint8)
    assert cumsum.cumsum_(y, 0, initial=100, overflow="saturate") is y
    assert y == 255


@pytest.mark.parametrize("overflow", ["raise", "saturate"])
def test_out_and_in_place(overflow):
    x = np.arange(24, dtype=np.int16).reshape(4, 6)
    expected = np.cumsum(x, 1, dtype=np.int16)
    out = np.empty((4, 6), np.int16)
    assert cumsum.cumsum(x, 1, out=out, overflow=overflow) is out  # sums are of out's dtype
    assert np.array_equal(out, expected)
    swapped = np.empty((4, 6), ">i2")
    cumsum.cumsum(x, 1, out=swapped, overflow=overflow)
    assert np.array_equal(swapped, expected)
    part = np.zeros((4, 12), np.int16)[:, ::2]
    part[...] = x
    assert cumsum.cumsum_(part, -1, overflow=overflow) is part
    assert np.array_equal(part, expected)


@every_way
def test_an_error_writes_nothing(flags):
    x = np.full((3, 5000), 100, np.int16)
    x[2] = 7000
    before = x.copy()
    out = np.full((3, 5000 + flags["include_initial"]), 5, np.int16)
    with pytest.raises(OverflowError, match=r"index \(0, "):
        cumsum.cumsum(x, 1, out=out, overflow="raise", **flags)
    assert np.all(out == 5)
    if not flags["include_initial"]:
        ways = {name: flags[name] for name in ("exclusive", "reverse")}
        with pytest.raises(OverflowError, match=r"index \(0, "):
            cumsum.cumsum_(x, 1, overflow="raise", **ways)
    with pytest.raises(OverflowError, match="index"):
        cumsum.cumsum(x[:, :-1], 1, out=x[:, 1:], overflow="raise", exclusive=True)
    assert np.array_equal(x, before)


def test_saturated_in_place():
    x = near_the_ends(np.random.default_rng(3), (60, 5000), "int8")
    for axis in (0, 1):
        y = x.copy()
        expected = cumsum.cumsum(x, axis, dtype="int8", overflow="saturate")
        assert np.array_equal(cumsum.cumsum_(y, axis, overflow="saturate"), expected)


def test_flattened_and_masked():
    x = np.full((2, 3), 100, np.uint8)
    result = cumsum.cumsum(x, None, dtype="uint8", overflow="saturate")
    assert result.tolist() == [100, 200, 255, 255, 255, 255]
    masked = np.ma.array(x, mask=[[0, 1, 0], [0, 0, 1]])
    result = cumsum.cumsum(masked, 1, dtype="uint8", overflow="raise")
    assert result.data.tolist() == [[100, 100, 200], [100, 200, 200]]
    assert result.mask.tolist() == masked.mask.tolist()


def test_wrap_is_the_default():
    x = np.array([2**63 - 1, 1, 1])
    for overflow in (None, "wrap"):
        assert np.array_equal(cumsum.cumsum(x, 0, overflow=overflow), np.cumsum(x))
    assert cumsum.cumsum(np.ones(2), 0, overflow="wrap").tolist() == [1, 2]


def test_where_no_element_can_lead_out_sums_are_plain():
    x = np.full((3, 50), -128, np.int8)
    for overflow in ("raise", "saturate"):
        assert np.array_equal(cumsum.cumsum(x, 1, overflow=overflow), np.cumsum(x, 1))
        first = cumsum.cumsum(x, 1, overflow=overflow, initial=np.arange(3), exclusive=True)
        assert first[:, -1].tolist() == [-128 * 49 + i for i in range(3)]


BAD = {
    "float": ({"dtype": "float32"}, ValueError, "for results that are integers, not float32"),
    "complex": ({"dtype": complex}, ValueError, "for results that are integers, not complex128"),
    "decay": ({"decay": 2}, NotImplementedError, "not available together with decay"),
    "out": (
        {"dtype": "int8", "out": np.empty(3, "i8")},
        ValueError,
        "out must have the dtype int8",
    ),
    "float out": ({"out": np.empty(3)}, ValueError, "for results that are integers, not float64"),
    "policy": ({"overflow": "clip"}, ValueError, "overflow is 'clip', but must be one of"),
    "kind of initial": ({"initial": 0.5}, TypeError, "initial of float64 cannot be a sum of"),
    "kind of a long initial": ({"initial": [2**70, 0.5, 0]}, TypeError, "initial of object"),
}


@pytest.mark.parametrize("case", BAD)
def test_errors(case):
    keywords, error, text = BAD[case]
    with pytest.raises(error, match=text):
        cumsum.cumsum(np.arange(3), 0, **{"overflow": "raise"} | keywords)


def test_elements_that_are_no_integers():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
        with pytest.raises(ValueError, match="not for elements of complex128"):
            cumsum.cumsum(np.ones(3, complex), 0, dtype=int, overflow="raise")
    for x in (np.ones(3, object), np.ones(3)):
        with pytest.raises(
            ValueError, match="overflow='saturate' is for results that are integers"
        ):
            cumsum.cumsum(x, 0, overflow="saturate")


def test_initial_beyond_64_bits():
    x = np.array([-(2**62)] * 8)
    for first in (2**64, np.array(2**64, object)):
        sums = cumsum.cumsum(x, 0, initial=first, overflow="saturate", include_initial=True)
        exact = [2**64 - k * 2**62 for k in range(9)]
        assert sums.tolist() == [max(-(2**63), min(sum_, 2**63 - 1)) for sum_ in exact]
        with pytest.raises(OverflowError, match=rf"index \(0,\) is {2**64 - 2**62}, but int64"):
            cumsum.cumsum(x, 0, initial=first, overflow="raise")
    for first in (10**30, 10**5000):
        assert cumsum.cumsum(x, 0, initial=first, overflow="saturate").tolist() == [2**63 - 1] * 8
        assert cumsum.cumsum(x, 0, initial=-first, overflow="saturate").tolist() == [-(2**63)] * 8


@pytest.mark.parametrize("first", [300, np.array([300]), [300], -129])
def test_initial_that_the_dtype_cannot_hold(first):
    with pytest.raises(OverflowError, match=r"initial is -?\d+, but int8 holds -128 to 127"):
        cumsum.cumsum(np.ones(3, np.int8), 0, dtype=np.int8, initial=first)


def test_errors_name_the_place_among_lines_that_are_cut_differently():
    x = np.array([[0, 0, 0], [2**62, 2**62, 0]])
    starts = np.zeros(x.shape, bool)
    for values in (x, x.view("m8[s]")):
        with pytest.raises(OverflowError, match=r"index \(1, 1\) is 9223372036854775808"):
            cumsum.cumsum(values, 1, reset=starts, overflow="raise")
        with pytest.raises(OverflowError, match=r"index \(1, 0\)"):
            cumsum.cumsum(values, 1, reset=starts, overflow="raise", reverse=True)


def test_floats_of_sixteen_bits_are_cut_at_the_point():
    for dtype in (np.float16, ml_dtypes.bfloat16):
        x = np.array([100.5, 100], dtype)
        assert cumsum.cumsum(x, 0, dtype=np.int8, overflow="saturate").tolist() == [100, 127]
