"""Chunks scanned in any order: aggregates, their exclusive scan, and scans with carry."""

import itertools
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import cumsum
from bits import same_bits
from cases import DTYPES, LAYOUTS, hard, numpy_dtype, values
from cumsum.chunked import Aggregate, scan_of
from cumsum.dtypes import DType
from cumsum.options import Options
from cumsum.plan import make_plan
from cumsum.spec import TILE, Memory, Spec

INEXACT = ("float16", "bfloat16", "float32", "float64", "longdouble", "complex64", "complex128")
ALL = [*DTYPES, "longdouble", "clongdouble"]
CUTS = (0, 5, 4096, 4101, 4101, 8192, 13_000, 20_480, 20_487)
SHAPES = (
    ((25_000,), 0),
    ((25_000, 1), 0),
    ((25_000, 2), 0),
    ((21_000, 5), 0),
    ((21_000, 40), 0),
    ((5, 21_000), -1),
    ((2, 25_000, 3), 1),
    ((3, 1, 21_000, 2), 2),
)


def ordinary(shape, dtype):
    return hard(shape, dtype) if dtype in INEXACT and dtype != "float16" else values(shape, dtype)


def in_order(chunks, reverse):
    return chunks[::-1] if reverse else chunks


def apart(x, dim, cuts, dtype=None, **options):
    """Every chunk by itself, each from a state that comes of the aggregates before it."""
    options = Options(**options)
    cat, split = (
        (torch.cat, torch.tensor_split) if torch.is_tensor(x) else (np.concatenate, np.split)
    )
    scan = scan_of(x, dim, dtype, options)
    chunks, aggregates, position = list(split(x, cuts, dim)), [], 0
    for chunk in in_order(chunks, options.reverse):
        aggregates.append(pickle.loads(pickle.dumps(scan.aggregate(chunk, position))))
        position += chunk.shape[dim]
    states = [scan.begin()]
    for aggregate in aggregates:
        states.append(scan.advance(states[-1], aggregate))
    results = []
    for chunk, before, after in zip(
        in_order(chunks, options.reverse), states, states[1:], strict=False
    ):
        y, end = scan.scan(chunk, before)
        assert end.position == after.position
        results.append(y)
    return cat(in_order(results, options.reverse), dim)


def test_the_tile_is_the_cores():
    x = Memory(0, DType.float32, (9,), (4,))
    assert make_plan(x, x, Spec(0), threads=1).tile == TILE


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("dtype", ALL)
def test_bits_of_one_scan(dtype, reverse):
    for shape, dim in SHAPES:
        x = ordinary(shape, dtype)
        whole = cumsum.cumsum(x, dim, reverse=reverse)
        assert same_bits(apart(x, dim, CUTS, reverse=reverse), whole), (shape, dim)


@pytest.mark.parametrize("dtype", ["float64", "complex128", "float32"])
def test_compensated(dtype):
    for shape, dim in SHAPES:
        x = ordinary(shape, dtype)
        whole = cumsum.cumsum(x, dim, precision="compensated")
        assert same_bits(apart(x, dim, CUTS, compensated=True), whole)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["int8", "float16", "float32", "complex128"])
def test_layouts(dtype, layout):
    for shape, dim in (((9_000,), 0), ((7, 9_000), 1), ((9_000, 7), 0), ((2, 9_000, 3), 1)):
        x = LAYOUTS[layout](values(shape, dtype))
        assert same_bits(apart(x, dim, (5, 4090, 8195)), cumsum.cumsum(x, dim))


@pytest.mark.parametrize("reverse", [False, True])
def test_casts_and_initial(reverse):
    x = values((9_000, 3), "int8")
    for dtype in ("float32", "float16", "int64", "complex64", "uint8"):
        whole = cumsum.cumsum(x, 0, dtype=numpy_dtype(dtype), reverse=reverse, initial=[1, 2, 3])
        y = apart(x, 0, (5, 4099), numpy_dtype(dtype), reverse=reverse, initial=[1, 2, 3])
        assert same_bits(y, whole)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.bool, torch.complex64])
def test_tensors(dtype, exclusive, reverse):
    for shape, dim in (((9_000,), 0), ((3, 9_000), 1), ((9_000, 20), 0), ((9_000, 1, 3), 0)):
        x = torch.randn(shape).to(dtype)
        whole = cumsum.cumsum(x, dim, exclusive=exclusive, reverse=reverse)
        y = apart(x, dim, (5, 4099), exclusive=exclusive, reverse=reverse)
        assert torch.equal(y, whole)


@given(
    st.sampled_from(INEXACT),
    st.sampled_from([(1, 0), (3, 0), (3, 1), (20, 0), (20, 1)]),
    st.lists(st.integers(0, 23_000), max_size=12),
    st.integers(0, 23_000),
    st.booleans(),
    st.integers(1, 4),
)
def test_any_cuts(dtype, lines_and_dim, cuts, length, reverse, threads):
    lines, dim = lines_and_dim
    x = values((length, lines) if dim == 0 else (lines, length), dtype)
    cuts = sorted(min(cut, length) for cut in cuts)
    with cumsum.num_threads(threads):
        y = apart(x, dim, cuts, reverse=reverse)
    assert same_bits(y, cumsum.cumsum(x, dim, reverse=reverse))


def fields(aggregate):
    tail = None if aggregate.tail is None else aggregate.tail.tobytes()
    head = np.ascontiguousarray(aggregate.head).tobytes()
    return aggregate.position, aggregate.length, head, aggregate.totals.tobytes(), tail


@given(
    st.sampled_from(["float16", "float32", "complex128", "int32"]),
    st.integers(0, 9_000),
    st.lists(st.integers(0, 14_000), min_size=2, max_size=6),
    st.booleans(),
    st.booleans(),
)
def test_joined_neighbours_are_one_chunk(dtype, position, cuts, reverse, compensated):
    cuts = sorted(cuts)
    x = values((cuts[-1], 3), dtype)
    scan = scan_of(x, 0, None, Options(reverse=reverse, compensated=compensated))

    def part(begin, end):
        lower, upper = (cuts[-1] - end, cuts[-1] - begin) if reverse else (begin, end)
        return scan.aggregate(x[lower:upper], position + begin)

    joined = part(cuts[0], cuts[0])
    for begin, end in itertools.pairwise(cuts):
        joined = scan.join(joined, part(begin, end))
    assert fields(joined) == fields(part(cuts[0], cuts[-1]))


def test_large_chunks():
    """The axis is shared out among the threads."""
    x = values((3_000_000,), "float32")
    for threads in (1, 2, 5):
        with cumsum.num_threads(threads):
            assert same_bits(apart(x, 0, (1_000_003, 2_000_000)), cumsum.cumsum(x, 0))


def test_aggregates_are_small():
    x = values((4096 * 100 + 10,), "float32")
    aggregate = scan_of(x, 0).aggregate(x, 0)
    assert aggregate.totals.nbytes == 800
    assert aggregate.head.size == 0
    assert len(pickle.dumps(aggregate)) < 2000


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (9_000, 0)])
def test_nothing(shape):
    x = np.zeros(shape, np.float32)
    assert apart(x, 0, (0, 5, 4100)).shape == shape


def test_what_does_not_follow():
    x = values((100,), "float32")
    scan = scan_of(x, 0)
    with pytest.raises(ValueError, match="at 50 does not follow a state at 0"):
        scan.advance(scan.begin(), scan.aggregate(x, 50))
    with pytest.raises(ValueError, match="at 50 does not follow 0 elements"):
        scan.join(scan.aggregate(x[:0], 0), scan.aggregate(x, 50))
    with pytest.raises(TypeError, match="got a chunk of float64, the first one was of float32"):
        scan.aggregate(x.astype(float), 0)
    assert isinstance(scan.aggregate(x, 50), Aggregate)
