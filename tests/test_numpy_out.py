"""``out=`` and in place on NumPy arrays, beside numpy.cumsum."""

import numpy as np
import pytest

import cumsum

CODES = "?bBhHiIqQefdgFDG"
SMALL = np.array([[1, 0, 2, 1], [0, 1, 1, 3], [2, 2, 0, 1]])

# Where input and out lie in one buffer of 40 numbers. NumPy is right for every one.
OVERLAPS = {
    "same": (lambda b: b, lambda b: b),
    "one later": (lambda b: b[:-1], lambda b: b[1:]),
    "one earlier": (lambda b: b[1:], lambda b: b[:-1]),
    "far later": (lambda b: b[:-10], lambda b: b[10:]),
    "backwards": (lambda b: b, lambda b: b[::-1]),
    "interleaved": (lambda b: b[0::2], lambda b: b[1::2]),
    "spread out": (lambda b: b[:20], lambda b: b[::2]),
    "gathered": (lambda b: b[::2], lambda b: b[:20]),
    "broadcast over out": (lambda b: np.broadcast_to(b[:1], 40), lambda b: b),
    "transposed": (lambda b: b[:36].reshape(6, 6), lambda b: b[:36].reshape(6, 6).T),
    "rows shifted": (lambda b: b[:32].reshape(4, 8), lambda b: b[8:].reshape(4, 8)),
    "rows swapped": (lambda b: b.reshape(5, 8), lambda b: b.reshape(5, 8)[::-1]),
}


def buffer(size, dtype):
    return np.random.default_rng(0).integers(-4, 5, size).astype(dtype)


@pytest.mark.parametrize("source", CODES)
@pytest.mark.parametrize("target", CODES)
@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
def test_dtype_of_out_is_that_of_the_sum(source, target):
    x = SMALL.astype(source)
    ours, theirs = np.zeros(x.shape, target), np.zeros(x.shape, target)
    np.cumsum(x, 1, out=theirs)
    assert cumsum.cumsum(x, 1, out=ours) is ours
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("target", ["i1", "i8", "f2", "f8", "D", ">f4", "O"])
@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
def test_dtype_given_is_that_of_the_sum_and_out_of_the_result(dtype, target):
    x = SMALL * 1.5
    ours, theirs = np.zeros(x.shape, target), np.zeros(x.shape, target)
    np.cumsum(x, 1, dtype=dtype, out=theirs)
    assert cumsum.cumsum(x, 1, dtype=dtype, out=ours) is ours
    assert np.array_equal(ours, theirs)


def test_out_decides_where_float32_would_stick():
    x = np.array([2**24, 1, 0], np.float32)
    for dtype, last in ((None, 2**24 + 1), (np.float32, 2**24)):
        out = np.zeros(3)
        cumsum.cumsum(x, 0, dtype=dtype, out=out)
        assert out[-1] == last


def test_narrow_out_wraps():
    x = np.array([300, 300, -1], np.int32)
    out = np.zeros(3, np.int8)
    cumsum.cumsum(x, 0, out=out)
    assert out.tolist() == [44, 88, 87]


def test_complex_into_real_warns():
    with pytest.warns(np.exceptions.ComplexWarning):
        cumsum.cumsum(np.ones(3, np.complex64), 0, out=np.zeros(3))


@pytest.mark.parametrize(
    "shape", [(4, 3), (3, 5), (3, 1), (1, 4), (4,), (12,), (2, 3, 4), (0,), ()]
)
def test_wrong_shape(shape):
    with pytest.raises(ValueError, match=r"out|shape"):
        cumsum.cumsum(SMALL, 0, out=np.zeros(shape))


def test_wrong_shape_when_flattened():
    with pytest.raises(ValueError, match=r"out|shape"):
        cumsum.cumsum(SMALL, axis=None, out=np.zeros((3, 4)))


def test_read_only_out():
    out = np.zeros((3, 4))
    out.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        cumsum.cumsum(SMALL, 0, out=out)
    with pytest.raises(ValueError, match="read-only"):
        cumsum.cumsum_(out, 0)
    assert not out.any()


@pytest.mark.parametrize("out", [[0.0] * 4, (np.zeros((3, 4)),), 1.5, "out"], ids=repr)
def test_out_that_is_no_array(out):
    with pytest.raises(TypeError, match="out"):
        cumsum.cumsum(SMALL, 0, out=out)


def test_out_that_is_a_tensor():
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match="out"):
        cumsum.cumsum(SMALL, 0, out=torch.zeros(3, 4))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("step", [1, -1, 2, -3])
@pytest.mark.parametrize("axis", [0, 1])
def test_strides_of_out_are_kept(order, step, axis):
    parent = np.full((12, 40), 7.0, order=order)
    out = parent[:9, :12][::3, ::step][:, :4] if abs(step) != 2 else parent[:6:2, :8:step]
    before = parent.copy()
    strides = out.strides
    cumsum.cumsum(SMALL, axis, out=out)
    assert out.strides == strides
    assert np.array_equal(out, np.cumsum(SMALL, axis))
    out[...] = 7.0
    assert np.array_equal(parent, before)


@pytest.mark.parametrize("layout", OVERLAPS)
@pytest.mark.parametrize("dtype", ["int64", "float64", "float32", "int8"])
@pytest.mark.parametrize("axis", [0, -1])
def test_overlap(layout, dtype, axis):
    source, target = OVERLAPS[layout]
    ours, theirs = buffer(40, dtype), buffer(40, dtype)
    np.cumsum(source(theirs), axis, out=target(theirs))
    cumsum.cumsum(source(ours), axis, out=target(ours))
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("layout", ["one later", "one earlier", "backwards", "far later"])
@pytest.mark.parametrize("size", [9001, 300_001])
def test_overlap_of_long_arrays(layout, size):
    source, target = OVERLAPS[layout]
    ours, theirs = buffer(size, "f8"), buffer(size, "f8")
    np.cumsum(source(theirs)[: size - 50], out=target(theirs)[: size - 50])
    cumsum.cumsum(source(ours)[: size - 50], 0, out=target(ours)[: size - 50])
    assert np.array_equal(ours, theirs)


def test_overlap_of_other_dtypes():
    for source, target in (("i4", "f8"), ("f8", "i4"), ("i2", "i8"), ("i8", "i2")):
        ours, theirs = buffer(80, "u1"), buffer(80, "u1")
        for function, memory in ((cumsum.cumsum, ours), (np.cumsum, theirs)):
            x = memory.view(source)[: 80 // 8]
            x[...] = range(10)
            function(x, 0, out=memory.view(target)[:10])
        assert np.array_equal(ours, theirs)


class TestInPlace:
    """cumsum_ on arrays: no promotion, the array itself comes back."""

    @pytest.mark.parametrize("code", CODES)
    @pytest.mark.parametrize("axis", [0, 1, -1])
    def test_no_promotion(self, code, axis):
        x = SMALL.astype(code)
        wanted = np.cumsum(x, axis, dtype=code)
        assert cumsum.cumsum_(x, axis) is x
        assert np.array_equal(x, wanted)

    def test_integers_wrap(self):
        x = np.array([100, 100, 100], np.int8)
        assert cumsum.cumsum_(x, 0).tolist() == [100, -56, 44]

    def test_views(self):
        parent = np.ones((6, 8))
        view = parent[::-2, 1::3]
        cumsum.cumsum_(view, 1)
        assert np.array_equal(view, np.cumsum(np.ones((3, 3)), 1))
        assert parent.sum() == 48 + 3 * (1 + 2)

    def test_dtype_of_its_own(self):
        x = np.ones(4, np.float32)
        assert cumsum.cumsum_(x, 0, dtype=np.float32).tolist() == [1, 2, 3, 4]

    def test_other_dtype_is_refused(self):
        x = np.ones(4, np.float32)
        with pytest.raises((TypeError, ValueError, RuntimeError), match="dtype"):
            cumsum.cumsum_(x, 0, dtype=np.float64)
        assert (x == 1).all()

    def test_axis(self):
        x = SMALL.copy()
        assert np.array_equal(cumsum.cumsum_(x, axis=1), np.cumsum(SMALL, 1))
        with pytest.raises(np.exceptions.AxisError):
            cumsum.cumsum_(x, 2)

    def test_broadcast_is_refused(self):
        x = np.broadcast_to(np.ones(3), (2, 3))
        with pytest.raises(ValueError, match=r"read-only|overlap"):
            cumsum.cumsum_(x, 0)

    def test_timedelta(self):
        x = np.array([1, 2, "NaT", 3], "m8[s]")
        wanted = np.cumsum(x)
        assert cumsum.cumsum_(x, 0) is x
        assert np.array_equal(x.view("i8"), wanted.view("i8"))

    def test_objects(self):
        x = np.array([2**70, 1, -(2**70)], object)
        assert cumsum.cumsum_(x, 0).tolist() == [2**70, 2**70 + 1, 1]


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_a_number_in_place_is_the_sum_of_itself(dtype):
    x = np.array(-0.0, dtype)
    want = cumsum.cumsum(x, 0)
    assert cumsum.cumsum_(x, 0) is x
    assert x.tobytes() == want.tobytes()
