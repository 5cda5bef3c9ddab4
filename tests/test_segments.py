"""offsets=, lengths= and reset= on NumPy arrays, and the offsets of lengths."""

import contextlib
import threading
import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cumsum
from segments import SIZES, by_parts, random_offsets, starts_of
from test_orientation import LAYOUTS

DTYPES = ["bool", "int8", "uint8", "int16", "int32", "uint32", "int64", "float16", "float32"]
DTYPES += ["float64", "longdouble", "complex64", "complex128"]
SHAPES = [((0,), 0), ((1,), 0), ((9000,), 0), ((20_000,), 0), ((3, 400), 1), ((400, 3), 0)]
SHAPES += [((400, 2), 0), ((300, 40), 0), ((40, 300), 1), ((5, 60, 6), 1), ((2, 0, 5), 2)]
FLAGS = [{"exclusive": e, "reverse": r} for e in (False, True) for r in (False, True)]


def same_bits(a, b):
    if a.dtype == np.longdouble:  # some of whose bytes mean nothing
        return np.array_equal(a, b)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def values(shape, dtype, seed=0):
    x = np.random.default_rng(seed).standard_normal(shape) * 20
    return x > 0 if dtype == "bool" else x.astype(dtype)


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_are_those_of_the_parts(dtype, flags):
    rng = np.random.default_rng(1)
    for shape, axis in SHAPES:
        x = values(shape, dtype)
        for mean in SIZES:
            if shape[axis] > 400 * mean:
                continue  # thousands of parts
            offsets = random_offsets(rng, shape[axis], mean)
            expected = by_parts(x, axis, offsets, **flags)
            result = cumsum.cumsum(x, axis, offsets=offsets, **flags)
            assert same_bits(result, expected), (shape, axis, mean)


@pytest.mark.parametrize("dtype", ["float64", "longdouble", "complex128"])
def test_casts_are_those_of_a_scan(dtype):
    """A number between two of float16's, and between two of float32's."""
    x = np.array([1, -42.98437499999, 2]).astype(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
        y = cumsum.cumsum(x, 0, dtype=np.float16, lengths=[1, 2])
        assert same_bits(y[1:], cumsum.cumsum(x[1:], 0, dtype=np.float16))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["int8", "float16", "float32", "float64", "complex64"])
def test_layouts_and_places(dtype, layout):
    rng = np.random.default_rng(2)
    for (shape, axis), flags in zip(SHAPES, FLAGS * 3, strict=False):
        x = LAYOUTS[layout](values(shape, dtype))
        offsets = random_offsets(rng, shape[axis], 12)
        expected = by_parts(x, axis, offsets, **flags)
        assert same_bits(cumsum.cumsum(x, axis, offsets=offsets, **flags), expected)
        out = LAYOUTS[layout](np.zeros(shape, expected.dtype))
        assert cumsum.cumsum(x, axis, offsets=offsets, out=out, **flags) is out
        assert same_bits(out, expected)
        own = x.astype(expected.dtype)
        assert cumsum.cumsum_(own, axis, offsets=offsets, **flags) is own
        assert same_bits(own, expected)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_long_segments_and_streams_past_the_cache(dtype):
    rng = np.random.default_rng(3)
    x = values((9_000_000,), dtype)
    for flags in FLAGS:
        for mean in (5, 50, 5000, 60_000, 4_000_000):
            offsets = random_offsets(rng, len(x), mean)
            if mean < 60_000:  # and one that is long among short ones
                offsets = np.concatenate((offsets[offsets < 100_001], offsets[offsets > 900_000]))
            result = cumsum.cumsum(x, 0, offsets=offsets, **flags)
            again = np.empty_like(result)
            for some in (offsets[:200], offsets[-200:]):
                part = slice(some[0], some[-1])
                again[part] = by_parts(x[part], 0, some - some[0], **flags)
                assert same_bits(result[part], again[part]), (mean, flags)


def test_threads():
    x, rng = values((300_000,), "float32"), np.random.default_rng(4)
    offsets = random_offsets(rng, len(x), 9)
    expected = cumsum.cumsum(x, 0, offsets=offsets)
    for n in (1, 2, 3):
        with cumsum.num_threads(n):
            assert same_bits(cumsum.cumsum(x, 0, offsets=offsets), expected)


def test_lengths_and_resets_say_the_same():
    rng = np.random.default_rng(5)
    for shape, axis in SHAPES:
        x, offsets = values(shape, "float32"), random_offsets(rng, shape[axis], 7)
        expected = cumsum.cumsum(x, axis, offsets=offsets)
        for given_as in (np.int16, np.uint16, np.int32, np.uint64):
            lengths = np.diff(offsets).astype(given_as)
            assert same_bits(cumsum.cumsum(x, axis, lengths=lengths), expected)
        assert same_bits(cumsum.cumsum(x, axis, offsets=offsets.tolist()), expected)
        starts = starts_of(offsets, shape[axis])
        assert same_bits(cumsum.cumsum(x, axis, reset=starts), expected)
        each = np.broadcast_to(
            np.expand_dims(starts, [d for d in range(x.ndim) if d != axis]), shape
        )
        assert same_bits(cumsum.cumsum(x, axis, reset=each), expected)


def test_resets_of_each_line():
    rng = np.random.default_rng(6)
    x, starts = values((3, 50, 4), "float32"), rng.random((3, 50, 4)) < 0.2
    for flags in FLAGS:
        y = cumsum.cumsum(x, 1, reset=starts, **flags)
        for i, k in np.ndindex(3, 4):
            line = cumsum.cumsum(x[i, :, k], 0, reset=starts[i, :, k], **flags)
            assert same_bits(np.ascontiguousarray(y[i, :, k]), line)


def test_initial_is_every_segments_first_value():
    x, offsets = np.ones((2, 6)), [0, 2, 6]
    y = cumsum.cumsum(x, 1, offsets=offsets, initial=[10, 20])
    assert y.tolist() == [[11, 12, 11, 12, 13, 14], [21, 22, 21, 22, 23, 24]]


def test_compensated():
    x = np.resize([1e16, 1.0, -1e16], 600)
    offsets = [0, 3, 9, 300, 600]
    y = cumsum.cumsum(x, 0, offsets=offsets, precision="compensated")
    assert same_bits(y, by_parts(x, 0, offsets, precision="compensated"))
    assert y[[2, 8]].tolist() == [1, 2]


def test_objects_durations_and_other_byte_orders():
    whole = np.arange(20)
    offsets = [0, 3, 3, 11, 20]
    expected = by_parts(whole, 0, offsets)
    assert cumsum.cumsum(whole.astype(object), 0, offsets=offsets).tolist() == expected.tolist()
    assert np.array_equal(cumsum.cumsum(whole.astype(">i4"), 0, offsets=offsets), expected)
    durations = cumsum.cumsum(whole.astype("m8[s]"), 0, offsets=offsets)
    assert np.array_equal(durations, expected.astype("m8[s]"))


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"offsets": [1, 20]}, ValueError, r"offsets\[0\] is 1, but must be 0"),
        ({"offsets": [0, 9, 5, 20]}, ValueError, r"offsets\[2\] is 5.* the one before, 9"),
        ({"offsets": [0, 30, 20]}, ValueError, r"offsets\[2\] is 20.* the one before, 30"),
        ({"offsets": [0, 19]}, ValueError, r"offsets\[1\] is 19, but must be 20"),
        ({"offsets": [0, -5, 20]}, ValueError, r"offsets\[1\] is -5"),
        ({"offsets": [0, 2**63 - 1]}, ValueError, r"offsets\[1\] is 9223372036854775807"),
        ({"offsets": []}, ValueError, "1-D and not empty"),
        ({"offsets": [[0, 20]]}, ValueError, r"1-D and not empty, got shape \(1, 2\)"),
        ({"offsets": [0.0, 20.0]}, TypeError, "offsets must be integers, got dtype float64"),
        ({"lengths": [5, -1, 16]}, ValueError, r"lengths\[1\] is -1, but must not be negative"),
        ({"lengths": [5, 5]}, ValueError, "lengths add up to 10, but the dim has 20"),
        ({"lengths": [2**62, 2**62, 2**62, 2**62, 20]}, ValueError, "add up to more than 20"),
        ({"reset": [True] * 19}, ValueError, r"reset has shape \(19,\)"),
        ({"reset": np.ones((3, 20), bool)}, ValueError, r"reset has shape \(3, 20\)"),
        ({"reset": [1] * 20}, TypeError, "reset must be bool, got dtype int64"),
        ({"offsets": [0, 20], "lengths": [20]}, ValueError, "one of offsets, lengths and reset"),
        (
            {"offsets": [0, 20], "include_initial": True},
            ValueError,
            "include_initial cannot be combined with offsets",
        ),
    ],
)
def test_errors_write_nothing(options, kind, message):
    x = np.ones(20)
    out = np.full(21 if "include_initial" in options else 20, 7.0)
    with pytest.raises(kind, match=message):
        cumsum.cumsum(x, 0, out=out, **options)
    assert (out == 7).all()


@given(
    st.lists(st.integers(0, 70), max_size=40),
    st.sampled_from(["float16", "float32", "float64", "int32"]),
    st.sampled_from(FLAGS),
    st.integers(1, 3),
)
def test_any_lengths(lengths, dtype, flags, lines):
    offsets = cumsum.offsets(lengths)
    assert offsets.tolist() == [sum(lengths[:i]) for i in range(len(lengths) + 1)]
    x = values((lines, offsets[-1]), dtype, seed=len(lengths))
    expected = by_parts(x, 1, offsets, **flags)
    assert same_bits(cumsum.cumsum(x, 1, lengths=np.array(lengths, int), **flags), expected)
    across = cumsum.cumsum(np.ascontiguousarray(x.T), 0, offsets=offsets, **flags)
    assert same_bits(np.ascontiguousarray(across.T), expected)


def test_offsets_of_lengths():
    lengths = np.array([[3, 0, 4], [1, 1, 1]], np.uint8)
    assert cumsum.offsets(lengths).tolist() == [[0, 3, 3, 7], [0, 1, 2, 3]]
    assert cumsum.offsets(lengths).dtype == np.int64
    assert cumsum.offsets(lengths, dtype="int32").dtype == np.int32
    assert cumsum.offsets([]).tolist() == [0]
    assert cumsum.offsets(np.empty((2, 0), np.int16)).tolist() == [[0], [0]]
    with pytest.raises(ValueError, match=r"lengths\[1, 0\] is -2"):
        cumsum.offsets([[1, 2], [-2, 3]])
    with pytest.raises(OverflowError, match=r"lengths\[1\] add up to 2147483648, but int32 holds"):
        cumsum.offsets([2**31 - 1, 1], dtype=np.int32)
    assert cumsum.offsets([2**31 - 1, 0], dtype=np.int32)[-1] == 2**31 - 1
    with pytest.raises(OverflowError, match="but int64 holds"):
        cumsum.offsets(np.array([2**62, 2**62]))
    with pytest.raises(OverflowError, match="but int64 holds"):
        cumsum.offsets(np.array([2**63], np.uint64))
    with pytest.raises(TypeError, match="must be integers, got dtype float64"):
        cumsum.offsets([1.0])
    with pytest.raises(TypeError, match="must be int32 or int64, got uint8"):
        cumsum.offsets([1], dtype=np.uint8)
    with pytest.raises(ValueError, match="at least one dim"):
        cumsum.offsets(3)


def test_decays_and_several_dims():
    x, each = np.ones(20), np.full(20, 0.5)
    with pytest.raises(ValueError, match="decay cannot be combined with several dims"):
        cumsum.cumsum(x.reshape(4, 5), (0, 1), decay=each.reshape(4, 5))


MIXED = {  # short segments beside such as are long enough to be scanned on their own
    "one long": (300, [0, 10, 20, 30, 700]),
    "long in the middle": (300, [0, 3, 5, 460, 470, 700]),
    "long at first": (300, [0, 500, 501, 502, 640, 700]),
    "alternating": (400, [0, 2, 342, 344, 684, 690, 700]),
    "each of two": (200_000, [0, 1, 1, 2, 2, 2]),
}


@pytest.mark.parametrize(
    "flags", [{}, {"reverse": True}, {"exclusive": True}, {"initial": 5}], ids=str
)
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "float16", "complex64"])
@pytest.mark.parametrize("name", MIXED)
def test_short_and_long_segments_in_place_and_by_way_of_a_copy(name, dtype, flags):
    lines, offsets = MIXED[name]
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 9, (lines, offsets[-1])).astype(dtype)
    expected = np.concatenate(
        [cumsum.cumsum(x[:, b:e], 1, dtype=dtype, **flags) for b, e in pairwise(offsets)], 1
    )
    given = flags | {"offsets": offsets}
    assert np.array_equal(cumsum.cumsum(x, 1, dtype=dtype, **given), expected)
    assert np.array_equal(cumsum.cumsum_(x.copy(), 1, **given), expected)
    assert np.array_equal(cumsum.cumsum_(x.T.copy(), 0, **given), expected.T)
    reset = np.zeros(offsets[-1], bool)
    reset[[b for b, e in pairwise(offsets) if b < e]] = True
    assert np.array_equal(cumsum.cumsum_(x.copy(), 1, **flags, reset=reset), expected)
    steps = np.repeat(x, 2, 1)[:, ::2]
    assert np.array_equal(cumsum.cumsum(steps, 1, dtype=dtype, **given), expected)
    wide = x.astype("complex128" if dtype == "complex64" else "float32")
    assert np.array_equal(cumsum.cumsum(wide, 1, dtype=dtype, **given), expected)
    backwards = np.ascontiguousarray(x[:, ::-1])[:, ::-1]
    assert np.array_equal(cumsum.cumsum_(backwards, 1, **given), expected)


def test_offsets_may_lie_where_the_result_goes():
    x = np.full(8, 3, np.int64)
    for begin in range(5):
        out = np.zeros(8, np.int64)
        offsets = out[begin : begin + 4]
        offsets[...] = [0, 2, 5, 8]
        assert cumsum.cumsum(x, 0, offsets=offsets, out=out) is out
        assert out.tolist() == [3, 6, 3, 6, 9, 3, 6, 9]
    many = np.zeros(1 << 20, np.int64)
    ends = np.sort(np.random.default_rng(0).integers(0, many.size, 1000))
    many[:1002] = [0, *ends, many.size]
    ones = np.full(many.size, 1 << 40, np.int64)
    expected = cumsum.cumsum(ones, 0, offsets=many[:1002].copy())
    assert np.array_equal(cumsum.cumsum(ones, 0, offsets=many[:1002], out=many), expected)
    lengths = np.array([2, 3, 3, 0, 0, 0, 0, 0])
    cumsum.cumsum(x, 0, lengths=lengths, out=lengths)
    assert lengths.tolist() == [3, 6, 3, 6, 9, 3, 6, 9]


def test_offsets_at_odd_addresses():
    x = np.arange(9.0)
    raw = np.zeros(4 * 8 + 1, np.uint8)
    offsets = raw[1:].view(np.int64)
    offsets[...] = [0, 2, 5, 9]
    assert not offsets.flags.aligned
    expected = cumsum.cumsum(x, 0, offsets=[0, 2, 5, 9])
    assert np.array_equal(cumsum.cumsum(x, 0, offsets=offsets), expected)
    assert np.array_equal(
        cumsum.cumsum(x, 0, offsets=offsets[::1].byteswap().view(">i8")), expected
    )


@contextlib.contextmanager
def changing(good, bad):
    """An array that another thread fills with one and the other in turns."""
    shared, stop = good.copy(), threading.Event()

    def change():
        while not stop.is_set():
            shared[...] = bad
            shared[...] = good

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield shared
    finally:
        stop.set()
        thread.join()


def test_few_offsets_that_change_meanwhile():
    """Whatever another thread writes to them, the sums are those of what was checked."""
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 9, (64, 4000))
    good = np.array([0, *np.sort(rng.integers(0, 4000, 500)), 4000])
    expected = cumsum.cumsum(x, 1, offsets=good)
    with changing(good, rng.integers(-(2**62), 2**62, good.size)) as shared:
        for _ in range(100):
            with contextlib.suppress(ValueError):
                assert np.array_equal(cumsum.cumsum(x, 1, offsets=shared), expected)


@pytest.mark.parametrize("overflow", [None, "raise"])
@pytest.mark.parametrize("lines", [0, 1, 2])
def test_many_offsets_that_change_meanwhile(lines, overflow):
    """They are not copied: sums may be any, but nothing is written elsewhere."""
    rng = np.random.default_rng(0)
    size = 100_000
    x = rng.integers(-9, 9, (size, lines) if lines > 1 else size)
    good = np.array([0, *np.sort(rng.integers(0, size, 9000)), size])
    memory = np.full((size + 2000, *x.shape[1:]), 77)
    out = memory[1000:-1000]
    if lines == 0:
        x = out  # in place
    with changing(good, rng.integers(-(2**62), 2**62, good.size)) as shared:
        for _ in range(40):
            with contextlib.suppress(ValueError, OverflowError):
                cumsum.cumsum(x, 0, offsets=shared, out=out, overflow=overflow)
    assert (memory[:1000] == 77).all()
    assert (memory[-1000:] == 77).all()
