"""cumsum.RunningSum on NumPy arrays: chunks have the bits of one scan of all."""

import copy
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cumsum
from bits import same_bits
from cases import DTYPES, LAYOUTS, hard, numpy_dtype, values
from cumsum import _core
from cumsum.spec import Spec
from cumsum.stream import arrays

INEXACT = ("float16", "bfloat16", "float32", "float64", "longdouble", "complex64", "complex128")
COMPENSATED = ("float64", "complex128", "float32")
# A chunk's edges about those of groups and tiles.
EDGES = (0, 0, 1, 3, 8, 9, 24, 31, 4095, 4096, 4096, 4099, 8192, 8200, 9001)
SHAPES = (
    ((9100,), 0),
    ((9100, 1), 0),
    ((9100, 2), 0),
    ((9100, 5), 0),
    ((9100, 40), 0),
    ((2, 9100), 1),
    ((5, 9100), -1),
    ((2, 9100, 3), 1),
    ((3, 2, 9100, 1), -2),
)


def pieces(x, dim, cuts):
    return np.split(x, cuts, dim)


def streamed(x, dim, cuts, **options):
    """The results of a stream, put together."""
    stream = cumsum.RunningSum(dim, **options)
    return np.concatenate([stream.update(chunk) for chunk in pieces(x, dim, cuts)], dim)


def one_more(x, dim, **options):
    """The last sums of all."""
    whole = cumsum.cumsum(x, dim, include_initial=True, **options)
    return np.asarray(whole.take(-1, dim))


def ordinary(shape, dtype):
    return hard(shape, dtype) if dtype in INEXACT and dtype != "float16" else values(shape, dtype)


@pytest.mark.parametrize("dtype", [*DTYPES, "longdouble", "clongdouble"])
def test_bits_of_one_scan(dtype):
    for shape, dim in SHAPES:
        x = ordinary(shape, dtype)
        for exclusive in (False, True):
            whole = cumsum.cumsum(x, dim, exclusive=exclusive)
            assert same_bits(streamed(x, dim, EDGES, exclusive=exclusive), whole), (shape, dim)


@pytest.mark.parametrize("dtype", COMPENSATED)
def test_compensated(dtype):
    for shape, dim in SHAPES:
        x = ordinary(shape, dtype)
        whole = cumsum.cumsum(x, dim, precision="compensated")
        assert same_bits(streamed(x, dim, EDGES, precision="compensated"), whole)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["int8", "float16", "float32", "complex128"])
def test_layouts(dtype, layout):
    for shape, dim in (((4200,), 0), ((7, 4200), 1), ((4200, 7), 0), ((2, 4200, 3), 1)):
        x = LAYOUTS[layout](values(shape, dtype))
        assert same_bits(streamed(x, dim, (5, 13, 4090, 4101)), cumsum.cumsum(x, dim))


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_every_place_in_a_group(dtype):
    x = values((40,), dtype)
    whole, before = cumsum.cumsum(x, 0), cumsum.cumsum(x, 0, exclusive=True)
    for first in range(17):
        for second in range(first, 36):
            assert same_bits(streamed(x, 0, (first, second)), whole)
            assert same_bits(streamed(x, 0, (first, second), exclusive=True), before)


@given(
    st.sampled_from(INEXACT),
    st.sampled_from([(1, 0), (3, 0), (3, 1), (20, 0), (20, 1)]),
    st.lists(st.integers(0, 13_000), max_size=12),
    st.integers(0, 13_000),
    st.booleans(),
    st.integers(1, 4),
)
def test_any_cuts(dtype, lines_and_dim, cuts, length, exclusive, threads):
    lines, dim = lines_and_dim
    x = values((length, lines) if dim == 0 else (lines, length), dtype)
    cuts = sorted(min(cut, length) for cut in cuts)
    with cumsum.num_threads(threads):
        y = streamed(x, dim, cuts, exclusive=exclusive)
    assert same_bits(y, cumsum.cumsum(x, dim, exclusive=exclusive))


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("dtype", ["float16", "float32", "complex64", "int64"])
def test_large_chunks(dtype, threads):
    """The axis is shared out among the threads, or the lines are."""
    for shape, dim in (((1_500_000,), 0), ((2, 700_000), 1), ((400_000, 3), 0), ((900, 2003), 0)):
        x = values(shape, dtype)
        n = shape[dim]
        with cumsum.num_threads(threads):
            assert same_bits(streamed(x, dim, (3, n // 2, n - 4)), cumsum.cumsum(x, dim))


def test_many_short_lines():
    """Their results go past the cache, some lines at a time."""
    x = values((200_000, 21), "float64")
    for cuts in ((8, 18), (16,), (3, 5)):
        assert same_bits(streamed(x, 1, cuts), cumsum.cumsum(x, 1))


def test_one_element_at_a_time():
    x = values((4200, 2), "float32")
    assert same_bits(streamed(x, 0, range(1, 4200)), cumsum.cumsum(x, 0))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_inf_and_nan(dtype):
    for places in ((5, 4093), (4100, 4098), (8, 16), (7, 8192)):
        x = values((9100,), dtype)
        x[places[0]], x[places[1]] = np.inf, -np.inf
        assert same_bits(streamed(x, 0, EDGES), cumsum.cumsum(x, 0))
        x[places[1]] = np.nan
        assert same_bits(streamed(x, 0, EDGES), cumsum.cumsum(x, 0))


def test_each_target_goes_on_from_any(targets):
    x = values((30_000, 3), "float32")
    whole, before, stream = cumsum.cumsum(x, 0), _core.target(), cumsum.RunningSum(0)
    results = []
    try:
        for i, chunk in enumerate(pieces(x, 0, range(1003, 30_000, 1003))):
            assert _core.choose_target(targets[i % len(targets)])
            results.append(stream.update(chunk))
    finally:
        _core.choose_target(before)
    assert same_bits(np.concatenate(results), whole)


CASTS = [("int16", "float64"), ("float64", "float32"), ("float16", "float32"), ("bool", "int8")]
CASTS += [("float32", "complex64"), ("float64", "float16"), ("int64", "uint8"), ("uint8", "bool")]


@pytest.mark.parametrize(("source", "dtype"), CASTS)
def test_casts(source, dtype):
    for shape, dim in SHAPES[:6]:
        x = values(shape, source)
        assert same_bits(streamed(x, dim, EDGES, dtype=dtype), cumsum.cumsum(x, dim, dtype=dtype))


def test_with_a_dtype_chunks_may_differ():
    stream = cumsum.RunningSum(0, "float64")
    chunks = [np.ones(3, d) for d in ("int8", "float32", ">f8", "bool")]
    results = [stream.update(chunk) for chunk in chunks]
    assert same_bits(np.concatenate(results), cumsum.cumsum(np.concatenate(chunks, dtype=float), 0))


def test_the_other_byte_order_is_the_same_dtype():
    stream = cumsum.RunningSum(0)
    assert stream.update(np.arange(3, dtype=">f4")).dtype == np.float32
    assert np.array_equal(stream.update(np.arange(3, dtype="<f4")), [3, 4, 6])


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("include_initial", [False, True])
@pytest.mark.parametrize("dtype", ["int16", "float16", "float32", "complex64", "longdouble"])
def test_where_sums_begin(dtype, include_initial, exclusive):
    flags = {"exclusive": exclusive, "include_initial": include_initial}
    x = values((3, 4200, 2), dtype)
    result = cumsum.cumsum(x[:, :0], 1).dtype
    each = values((3, 2), dtype, 1).astype(result)
    for initial in (None, 3, each, np.asfortranarray(each), each[:, :1], each[:, None]):
        for cuts in ((0, 5, 4099), (4096,), ()):
            y = streamed(x, 1, cuts, initial=initial, **flags)
            assert same_bits(y, cumsum.cumsum(x, 1, initial=initial, **flags))


def test_compensated_from_an_initial():
    x = np.array([1.0, -1e16, 2.0, 3.0])
    options = {"initial": 1e16, "precision": "compensated", "include_initial": True}
    assert list(streamed(x, 0, (1, 3), **options)) == [1e16, 1e16, 1.0, 3.0, 6.0]


def test_total_and_position():
    for dtype in (*DTYPES, "longdouble"):
        x = values((2, 4200, 3), dtype)
        stream = cumsum.RunningSum(1, initial=2, exclusive=True)
        with pytest.raises(RuntimeError, match="from the first chunk on"):
            _ = stream.total
        done = 0
        for chunk in pieces(x, 1, (0, 1, 4, 8, 15, 4096, 4100)):
            stream.update(chunk)
            done += chunk.shape[1]
            assert stream.position == done
            total = one_more(x[:, :done], 1, initial=2)
            assert same_bits(stream.total, total)
            assert same_bits(stream.total, total)  # to ask changes nothing
    stream = cumsum.RunningSum(0)
    stream.update(np.arange(5))
    assert isinstance(stream.total, np.int64)
    assert stream.total == 10


def test_reset():
    stream = cumsum.RunningSum(0, initial=1)
    stream.update(np.arange(5.0))
    stream.reset()
    assert stream.position == 0
    assert np.array_equal(stream.update(np.ones((2, 2), int)), [[2, 2], [3, 3]])


def test_nothing_at_all():
    stream = cumsum.RunningSum(0, include_initial=True)
    assert np.array_equal(stream.update(np.ones((0, 2))), [[0, 0]])
    assert np.array_equal(stream.update(np.ones((1, 2))), [[1, 1]])
    assert stream.update(np.ones((0, 2))).shape == (0, 2)
    stream = cumsum.RunningSum(1)
    assert stream.update(np.ones((0, 5))).shape == (0, 5)
    assert (stream.position, stream.total.shape) == (5, (0,))


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
@pytest.mark.parametrize("dtype", ["bfloat16", "float64", "int32"])
def test_copies_go_their_own_ways(way, dtype):
    x, other = values((9000, 3), dtype), values((9000, 3), dtype, 1)
    for cut in (0, 3, 4096, 5003):
        stream = cumsum.RunningSum(0)
        stream.update(x[: cut // 2])
        stream.update(x[cut // 2 : cut])
        second = way(stream)
        for at in range(cut, 9000, 1700):  # by turns, each in its memory
            mine = stream.update(x[at : at + 1700])
            theirs = second.update(other[at : at + 1700])
        assert same_bits(mine, cumsum.cumsum(x, 0)[at:])
        both = np.concatenate((x[:cut], other[cut:]))
        assert same_bits(theirs, cumsum.cumsum(both, 0)[at:])


CONTINUE = """
import pickle, sys, cumsum
stream, chunk = pickle.load(sys.stdin.buffer)
pickle.dump((cumsum.show_config().target, stream.update(chunk), stream), sys.stdout.buffer)
"""


def test_another_process_goes_on(targets, monkeypatch):
    x = values((300_000,), "float32")
    whole = cumsum.cumsum(x, 0)
    for target in targets:
        monkeypatch.setenv("CUMSUM_TARGET", target)
        monkeypatch.setenv("CUMSUM_NUM_THREADS", "3")
        stream = cumsum.RunningSum(0)
        stream.update(x[:10_003])
        content = pickle.dumps((stream, x[10_003:200_001]))
        done = subprocess.run(
            [sys.executable, "-c", CONTINUE], input=content, stdout=subprocess.PIPE, check=True
        )
        used, y, stream = pickle.loads(done.stdout)
        assert used == target
        assert same_bits(y, whole[10_003:200_001])
        assert same_bits(stream.update(x[200_001:]), whole[200_001:])


def test_little_is_remembered():
    for dtype, most in (("float16", 24), ("float32", 40), ("int64", 40), ("complex128", 80)):
        stream = cumsum.RunningSum(1)
        stream.update(values((10_000, 5), dtype))
        assert len(pickle.dumps(stream)) <= 10_000 * most + 1000


def test_out():
    x = values((3, 4200), "float32")
    whole, stream = cumsum.cumsum(x, 1), cumsum.RunningSum(1)
    out = np.empty((3, 8400), np.float32)[:, ::2]
    for begin, end in ((0, 7), (7, 4100), (4100, 4200)):
        part = out[:, begin:end]
        assert stream.update(x[:, begin:end], part) is part
    assert same_bits(np.ascontiguousarray(out), whole)


def test_in_place():
    for shape, dim in SHAPES:
        x = values(shape, "float32")
        whole, stream = cumsum.cumsum(x, dim), cumsum.RunningSum(dim)
        for chunk in pieces(x, dim, EDGES):
            assert stream.update(chunk, out=chunk) is chunk
        assert same_bits(x, whole)


def test_out_may_overlap_the_chunk():
    memory = np.arange(40.0)
    whole = cumsum.cumsum(memory[:39], 0)
    stream = cumsum.RunningSum(0)
    first = stream.update(memory[:20], memory[1:21]).copy()
    assert same_bits(first, whole[:20])
    x = np.arange(20.0)
    memory = np.concatenate(([0.0], x))
    stream = cumsum.RunningSum(0, include_initial=True, initial=5)
    assert np.array_equal(
        stream.update(memory[1:], memory), cumsum.cumsum(x, 0, initial=5, include_initial=True)
    )


class Labelled(np.ndarray):
    """A subclass that results keep."""


def test_subclasses():
    y = cumsum.RunningSum(0).update(np.arange(3).view(Labelled))
    assert type(y) is Labelled
    assert np.array_equal(y, [0, 1, 3])


def refused(error, message, chunk, out=None, **options):
    """A stream that refuses a chunk goes on as if there had been none."""
    stream = cumsum.RunningSum(0, **options)
    stream.update(np.arange(3.0))
    with pytest.raises(error, match=message):
        stream.update(chunk, out)
    assert np.array_equal(stream.update(np.arange(3.0)), [3, 4, 6])


def test_chunks_that_do_not_fit():
    refused(TypeError, "got a chunk of float32, the first one was of float64", np.ones(3, "f4"))
    refused(ValueError, "got a chunk of shape nx2, the first one had n", np.ones((3, 2)))
    refused(ValueError, "a chunk has one dim or more", np.array(3.0))
    refused(
        TypeError, "must be a torch.Tensor or a numpy.ndarray, not numpy.float64", np.float64(3)
    )
    refused(TypeError, "must be a torch.Tensor or a numpy.ndarray, not list", [1.0])
    refused(NotImplementedError, "masked", np.ma.array([1.0], mask=[True]))
    refused(TypeError, "dates cannot be added", np.zeros(2, "M8[s]"), dtype="float64")
    refused(TypeError, "not available", np.zeros(2, object), dtype="float64")


def test_out_that_does_not_fit():
    chunk = np.arange(3.0)
    refused(TypeError, "must be an array, not list", chunk, [0.0] * 3)
    refused(TypeError, "out is of float32, but the sums are of float64", chunk, np.ones(3, "f4"))
    refused(ValueError, r"out has shape \(4,\)", chunk, np.ones(4))
    read_only = np.ones(3)
    read_only.flags.writeable = False
    refused(ValueError, "read-only", chunk, read_only)


@pytest.mark.parametrize("dtype", ["m8[s]", "O", "T"])
def test_dtypes_without_streams(dtype):
    with pytest.raises(TypeError, match="not available for chunks"):
        cumsum.RunningSum(0).update(np.zeros(3, dtype))


def test_dims():
    with pytest.raises(np.exceptions.AxisError):
        cumsum.RunningSum(2).update(np.ones((3, 3)))
    for dim in (None, 0.0, True, "0"):
        with pytest.raises(TypeError, match="argument 'dim' must be int"):
            cumsum.RunningSum(dim)
    assert np.array_equal(cumsum.RunningSum(np.int64(-1)).update(np.ones((1, 2))), [[1, 2]])


def test_options_that_a_stream_lacks():
    with pytest.raises(ValueError, match="in reverse the last chunk would have to come first"):
        cumsum.RunningSum(0, reverse=True)
    with pytest.raises(NotImplementedError, match="decay and where not available for chunks"):
        cumsum.RunningSum(0, decay=0.5, where=np.ones(3, bool))
    with pytest.raises(TypeError, match="unexpected keyword argument 'axis'"):
        cumsum.RunningSum(0, axis=0)
    with pytest.raises(TypeError, match="argument 'exclusive' must be bool"):
        cumsum.RunningSum(0, exclusive=1)
    with pytest.raises(ValueError, match="precision"):
        cumsum.RunningSum(0, precision="double")
    cumsum.RunningSum(0, reverse=False, where=None, skipna=False)
    stream = cumsum.RunningSum(0, initial=0.5)
    with pytest.raises(TypeError, match="initial of float64 cannot be a sum of dtype int64"):
        stream.update(np.arange(3))
    assert np.array_equal(stream.update(np.arange(3.0)), [0.5, 1.5, 3.5])


def test_an_interrupt_leaves_the_stream_as_it_was(monkeypatch):
    x = values((9000,), "float32")
    stream, whole = cumsum.RunningSum(0), cumsum.cumsum(x, 0)
    stream.update(x[:3])
    stream.update(x[3:5])
    resume = arrays._core.resume

    def interrupted(*args, **kwargs):
        resume(*args, **kwargs)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(arrays._core, "resume", interrupted)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                stream.update(x[5:5000])
    assert stream.position == 5
    assert same_bits(stream.update(x[5:]), whole[5:])


def test_streams_of_different_threads():
    x = values((8, 600_000), "float32")
    with ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda row: streamed(row, 0, (5, 100_003, 400_000)), x)
    assert same_bits(np.stack(list(results)), cumsum.cumsum(x, 1))


def test_positions_beyond_32_bits():
    x = values((9000,), "float32")
    stream = cumsum.RunningSum(0)
    stream.update(x[:5])
    stream._state = stream._state._replace(position=5 + 2**40)  # the same place in its tile
    assert same_bits(stream.update(x[5:]), cumsum.cumsum(x, 0)[5:])
    assert stream.position == 9000 + 2**40


def test_the_core_checks_its_records():
    x = np.ones((3, 8))
    size = 3 * _core.record_size(arrays.door.code_of(x.dtype), False)
    memory = arrays.door.memory_of(x)
    for before, after, position in ((size, size - 1, 0), (size + 1, size, 0), (size, size, -1)):
        states = bytearray(before), bytearray(after)
        with pytest.raises(ValueError, match="out of range"):
            _core.resume(memory, memory, Spec(1), 1, *states, position)
    with pytest.raises(ValueError, match="no such element type"):
        _core.record_size(17, False)


def test_representation():
    stream = cumsum.RunningSum(-1, include_initial=True)
    assert repr(stream) == "<RunningSum dim=-1 dtype=None position=0>"
    stream.update(np.ones((2, 3), np.int8))
    assert repr(stream) == "<RunningSum dim=-1 dtype=int64 position=3>"


def test_bfloat16_arrays():
    x = values((2, 9100), "bfloat16")
    assert streamed(x, 1, EDGES).dtype == numpy_dtype("bfloat16")


def test_initial_may_change_afterwards():
    initial = np.array([1.0, 2.0])
    state = cumsum.RunningSum(1, initial=initial)
    initial[:] = 0
    assert state.update(np.ones((2, 2))).tolist() == [[2, 3], [3, 4]]
