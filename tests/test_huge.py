"""More than 2**31 and more than 2**32 elements, on every family of shapes.

The inputs are ones in int8, so that element ``i`` of a scan is ``i + 1`` modulo 256; results are
checked on both sides of the 32-bit boundaries and on a sample of everything else.
"""

import numpy as np
import pytest
import torch

import cumsum

pytestmark = pytest.mark.alone
PAST_31 = 2**31 + 4099
PAST_32 = 2**32 + 4099


def positions(length):
    """Where to look: both ends, the 32-bit boundaries, and every 100 003rd element."""
    edges = [e + k for e in (0, 2**31, 2**32, length) for k in range(-9, 9)]
    inside = [i for i in edges if 0 <= i < length]
    return np.unique(np.concatenate([inside, np.arange(0, length, 100_003)]))


def counts(positions):
    """The scan of ones, as int8."""
    return (positions + 1).astype(np.uint8).view(np.int8)


@pytest.mark.huge(6)
def test_one_long_row_in_place():
    x = np.ones(PAST_32, np.int8)
    cumsum.cumsum_(x, 0)
    where = positions(PAST_32)
    assert np.array_equal(x[where], counts(where))


@pytest.mark.huge(8)
def test_bool_read_as_it_is():
    x = np.ones(PAST_31, bool)
    result = cumsum.cumsum(x, 0, dtype=np.int8)
    where = positions(PAST_31)
    assert np.array_equal(result[where], counts(where))


@pytest.mark.huge(6)
def test_tensor():
    x = torch.ones(PAST_31, dtype=torch.int8)
    cumsum.cumsum_(x, 0)
    where = positions(PAST_31)
    assert np.array_equal(x.numpy()[where], counts(where))


@pytest.mark.huge(6)
def test_two_long_rows():
    x = np.ones((2, PAST_31), np.int8)
    cumsum.cumsum_(x, 1)
    where = positions(PAST_31)
    for row in x:
        assert np.array_equal(row[where], counts(where))


@pytest.mark.huge(6)
def test_two_long_columns():
    x = np.ones((PAST_31, 2), np.int8)
    cumsum.cumsum_(x, 0)
    where = positions(PAST_31)
    for column in x.T:
        assert np.array_equal(column[where], counts(where))


@pytest.mark.huge(6)
def test_more_columns_than_32_bits_count():
    x = np.ones((2, PAST_31), np.int8)
    cumsum.cumsum_(x, 0)
    where = positions(PAST_31)
    assert (x[0][where] == 1).all()
    assert (x[1][where] == 2).all()


@pytest.mark.huge(6)
def test_more_rows_than_32_bits_count():
    x = np.ones((PAST_31, 2), np.int8)
    cumsum.cumsum_(x, 1)
    where = positions(PAST_31)
    assert (x[where] == [1, 2]).all()


@pytest.mark.huge(2)
@pytest.mark.parametrize("step", [2**16 + 1, -(2**16) - 1])
def test_strides_past_32_bits(step):
    """Few elements that lie far apart in a parent of which little is ever touched."""
    parent = np.zeros(PAST_32, np.int8)
    view = parent[::step]
    view[...] = 1
    result = cumsum.cumsum(view, 0)
    assert np.array_equal(result, np.arange(1, view.size + 1))
    cumsum.cumsum_(view, 0)
    assert np.array_equal(view, counts(np.arange(view.size)))


@pytest.mark.huge(4)
def test_strides_of_rows_and_columns():
    parent = np.zeros((3, PAST_32 // 2), np.int8)
    view = parent[::2, :: 2**16]
    view[...] = 1
    assert np.array_equal(cumsum.cumsum(view, 1)[:, -1], [view.shape[1]] * 2)
    assert (cumsum.cumsum(view, 0)[1] == 2).all()


@pytest.mark.huge(6)
def test_input_without_memory():
    """A broadcast input: the sum runs past 2**32 elements of one number."""
    x = np.broadcast_to(np.int8(1), PAST_32)
    out = np.zeros(PAST_32, np.int8)
    cumsum.cumsum(x, 0, out=out)
    where = positions(PAST_32)
    assert np.array_equal(out[where], counts(where))
