"""The boxes that an array is cut into: each element once, lines in order, within the memory."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cumsum.console import CommandError, parse_size, size
from cumsum.files.pieces import SLOTS, Costs, decide

GB = 10**9
DOUBLE = Costs(element=8, record=40, widest=8)


def walk(shape, dim, memory, *, order=None, costs=DOUBLE, **more):
    return decide(shape, dim, range(len(shape)) if order is None else order, costs, memory, **more)


@st.composite
def arrays(draw):
    shape = draw(st.lists(st.integers(1, 60), min_size=1, max_size=4).map(tuple))
    if math.prod(shape) > 40_000:
        shape = shape[:2]
    dim = draw(st.integers(0, len(shape) - 1))
    order = draw(st.permutations(range(len(shape))))
    return shape, dim, order


@given(arrays(), st.integers(1000, 300_000), st.booleans())
def test_every_element_once_and_lines_in_order(array, memory, reverse):
    shape, dim, order = array
    made = walk(shape, dim, memory, order=order, reverse=reverse)
    assert DOUBLE.total(made) <= memory
    seen = np.full(shape, -1)
    carried = None
    for index in range(len(made)):
        piece = made.piece(index)
        assert piece.index == index
        lines = [part for d, part in enumerate(piece.where) if d != dim]
        if not piece.begins:  # it goes on where the piece before it ended
            assert carried == (lines, piece.where[dim].stop if reverse else piece.where[dim].start)
        carried = (lines, piece.where[dim].start if reverse else piece.where[dim].stop)
        edge = 0 if reverse else shape[dim]
        assert piece.ends == (carried[1] == edge)
        assert piece.shape == seen[piece.where].shape
        assert (seen[piece.where] == -1).all()
        seen[piece.where] = index
    assert (seen >= 0).all()


@given(arrays(), st.integers(1, 9), st.integers(500_000, 1_000_000))
def test_pieces_end_at_the_grid(array, cell, memory):
    shape, dim, order = array
    grid = [min(cell, n) for n in shape]
    made = walk(shape, dim, memory, order=order, grids=[[1] * len(shape), grid])
    for extent, unit, n in zip(made.box, grid, shape, strict=True):
        assert extent % unit == 0 or extent == n


@pytest.mark.parametrize(
    ("shape", "dim", "memory", "box", "carries"),
    [
        ((2_500_000_000,), 0, GB, (1_048_219,), True),  # one line, in pieces of 8 MiB
        ((312_500_000, 8), 1, GB, (131_028, 8), False),  # short lines, many at a time
        ((312_500_000, 8), 0, GB, (131_028, 8), True),  # blocks of rows
        ((50_000, 50_000), 0, GB, (20, 50_000), True),
        ((2500, 1_000_000), 0, GB, (8, 1_000_000), True),  # wider pieces of long rows
        ((2500, 1_000_000), 1, GB, (1, 1_000_000), False),
        ((8, 312_500_000), 0, GB, (8, 1_953_125), False),  # panels: runs of 16 MB
        ((2500, 1_000_000), 0, GB // 10, (17, 90_910), True),  # panels that carry
    ],
)
def test_of_20_gigabytes(shape, dim, memory, box, carries):
    made = walk(shape, dim, memory)
    assert (made.box, made.carries) == (box, carries)
    assert DOUBLE.slots(box) <= memory / 2
    assert DOUBLE.records(made) <= memory / 4


def test_fortran_order_is_the_transposed_array():
    made = walk((1000, 2000), 0, 100_000, order=(1, 0))
    other = walk((2000, 1000), 1, 100_000)
    assert made.box == other.box[::-1]


def test_rows_that_must_be_whole():
    made = walk((10_000, 7, 5), 1, 100_000, whole_rows=True)
    assert made.box[1:] == (7, 5)
    assert [made.piece(i).where[0].start for i in range(len(made))] == list(
        range(0, 10_000, made.box[0])
    )


def test_too_little_memory_says_how_much():
    with pytest.raises(CommandError) as refused:
        walk((100, 100), 0, 10_000, grids=[(100, 100)])
    assert str(refused.value) == (
        f"memory of 10 KB is too small: a piece needs {size(SLOTS * 80_000)}"
    )


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_nothing_to_do(shape):
    assert len(walk(shape, 0, 1000)) == 0


@pytest.mark.parametrize(
    ("text", "nbytes"),
    [("1GB", 10**9), ("64 MiB", 64 << 20), ("1.5kb", 1500), ("2G", 2 * 10**9), ("500", 500)],
)
def test_sizes(text, nbytes):
    assert parse_size(text) == nbytes


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "0", "1 XB", "1e400", "1GBB"])
def test_what_is_no_size(text):
    with pytest.raises(CommandError, match="is not a size such as 1GB"):
        parse_size(text)
