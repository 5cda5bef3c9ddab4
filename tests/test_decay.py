"""decay= on arrays: values, bits, bounds and errors."""

from fractions import Fraction
from functools import partial

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cumsum
from cumsum import _core
from decays import decayed, discounted_left, discounted_right, gated, kinds_of, same_bits
from orientations import COMBINATIONS, name

SHAPES = (
    ((), 0),
    ((0,), 0),
    ((1,), 0),
    ((7,), 0),
    ((8,), 0),
    ((101,), 0),
    ((9001,), 0),
    ((3, 50), 1),
    ((50, 3), 0),
    ((300, 21), 0),
    ((4, 0, 3), 0),
    ((4, 0, 3), 1),
    ((4, 30, 6), 1),
    ((2, 3, 2, 40, 3, 2), 3),
)
LONG = (((300_001,), 0), ((150_001, 2), 0), ((2, 100_001), 1), ((999, 300), 0))
LAYOUTS = {
    "contiguous": np.ascontiguousarray,
    "transposed": np.asfortranarray,
    "backwards": lambda x: np.ascontiguousarray(x[::-1])[::-1] if x.ndim else x,
    "every second": lambda x: np.repeat(x, 2, -1)[..., ::2] if x.ndim else x,
    "offset": lambda x: np.concatenate((x[:1], x))[1:] if x.ndim else x,
}
FLOATS = ("float16", "bfloat16", "float32", "float64", "longdouble")
COMPLEX = ("complex64", "complex128", "clongdouble")
every_way = pytest.mark.parametrize("flags", COMBINATIONS, ids=name)


def dtype_of(text):
    return np.dtype(getattr(ml_dtypes, text) if text == "bfloat16" else text)


def numbers(shape, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    return np.asarray(x).astype(dtype)


def lines_of(shape, axis):
    return (*shape[:axis], *shape[axis + 1 :])


def bound(x, decay, axis, initial, dtype, **flags):
    """What docs/decay.md promises, with the number of operations of the whole line for each."""
    n = x.shape[axis] if x.ndim else 1
    eps = np.longdouble(2) ** (-64 if dtype == np.longdouble else -53)
    magnitude = decayed(abs(x), abs(decay), axis, abs(np.asarray(initial)), **flags)
    operations = min(n + 1028, 2 * n + 5) + n // 4096 if dtype != np.longdouble else 2 * n + 1
    return 2.1 * operations * eps * magnitude  # the reference has rounded as well


@pytest.mark.parametrize("gamma", [0.0, 0.5, 0.99, 1.0, -0.7])
def test_definitions_of_others(gamma):
    x = numbers((3, 70))
    gates = np.random.default_rng(1).uniform(size=x.shape)
    close = {"rtol": 1e-12, "atol": 1e-12}
    assert np.allclose(cumsum.cumsum(x, -1, decay=gamma), discounted_left(x, gamma), **close)
    right = cumsum.cumsum(x, -1, decay=gamma, reverse=True)
    assert np.allclose(right, discounted_right(x, gamma), **close)
    assert np.allclose(cumsum.cumsum(x, -1, decay=gates), gated(gates, x), **close)


@every_way
def test_values(flags):
    for shape, axis in SHAPES:
        line = shape or (1,)
        x = numbers(line)
        first = numbers(lines_of(line, axis), seed=1)
        for decay in kinds_of(line, axis, np.random.default_rng(2)).values():
            for initial in (None, 2, first):
                start = 0 if initial is None else initial
                wide = x.astype(np.longdouble)
                expected = decayed(wide, decay, axis, start, **flags)
                given_x = x.reshape(shape) if flags["include_initial"] is False else x
                result = cumsum.cumsum(given_x, axis, decay=decay, initial=initial, **flags)
                error = abs(result.reshape(expected.shape) - expected)
                allowed = bound(wide, np.abs(decay), axis, start, x.dtype, **flags)
                assert np.all(error <= allowed)


@pytest.mark.parametrize("dtype", FLOATS + COMPLEX)
@pytest.mark.parametrize("reverse", [False, True])
def test_dtypes(dtype, reverse):
    for shape, axis in SHAPES[2:]:
        x = numbers(shape, "complex128" if dtype in COMPLEX else "float64")
        x = x.astype(dtype_of(dtype))
        wide = x.astype("clongdouble" if dtype in COMPLEX else "longdouble")
        kinds = kinds_of(shape, axis, np.random.default_rng(2))
        decays = [kinds[kind] for kind in ("number", "lines", "steps", "each", "some tiny")]
        decays += [np.asarray(d).astype(x.dtype) for d in decays[:4]]
        if dtype in COMPLEX:
            decays += [0.6 + 0.7j, numbers(shape, "complex128", 5) / 3]
        for decay in decays:
            stored = np.asarray(decay)
            stored = stored.astype("clongdouble" if stored.dtype.kind == "c" else "longdouble")
            expected = decayed(wide, stored, axis, reverse=reverse)
            result = cumsum.cumsum(x, axis, decay=decay, reverse=reverse)
            assert result.dtype == x.dtype
            scale = decayed(abs(wide), abs(stored), axis, reverse=reverse)
            finfo = ml_dtypes.finfo(x.real.dtype)
            single = np.longdouble(finfo.eps) * np.maximum(abs(expected), finfo.smallest_normal)
            allowed = 1.01 * single + 4 * (shape[axis] + 5) * np.longdouble(2) ** -53 * scale
            assert np.all(abs(result.astype(wide.dtype) - expected) <= allowed)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_narrow_results_are_rounded_once(dtype):
    x = numbers((3, 5000)).astype(dtype_of(dtype))
    decay = np.random.default_rng(3).uniform(0.5, 1, x.shape)
    wide = cumsum.cumsum(x.astype(np.float64), 1, decay=decay)
    rounded = wide.astype(np.float32).astype(x.dtype)
    assert same_bits(cumsum.cumsum(x, 1, decay=decay), rounded)


def test_a_number_is_not_rounded_to_the_dtype_of_the_result():
    x = np.ones(2, np.float16)
    y = cumsum.cumsum(x, 0, decay=0.99, dtype=np.float64)
    assert np.array_equal(y, [1, 1.99])
    wide = cumsum.cumsum(np.full(4000, 1, ml_dtypes.bfloat16), 0, decay=0.99)
    assert abs(float(wide[-1]) - 100) < 0.5  # with bfloat16's own 0.988 it would be 85


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
@pytest.mark.parametrize("flags", COMBINATIONS[::3], ids=name)
def test_bits_do_not_depend_on_layout_or_threads(dtype, flags):
    for shape, axis in (*SHAPES[2:], *LONG):
        x = numbers(shape, dtype)
        initial = numbers(lines_of(shape, axis), dtype, 1)
        for label, decay in kinds_of(shape, axis, np.random.default_rng(2)).items():
            if shape in dict(LONG) and label not in ("number", "lines", "some tiny"):
                continue
            known = {"initial": initial, **flags}
            whole = cumsum.cumsum(x, axis, decay=decay, **known)
            full = np.broadcast_to(np.asarray(decay, np.float64), shape).copy()
            for layout in LAYOUTS.values():
                for threads in (1, 2, 3):
                    with cumsum.num_threads(threads):
                        result = cumsum.cumsum(layout(x), axis, decay=layout(full), **known)
                    assert same_bits(np.ascontiguousarray(result), whole)
            assert same_bits(cumsum.cumsum(x, axis, decay=full, **known), whole)


@pytest.mark.parametrize("shape", [(20_001,), (40, 300), (9001, 3)])
def test_bits_do_not_depend_on_the_instruction_set(shape, targets):
    scans = []
    for dtype in ("float16", "bfloat16", "float32", "float64", "complex128"):
        x = numbers(shape, "complex128" if dtype == "complex128" else "float64")
        x = x.astype(dtype_of(dtype))
        for axis in range(len(shape)):
            kinds = kinds_of(shape, axis, np.random.default_rng(2))
            scans += [partial(cumsum.cumsum, x, axis, decay=decay) for decay in kinds.values()]
    before = _core.target()
    found = []
    try:
        for target in targets:
            assert _core.choose_target(target)
            found.append([scan().tobytes() for scan in scans])
    finally:
        _core.choose_target(before)
    assert all(results == found[0] for results in found)


def test_the_start_of_a_result_is_the_result_of_the_start():
    x = numbers((9000,))
    for decay in kinds_of(x.shape, 0, np.random.default_rng(2)).values():
        whole = cumsum.cumsum(x, 0, decay=decay)
        for k in (*range(1, 20), 4095, 4096, 4097, 8193):
            part = decay[:k] if np.size(decay) > 1 else decay
            assert same_bits(cumsum.cumsum(x[:k], 0, decay=part), whole[:k])


def test_bits_do_not_depend_on_the_neighbours():
    x = numbers((5, 5000))
    decay = np.random.default_rng(1).uniform(size=x.shape)
    whole = cumsum.cumsum(x, 1, decay=decay)
    columns = cumsum.cumsum(np.ascontiguousarray(x.T), 0, decay=decay.T)
    assert same_bits(np.ascontiguousarray(columns.T), whole)
    for row, by, y in zip(x, decay, whole, strict=True):
        assert same_bits(cumsum.cumsum(row, 0, decay=by), y)


def test_with_one_it_is_the_plain_sum():
    x = numbers((3, 5000), np.float32)
    ours, plain = cumsum.cumsum(x, 1, decay=1.0), cumsum.cumsum(x, 1)
    assert np.allclose(ours, plain, rtol=2e-7, atol=1e-5)
    whole = np.arange(-50.0, 5000)
    assert same_bits(cumsum.cumsum(whole, 0, decay=1), cumsum.cumsum(whole, 0))


ODD_TERMS = st.sampled_from([0.0, 1.0, -2.0, np.inf, -np.inf, np.nan])
ODD_DECAYS = st.sampled_from([0.0, 0.5, -1.0, 1.0, 2.0, 1e-200, 1e200, np.inf, -np.inf, np.nan])
PAIRS = st.tuples(st.sampled_from([1.0, 0.0]) | ODD_TERMS, st.just(0.5) | ODD_DECAYS)


@given(st.lists(PAIRS, min_size=1, max_size=40), st.integers(1, 9))
def test_infinities_and_nans_are_those_of_the_loop(pairs, lines):
    x, decay = np.array(pairs).T
    with np.errstate(all="ignore"):
        expected = decayed(x, decay, 0)
        sizes = decayed(np.abs(x), np.abs(decay), 0)
    rows = cumsum.cumsum(x, 0, decay=decay)
    columns = cumsum.cumsum(np.tile(x[:, None], lines), 0, decay=np.tile(decay[:, None], lines))
    assert same_bits(np.ascontiguousarray(columns[:, -1]), rows)
    finite = np.isfinite(expected)
    assert np.array_equal(rows[~finite], expected[~finite], equal_nan=True)
    assert not (np.abs(rows[finite] - expected[finite]) > 1e-12 * sizes[finite]).any()


@pytest.mark.parametrize("decay", [0.5, 0.999, -0.9, 1.0, 1.5, 1e-30, 0.0, 1e-300])
@pytest.mark.parametrize("threads", [1, 2])
def test_infinities_and_nans_in_long_lines(decay, threads):
    special = {5: np.inf, 40_000: -np.inf, 70_000: np.nan}
    for places in ([5], [40_000], [5, 40_000], [70_000], []):
        x = numbers((100_001,))
        for place in places:
            x[place] = special[place]
        with np.errstate(all="ignore"), cumsum.num_threads(threads):
            expected = decayed(x, decay, 0)
            result = cumsum.cumsum(x, 0, decay=decay)
        assert np.array_equal(np.isnan(result), np.isnan(expected))
        infinite = np.isinf(expected)
        assert np.array_equal(result[infinite], expected[infinite])


def test_growth_and_decline_beyond_the_range_of_a_product():
    x = np.zeros(20_000)
    x[0] = 1e-300
    decay = np.full(x.shape, 1.2)
    decay[5000:] = 1 / 1.2
    decay[10_000:] = 1
    expected = decayed(x, decay, 0)
    assert np.isfinite(expected).all()
    assert np.allclose(cumsum.cumsum(x, 0, decay=decay), expected, rtol=1e-11, atol=0)
    decay = np.where(np.arange(20_000) % 2, 1e-150, 1e150)
    assert np.allclose(cumsum.cumsum(x, 0, decay=decay), decayed(x, decay, 0), rtol=1e-9)


@given(
    st.lists(
        st.tuples(st.floats(-1e3, 1e3, width=32), st.floats(-1.5, 1.5, width=16)),
        min_size=1,
        max_size=40,
    ),
    st.floats(-1e3, 1e3, width=32),
)
def test_within_the_bound_of_exact_fractions(pairs, initial):
    x, decay = (np.array(part) for part in zip(*pairs, strict=True))
    result = cumsum.cumsum(x, 0, decay=decay, initial=initial)
    total, magnitude = Fraction(initial), abs(Fraction(initial))
    for i, (term, by) in enumerate(pairs):
        total = Fraction(by) * total + Fraction(term)
        magnitude = abs(Fraction(by)) * magnitude + abs(Fraction(term))
        operations = 2 * i + 5
        allowed = magnitude * operations / (2**53 - operations) + Fraction(2) ** -1000
        assert abs(Fraction(float(result[i])) - total) <= allowed


@every_way
def test_out_and_in_place(flags):
    x = np.arange(1.0, 13).reshape(3, 4)
    decay = np.array([[0.5], [0.25], [2.0]])
    expected = decayed(x, decay, 1, 8, **flags)
    for dtype in (np.float64, np.float32):
        out = np.empty(expected.shape, dtype)
        assert cumsum.cumsum(x, 1, decay=decay, initial=8, out=out, **flags) is out
        assert np.array_equal(out, expected)
    whole = np.zeros((3, 5))
    part = whole[:, :-1] if flags["reverse"] else whole[:, 1:]
    part[...] = x
    target = whole if flags["include_initial"] else part
    cumsum.cumsum(part, 1, decay=decay, initial=8, out=target, **flags)
    assert np.array_equal(target, expected)
    if not flags["include_initial"]:
        flags = {key: flags[key] for key in ("exclusive", "reverse")}
        assert cumsum.cumsum_(x, 1, decay=decay, initial=8, **flags) is x
        assert np.array_equal(x, expected)


def test_decay_may_lie_where_the_result_goes():
    x, decay = np.ones((2, 300)), np.full((2, 300), 0.5)
    expected = decayed(x, decay, 1)
    cumsum.cumsum(x, 1, decay=decay, out=decay)
    assert np.allclose(decay, expected)


def test_integers_with_a_dtype():
    x = np.array([4, 2, 1])
    result = cumsum.cumsum(x, 0, decay=0.5, dtype=np.float32)
    assert (result.dtype, result.tolist()) == (np.float32, [4, 4, 3])
    assert cumsum.cumsum(x.astype(float), 0, decay=np.array([1, 0, 1])).tolist() == [4, 2, 3]


def test_flattened_and_masked():
    x = np.array([[4.0, 2.0], [1.0, 0.0]])
    assert cumsum.cumsum(x, None, decay=0.5).tolist() == [4, 4, 3, 1.5]
    masked = np.ma.array(x, mask=[[0, 1], [0, 0]])
    result = cumsum.cumsum(masked, 1, decay=0.5)
    assert result.data.tolist() == [[4, 2], [1, 0.5]]
    assert result.mask.tolist() == masked.mask.tolist()


BAD = {
    "integers": ({"x": np.arange(3)}, TypeError, "floating or complex dtype, not int64"),
    "objects": ({"x": np.array([1, 2, 3], object)}, TypeError, "not object"),
    "durations": ({"x": np.zeros(3, "m8[s]")}, TypeError, "not timedelta64"),
    "complex decay": ({"decay": 1j}, TypeError, "decay of complex128 cannot act on sums of"),
    "text": ({"decay": "fast"}, TypeError, "decay of <U4 cannot act"),
    "shape": ({"decay": np.ones(2)}, ValueError, r"decay has shape \(2,\), which does not"),
    "more dims": ({"decay": np.ones((2, 3))}, ValueError, "does not broadcast"),
    "compensated": ({"precision": "compensated"}, NotImplementedError, "with decay"),
}


@pytest.mark.parametrize("case", BAD)
def test_errors(case):
    keywords, error, message = BAD[case]
    keywords = {"x": np.ones(3), "decay": 0.5, "out": None} | keywords
    x, out = keywords.pop("x"), np.full(3, 7.0)
    keywords["out"] = out if x.dtype == np.float64 else None
    with pytest.raises(error, match=message):
        cumsum.cumsum(x, 0, **keywords)
    assert out.tolist() == [7] * 3


@pytest.mark.parametrize("threads", [7, 16])
def test_more_threads_than_processors(threads):
    for shape, axis in LONG:
        x = numbers(shape, np.float32)
        each = np.random.default_rng(4).uniform(0, 1, shape)
        for decay in (0.99, each):
            whole = cumsum.cumsum(x, axis, decay=decay)
            for _ in range(3):
                with cumsum.num_threads(threads):
                    assert same_bits(cumsum.cumsum(x, axis, decay=decay), whole)
                    assert same_bits(cumsum.cumsum_(x.copy(), axis, decay=decay), whole)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64"])
def test_nothing_is_written_beside_the_result(dtype):
    for rows in (1, 3, 8, 9, 17):
        for columns in (1, 2, 3, 7, 8, 13, 33):
            x = numbers((rows, columns), dtype)
            for axis in (0, 1):
                whole = np.full((rows + 2, columns + 2), 7, dtype)
                inner = whole[1:-1, 1:-1]
                for decay in (0.5, np.full(x.shape, 0.5, x.real.dtype)):
                    cumsum.cumsum(x, axis, decay=decay, out=inner)
                    assert np.allclose(inner, decayed(x, 0.5, axis), rtol=1e-2, atol=1e-2)
                inner[...] = 7
                assert np.all(whole == 7)


def loop(x, decay, axis, reverse):
    """A plain loop in float64, whose zeros have the signs that are right."""
    rows = np.moveaxis(x.astype(np.float64), axis, 0)
    decays = np.moveaxis(np.broadcast_to(decay, x.shape).astype(np.float64), axis, 0)
    y, total = np.empty_like(rows), np.zeros(rows.shape[1:])
    for i in reversed(range(len(rows))) if reverse else range(len(rows)):
        y[i] = total = decays[i] * total + rows[i]
    if x.itemsize == 2:
        y = y.astype(np.float32)
    return np.moveaxis(y, 0, axis).astype(x.dtype)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(8, 16), (5, 23), (3, 9000), (9000, 3), (40, 300)], ids=str)
def test_zeros_have_the_signs_of_a_plain_loop(shape, dtype, reverse):
    rng = np.random.default_rng(0)
    for share, sizes in (
        (0.7, [0.0, -0.0, 1, -1]),
        (0.999, [1, -1, 0.5, -0.0]),
        (1, [-1, 1, 1e-60]),
    ):
        x = np.where(rng.random(shape) < share, -0.0, 1.0)
        x = np.where(rng.random(shape) < 0.2, 0.0, x).astype(dtype_of(dtype))
        each = rng.choice(sizes, shape)
        for decay in (each, each.astype(x.dtype), sizes[1], each[:1], each[:, :1]):
            for axis in (0, 1):
                expected = loop(x, np.asarray(decay), axis, reverse).tobytes()
                for layout in (x, np.asfortranarray(x), np.repeat(x, 2, 1)[:, ::2]):
                    for threads in (1, 3):
                        with cumsum.num_threads(threads):
                            found = cumsum.cumsum(layout, axis, decay=decay, reverse=reverse)
                        assert np.ascontiguousarray(found).tobytes() == expected


def test_zeros_of_a_line_that_is_shared_out():
    """Their signs go from tile to tile, and from block to block."""
    rng = np.random.default_rng(1)
    x = np.where(rng.random((1, 300_000)) < 0.9999, -0.0, 0.0)
    x[:, 4095::4096] = -0.0
    decay = np.where(rng.random(x.shape) < 0.001, -1.0, 1.0)
    expected = loop(x, decay, 1, reverse=False).tobytes()
    for threads in (1, 2, 5):
        for layout in (x, np.repeat(x, 2, 1)[:, ::2], x.copy()):
            with cumsum.num_threads(threads):
                assert cumsum.cumsum(layout, 1, decay=decay).tobytes() == expected
                assert cumsum.cumsum_(layout.copy(), 1, decay=decay).tobytes() == expected


def test_initial_values_at_odd_addresses():
    x, decay = np.ones((4, 3)), np.full((4, 1), 0.5)
    raw = np.zeros(3 * 8 + 1, np.uint8)
    initial = raw[1:].view(np.float64)
    initial[...] = [1, 2, 3]
    expected = cumsum.cumsum(x, 0, decay=decay, initial=[1, 2, 3])
    assert np.array_equal(cumsum.cumsum(x, 0, decay=decay, initial=initial), expected)


@pytest.mark.parametrize("exclusive", [False, True])
def test_complex_decays_show_what_is_missing(exclusive):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(4, 300)) + 1j * rng.normal(size=(4, 300))).astype(np.complex64)
    decay = (rng.uniform(0.5, 1, x.shape) * 1j).astype(np.complex128)
    where = rng.random(x.shape) < 0.7
    given = {"decay": decay, "where": where, "exclusive": exclusive}
    y = cumsum.cumsum(x, 1, missing="nan", **given)
    assert np.isnan(y[~where]).all()
    assert np.array_equal(y[where], cumsum.cumsum(x, 1, **given)[where])
