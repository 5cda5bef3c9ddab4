"""Any shape, strides, dtype and thread count: the reference's bits, and what a sum must obey."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cumsum
from bits import same_bits
from cases import DTYPES, INEXACT, INTEGERS, UNSIGNED, as_array, as_tensor, numpy_dtype, values
from reference import scan

settings.register_profile(
    "cumsum",
    deadline=None,
    max_examples=150,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("cumsum")

LENGTHS = st.one_of(
    st.integers(0, 40), st.sampled_from([63, 64, 65, 255, 4095, 4096, 4097, 5000, 8200])
)


@st.composite
def shapes(draw):
    """Up to four dimensions of which one can be long."""
    shape = draw(st.lists(st.integers(0, 6), max_size=3))
    shape.insert(draw(st.integers(0, len(shape))), draw(LENGTHS))
    return tuple(shape)


@st.composite
def arrays(draw, dtypes=DTYPES, steps=(-3, -2, -1, 1, 2, 3), repeats=True):
    """A view of a buffer: steps of any sign, dimensions in any order, some of them broadcast."""
    shape = draw(shapes())
    taken = [draw(st.sampled_from(steps)) for _ in shape]
    parent = values(
        [n * abs(s) for n, s in zip(shape, taken, strict=True)], draw(st.sampled_from(dtypes))
    )
    x = parent[tuple(slice(None, None, step) for step in taken)]
    x = x.transpose(draw(st.permutations(range(x.ndim))))
    if repeats and draw(st.booleans()):
        axis = draw(st.integers(0, x.ndim - 1))
        first = x[tuple(slice(1) if i == axis else slice(None) for i in range(x.ndim))]
        x = np.broadcast_to(first, x.shape) if first.size else x
    return x, draw(st.integers(-x.ndim, x.ndim - 1))


THREADS = st.sampled_from([1, 2, 3, 7])


@given(arrays(), THREADS)
def test_arrays(drawn, threads):
    x, axis = drawn
    with cumsum.num_threads(threads):
        result = cumsum.cumsum(x, axis)
    assert same_bits(result, scan(x, axis))


@given(arrays(), st.sampled_from(INEXACT), THREADS)
@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
def test_arrays_with_dtype(drawn, target, threads):
    """Integers are kept small: those past 2**53 are rounded twice on the way to a 16-bit float."""
    x, axis = drawn
    x = x % x.dtype.type(7) if x.dtype.kind in "iu" else x
    with cumsum.num_threads(threads):
        result = cumsum.cumsum(x, axis, dtype=numpy_dtype(target))
    assert same_bits(result, scan(x, axis, numpy_dtype(target)))


@given(arrays(dtypes=("bool", *INTEGERS, *UNSIGNED)), st.sampled_from(INTEGERS + UNSIGNED), THREADS)
def test_integers_with_dtype(drawn, target, threads):
    x, axis = drawn
    with cumsum.num_threads(threads):
        result = cumsum.cumsum(x, axis, dtype=target)
    assert same_bits(result, scan(x, axis, target))


@given(arrays(steps=(1, 2, 3), repeats=False), THREADS)
def test_tensors(drawn, threads):
    x, dim = drawn
    wanted = scan(x, dim, np.int64 if x.dtype.kind in "biu" else None)
    with cumsum.num_threads(threads):
        result = cumsum.cumsum(as_tensor(x), dim)
    assert result.is_contiguous()
    assert same_bits(as_array(result), wanted)


@given(arrays(repeats=False), arrays(repeats=False), THREADS)
def test_out_of_any_strides(drawn, other, threads):
    """Scan into a view of the same shape whose strides were drawn for another array."""
    x, axis = drawn
    steps = [1 + abs(stride) % 3 for stride in other[0].strides[: x.ndim]]
    steps += [1] * (x.ndim - len(steps))
    parent = np.zeros(
        [n * step for n, step in zip(x.shape, steps, strict=True)], scan(x, axis).dtype
    )
    out = parent[tuple(slice(None, None, -step) for step in steps)]
    with cumsum.num_threads(threads):
        assert cumsum.cumsum(x, axis, out=out) is out
    assert same_bits(out, scan(x, axis))
    assert np.count_nonzero(parent) == np.count_nonzero(out)


@given(arrays(repeats=False), THREADS)
def test_in_place(drawn, threads):
    x, axis = drawn
    x = x if x.dtype != bool else x.view(np.int8)
    wanted = scan(x, axis, x.dtype)
    with cumsum.num_threads(threads):
        assert cumsum.cumsum_(x, axis) is x
    assert same_bits(x, wanted)


INTEGER_ARRAYS = arrays(dtypes=INTEGERS)


@given(INTEGER_ARRAYS)
def test_last_is_the_sum(drawn):
    x, axis = drawn
    if x.shape[axis]:
        last = cumsum.cumsum(x, axis).take(-1, axis)
        assert np.array_equal(last, x.sum(axis, dtype=last.dtype))


@given(INTEGER_ARRAYS)
def test_differences_give_the_input_back(drawn):
    x, axis = drawn
    result = cumsum.cumsum(x, axis)
    with np.errstate(over="ignore"):
        assert np.array_equal(np.diff(result, axis=axis, prepend=result.dtype.type(0)), x)


@given(INTEGER_ARRAYS, st.integers(-100, 100))
def test_linear(drawn, factor):
    x, axis = drawn
    x = x.astype(np.int64)
    y = x[..., ::-1] if x.shape[axis] else x
    whole = cumsum.cumsum(x + factor * y, axis)
    assert np.array_equal(whole, cumsum.cumsum(x, axis) + factor * cumsum.cumsum(y, axis))


@given(INTEGER_ARRAYS, st.floats(0, 1))
def test_split_and_carry(drawn, where):
    x, axis = drawn
    x = np.moveaxis(x, axis, 0)
    cut = int(where * len(x))
    whole = cumsum.cumsum(x, 0)
    assert np.array_equal(cumsum.cumsum(x[:cut], 0), whole[:cut])
    carry = whole[cut - 1] if cut else np.int64(0)
    assert np.array_equal(cumsum.cumsum(x[cut:], 0) + carry, whole[cut:])


@given(arrays(dtypes=("float16", "bfloat16", "float32", "float64")))
def test_monotone(drawn):
    x, axis = drawn
    result = np.moveaxis(cumsum.cumsum(np.abs(x), axis), axis, 0).astype(np.float64)
    assert (result[1:] >= result[:-1]).all()


@given(arrays(dtypes=("float32", "complex64"), steps=(1, 2, 3), repeats=False))
def test_same_as_torch_where_the_carry_is_wide(drawn):
    x, dim = drawn
    assert torch.equal(cumsum.cumsum(as_tensor(x), dim), torch.cumsum(as_tensor(x), dim))
