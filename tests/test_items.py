"""Many small items, wherever they lie: the bits of each line are those of the line alone."""

import itertools
import sys

import ml_dtypes
import numpy as np
import pytest
import torch

import cumsum
import reference
from bits import same_bits
from cases import numpy_dtype, values

DTYPES = ("float32", "float64", "float16", "bfloat16", "complex64", "complex128", "int8", "bool")
LENGTHS = (1, 2, 3, 7, 8, 9, 15, 16, 20, 45)
INNERS = (1, 2, 3, 5, 6, 7, 8, 9, 17)
OUTER = 37
ITEMS = tuple(itertools.product(LENGTHS, INNERS))
LAYOUTS = {
    "every second item": lambda make, o, n, i: make(2 * o, n, i)[::2],
    "contiguous": lambda make, o, n, i: make(o, n, i),
    "transposed": lambda make, o, n, i: make(o, i, n).transpose(0, 2, 1),
    "turned round": lambda make, o, n, i: make(i, n, o).transpose(2, 1, 0),
    "rows first": lambda make, o, n, i: make(n, o, i).transpose(1, 0, 2),
    "steps": lambda make, o, n, i: make(o, n, 2 * i)[:, :, ::2],
    "rows apart": lambda make, o, n, i: make(o, n, i + 1)[:, :, :i],
    "items apart": lambda make, o, n, i: make(o, n + 1, i)[:, :n],
    "backwards": lambda make, o, n, i: make(o, n, i)[::-1, :, ::-1],
    "expanded": lambda make, o, n, i: np.broadcast_to(make(o, 1, i), (o, n, i)),
    "one item": lambda make, o, n, i: np.broadcast_to(make(1, n, i), (o, n, i)),
}


def lines_of(x):
    """The lines of a (outer, length, inner) array, each by itself."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)).reshape(-1, x.shape[1])


def expected_of(x):
    """The reference of every line, in an array of the same shape."""
    sums = reference.scan(lines_of(x))
    outer, length, inner = x.shape
    return np.moveaxis(sums.reshape(outer, inner, length), -1, 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_small_items(layout, dtype):
    for length, inner in ITEMS:
        x = LAYOUTS[layout](lambda *shape: values(shape, dtype), OUTER, length, inner)
        expected = expected_of(x)
        assert same_bits(cumsum.cumsum(x, 1), expected), (length, inner)
        apart = np.zeros((OUTER, length, inner + 1), expected.dtype)[:, :, :inner]
        cumsum.cumsum(x, 1, out=apart)
        assert same_bits(apart, expected), (length, inner)


@pytest.mark.parametrize("dtype", DTYPES)
def test_nothing_beside_small_items_is_written(dtype):
    for length, inner in ITEMS:
        x = values((OUTER, length, inner), dtype)
        expected = expected_of(x)
        memory = np.full(expected.size + 128, 77, expected.dtype)
        y = memory[64:-64].reshape(expected.shape)
        cumsum.cumsum(x, 1, out=y)
        assert same_bits(y, expected), (length, inner)
        assert (np.delete(memory, slice(64, -64)) == 77).all(), (length, inner)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "complex64", "int64"])
def test_small_items_in_place(dtype):
    for length, inner in ITEMS:
        x = values((OUTER, length, inner), dtype)
        expected = expected_of(x)
        cumsum.cumsum(x, 1, out=x)
        assert same_bits(x, expected), (length, inner)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", ["contiguous", "transposed", "steps"])
def test_small_items_from_the_end_and_without_their_own(layout, dtype):
    for length, inner in ITEMS:
        x = LAYOUTS[layout](lambda *shape: values(shape, dtype), OUTER, length, inner)
        backwards = expected_of(x[:, ::-1])[:, ::-1]
        assert same_bits(cumsum.cumsum(x, 1, reverse=True), backwards), (length, inner)
        sums = expected_of(x)
        before = np.concatenate([np.zeros_like(sums[:, :1]), sums[:, :-1]], 1)
        assert same_bits(cumsum.cumsum(x, 1, exclusive=True), before), (length, inner)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dim", [0, 1, 2, 3])
def test_items_in_several_dims(dim, dtype):
    """The outer dims in any order, some of them short."""
    for shape in ((90, 2, 3, 2), (2, 90, 1, 5), (3, 2, 70, 2), (2, 3, 2, 60), (40, 3, 3, 9)):
        for order in itertools.permutations(range(4)):
            given = [shape[d] for d in order]
            x = values(given, dtype).transpose(np.argsort(order))
            expected = reference.scan(x, dim)
            y = np.zeros(shape, expected.dtype)
            cumsum.cumsum(x, dim, out=y)
            assert same_bits(y, expected), (shape, order)


@pytest.mark.parametrize("columns", [2, 3, 5, 6, 7, 13])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "complex128", "int8"])
def test_few_columns_of_many_rows(dtype, columns):
    x = values((9000, columns), dtype)
    expected = expected_of(x[np.newaxis])[0]
    for step in (1, -1):
        assert same_bits(cumsum.cumsum(x[::step], 0, reverse=step < 0)[::step], expected)
    memory = np.full(expected.size + 128, 77, expected.dtype)
    y = memory[64:-64].reshape(expected.shape)
    cumsum.cumsum(x, 0, out=y)
    assert same_bits(y, expected)
    assert (np.delete(memory, slice(64, -64)) == 77).all()


@pytest.mark.parametrize("dtype", [*DTYPES, "longdouble", "clongdouble"])
def test_sums_of_nothing(dtype):
    """Exclusive sums of one element are zeros, whatever it is, and nothing else is written."""
    x = values((5, 1, 6), dtype)
    memory = np.full((11, 3, 13), 77, cumsum.cumsum(x, 1).dtype)
    y = memory[1::2, 1:2, 1::2]
    cumsum.cumsum(x, 1, exclusive=True, out=y)
    assert not y.any()
    assert (memory == 77).sum() == memory.size - y.size
    assert same_bits(cumsum.cumsum(x, 1, exclusive=True), np.zeros(y.shape, y.dtype))


@pytest.mark.parametrize("length", [1, 2, 3, 7, 8, 30])
@pytest.mark.parametrize("dtype", ["float32", "complex64", "int8", "bfloat16"])
@pytest.mark.parametrize("flags", [{}, {"exclusive": True}, {"reverse": True}])
def test_segments_of_one_length_are_rows(dtype, length, flags):
    x = values((length * 1100,), dtype)
    rows = cumsum.cumsum(x.reshape(-1, length), 1, **flags).reshape(-1)
    offsets = np.arange(0, x.size + 1, length)
    assert same_bits(cumsum.cumsum(x, 0, offsets=offsets, **flags), rows)
    uneven = np.delete(offsets, 700)  # two of them are one
    sums = cumsum.cumsum(x, 0, offsets=uneven, **flags)
    merged = slice(699 * length, 701 * length)
    rows[merged] = cumsum.cumsum(x[merged], 0, **flags)
    assert same_bits(sums, rows)


class TestBFloat16Arrays:
    """They have no buffer format, and are read by `__array_struct__`."""

    dtype = np.dtype(ml_dtypes.bfloat16)

    def test_out_and_views(self):
        x = values((6, 50), "bfloat16")
        out = np.zeros((6, 100), self.dtype)[:, ::2]
        assert cumsum.cumsum(x, 1, out=out) is out
        assert same_bits(out, cumsum.cumsum(x, 1))
        assert same_bits(cumsum.cumsum(x[::-1].T, 0), cumsum.cumsum(x[::-1], 1).T)

    def test_without_python(self):
        """A call makes no call of Python's, whatever bfloat16 came before."""
        x = values((8,), "bfloat16")
        cumsum.cumsum(x.astype(self.dtype.newbyteorder("S")), 0)
        out, calls = np.empty_like(x), []
        sys.setprofile(lambda frame, event, _: calls.append(frame) if event == "call" else None)
        try:
            cumsum.cumsum(x, 0, out=out)
        finally:
            sys.setprofile(None)
        assert not calls

    def test_errors(self):
        x = values((8,), "bfloat16")
        locked = x.copy()
        locked.flags.writeable = False
        with pytest.raises(ValueError, match="read-only"):
            cumsum.cumsum(x, 0, out=locked)
        with pytest.raises(ValueError, match="axis 1 is out of bounds"):
            cumsum.cumsum(x, 1)

    def test_like_tensors(self):
        x = values((4, 300), "bfloat16")
        tensor = torch.from_numpy(x.view(np.int16)).view(torch.bfloat16)
        for flags in ({}, {"exclusive": True}, {"reverse": True}, {"initial": 2.0}):
            ours = cumsum.cumsum(x, 1, **flags).view(np.int16)
            theirs = cumsum.cumsum(tensor, 1, **flags).view(torch.int16).numpy()
            assert (ours == theirs).all(), flags

    def test_another_byte_order(self):
        """NumPy names it alike, and its bytes are swapped."""
        x = np.arange(6).astype(self.dtype)
        swapped = x.astype(self.dtype.newbyteorder("S"))
        for flags in ({}, {"exclusive": True}, {"dtype": np.float32}, {"lengths": [2, 4]}):
            ours = cumsum.cumsum(swapped, 0, **flags)
            assert same_bits(ours, cumsum.cumsum(x, 0, **flags)), flags
        described = np.dtype(self.dtype, metadata={"unit": "mm"})
        assert same_bits(cumsum.cumsum(x.astype(described), 0).astype(x.dtype), cumsum.cumsum(x, 0))

    def test_result_of_another_dtype(self):
        x = values((300,), "bfloat16")
        expected = cumsum.cumsum(x.astype(np.float32), 0)
        assert same_bits(cumsum.cumsum(x, 0, dtype=np.float32), expected)
        assert numpy_dtype("bfloat16") == cumsum.cumsum(x, 0, dtype=self.dtype).dtype
