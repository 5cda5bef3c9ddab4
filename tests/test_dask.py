"""Arrays of Dask: the bits of one scan in memory, whatever the chunks; lazily, in small graphs."""

import dask
import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cumsum
import cumsum.dask
from bits import same_bits
from cumsum.dask import graph

DTYPES = ["bool", "int8", "uint16", "int32", "int64", "uint64", "float16", "float32", "float64"]
DTYPES += ["longdouble", "complex64", "complex128", ">f4", ">i8"]
SHAPES = [((20_000,), 0), ((3, 9000), 1), ((9000, 4), 0), ((2, 5000, 3), 1), ((5, 0), 1), ((0,), 0)]
FLAGS = [{"exclusive": e, "reverse": r} for e in (False, True) for r in (False, True)]


@pytest.fixture(autouse=True)
def in_this_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture(params=["in turn", "chain", "groups", "tree"])
def schedule(request, monkeypatch):
    """Each of the ways through a row of chunks, for arrays of any size."""
    share, longest, width = {
        "in turn": (-1, 256, 8),
        "chain": (2, 256, 8),
        "groups": (2, 4, 3),
        "tree": (2, 2, 2),
    }[request.param]
    monkeypatch.setattr(cumsum.dask, "LARGEST_SHARE", share)
    monkeypatch.setattr(graph, "LONGEST_CHAIN", longest)
    monkeypatch.setattr(graph, "WIDTH", width)


def values(shape, dtype, seed=0):
    x = np.random.default_rng(seed).standard_normal(shape) * 20
    return x > 0 if dtype == "bool" else x.astype(dtype)


def cut(n, rng, most=12):
    """Chunks of any sizes, nothing included, that make up a dim."""
    edges = np.sort(rng.integers(0, n + 1, rng.integers(1, most)))
    return tuple(np.diff([0, *edges, n]).tolist())


def cut_all(shape, axis, rng):
    """Chunks of any sizes, most of them along the axis."""
    return tuple(cut(n, rng, 12 if d == axis else 3) for d, n in enumerate(shape))


def check(x, axis, chunks, **options):
    """Compare with the scan in memory; options that are arrays may be Dask's."""
    known = {k: v.compute() if isinstance(v, da.Array) else v for k, v in options.items()}
    expected = cumsum.cumsum(x, axis, **known)
    result = cumsum.cumsum(da.from_array(x, chunks=chunks), axis, **options)
    assert (result.shape, result.dtype) == (expected.shape, expected.dtype)
    assert type(result._meta) is np.ndarray
    assert same_bits(result.compute(), expected), (x.shape, axis, chunks, options)
    return result


@pytest.mark.parametrize("dtype", DTYPES)
def test_bits(dtype, schedule):
    rng = np.random.default_rng(1)
    for (shape, axis), flags in zip(SHAPES, FLAGS + FLAGS[::-1], strict=False):
        chunks = cut_all(shape, axis, rng)
        result = check(values(shape, dtype), axis, chunks, **flags)
        assert result.chunks == chunks


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_cut(data):
    n = data.draw(st.integers(0, 20_000))
    edges = sorted(data.draw(st.lists(st.integers(0, n), max_size=8)))
    chunks = (tuple(np.diff([0, *edges, n]).tolist()),)
    x = values((n,), data.draw(st.sampled_from(["float32", "float64", "int16"])))
    check(x, 0, chunks, reverse=data.draw(st.booleans()), exclusive=data.draw(st.booleans()))


@pytest.mark.parametrize(
    ("dtype", "part"), [("int32", slice(4)), ("float32", slice(2)), ("float64", slice(2, 4))]
)
def test_options(dtype, part, schedule):
    rng = np.random.default_rng(2)
    for (shape, axis), flags in list(zip(SHAPES, FLAGS, strict=False))[part]:
        x = values(shape, dtype)
        chunks = cut_all(shape, axis, rng)
        lines = tuple(n for d, n in enumerate(shape) if d != axis)
        first = rng.integers(0, 9, lines).astype(np.int8)
        for initial in (5, first, np.expand_dims(first, axis), da.from_array(first)):
            check(x, axis, chunks, initial=initial, **flags)
        mask = rng.random(shape) > 0.3
        row = rng.random(shape[-1]) > 0.3
        for where in (mask, da.from_array(mask, chunks=999), row, da.from_array(row, chunks=7)):
            check(x, axis, chunks, where=where, initial=2, **flags)
        check(x, axis, chunks, dtype=np.float64, **flags)
        check(x, axis, chunks, dtype=np.int16, **flags)
        check(x, axis, chunks, precision="compensated", **flags)
        if dtype != "int32":
            x[rng.random(shape) > 0.8] = np.nan
            for missing in ("carry", "nan"):
                check(x, axis, chunks, skipna=True, missing=missing, **flags)
                check(x, axis, chunks, skipna=True, where=mask, missing=missing, **flags)


@pytest.mark.parametrize("reverse", [False, True])
def test_include_initial(reverse, schedule):
    rng = np.random.default_rng(3)
    for shape, axis in SHAPES:
        x = values(shape, "float32")
        chunks = cut_all(shape, axis, rng)
        for initial in (None, 7):
            result = check(x, axis, chunks, include_initial=True, initial=initial, reverse=reverse)
        sizes = list(chunks[axis])
        sizes[-1 if reverse else 0] += 1
        assert result.chunks[axis] == tuple(sizes)


@pytest.mark.parametrize(("dtype", "most"), [("int32", 3), ("int32", 200), ("float32", 200)])
def test_segments(dtype, most, schedule):
    rng = np.random.default_rng(4)
    for (shape, axis), flags in zip(SHAPES, FLAGS + FLAGS[::-1], strict=False):
        x = values(shape, dtype)
        n = shape[axis]
        chunks = cut_all(shape, axis, rng)
        inner = np.sort(rng.integers(0, n + 1, rng.integers(0, most)))
        offsets = np.concatenate([[0], inner, [n]])
        starts = np.isin(np.arange(n), offsets)
        for name, cuts in (
            ("offsets", offsets),
            ("lengths", np.diff(offsets)),
            ("reset", starts),
        ):
            for form in (cuts, da.from_array(cuts, chunks=max(1, len(cuts) // 3))):
                check(x, axis, chunks, **{name: form}, **flags)
        check(x, axis, chunks, offsets=offsets, initial=3, skipna=True, **flags)


@pytest.mark.parametrize("policy", ["raise", "saturate", "wrap"])
def test_overflow(policy, schedule):
    rng = np.random.default_rng(5)
    for source, result, largest in [
        ("int8", "int8", 3),
        ("uint8", "uint16", 255),
        ("int64", "int64", 2**63 - 1),
        ("uint64", "uint64", 2**64 - 1),
        ("int64", "int32", 5),
        ("float64", "int64", 2**62),
        ("bool", "bool", 1),
    ]:
        for flags in FLAGS:
            low = 0 if source[0] in "ub" else -largest
            x = rng.integers(low, largest, (3, 40), "u8" if low == 0 else "i8", endpoint=True)
            x = x.astype(source)
            chunks = (cut(3, rng), cut(40, rng))
            options = flags | {"overflow": policy, "dtype": result, "initial": 1}
            try:
                cumsum.cumsum(x, 1, **options)
            except OverflowError:
                with pytest.raises(OverflowError, match="the sum at index"):
                    cumsum.cumsum(da.from_array(x, chunks=chunks), 1, **options).compute()
            else:
                check(x, 1, chunks, **options)


def test_the_index_of_an_overflow_is_that_of_the_result():
    x = np.full((2, 10), 20, np.int8)
    x[1] = 0
    for options, index in [({}, (0, 6)), ({"include_initial": True}, (0, 7))]:
        lazy = cumsum.cumsum(
            da.from_array(x, chunks=(1, 7)), 1, dtype=np.int8, overflow="raise", **options
        )
        with pytest.raises(OverflowError, match=f"index \\({index[0]}, {index[1]}\\) is 140"):
            lazy.blocks[0, 0].compute()
    lazy = cumsum.cumsum(
        da.from_array(x, chunks=(1, 4)), 1, dtype=np.int8, overflow="raise", initial=40
    )
    with pytest.raises(OverflowError, match=r"index \(0, 4\) is 140"):
        lazy.blocks[0, 1].compute()


def test_sums_of_a_table_along_both_dims():
    x = values((500, 300), "float32")
    for options in ({}, {"include_initial": True}, {"exclusive": True, "reverse": True}):
        for dims in ((0, 1), (-1, 0), [1]):
            check(x, dims, (100, 70), **options)
    check(x, (0, 1), (100, 70), where=x > 0, dtype=np.float64)
    with pytest.raises(ValueError, match="initial cannot be combined with several dims"):
        cumsum.cumsum(da.from_array(x), (0, 1), initial=1)
    with pytest.raises(ValueError, match="none twice"):
        cumsum.cumsum(da.from_array(x), (0, -2))


def test_the_flattened_array():
    x = values((60, 50), "float64")
    for chunks in ((60, 50), (7, 50), (7, 20)):
        check(x, None, chunks)
        result = check(x, None, chunks, where=x[0] > 0, include_initial=True)
        assert min(result.chunks[0]) > 40  # not, as of Dask, as many as there are chunks
    line = da.from_array(x.reshape(-1), chunks=100)
    assert cumsum.cumsum(line, None).chunks == line.chunks
    for dim in (None, 0, -1):
        assert cumsum.cumsum(da.from_array(np.int8(3)), dim).compute().tolist() == [3]


def test_lines_in_one_chunk_have_every_option():
    x = values((6, 40), "float64")
    decay = np.random.default_rng(6).random((6, 1))
    for form in (0.5, decay, da.from_array(decay, chunks=2), np.full(x.shape, 0.25)):
        check(x, 1, (2, 40), decay=form, include_initial=True)
    each = x > 20
    check(x, 1, (2, 40), reset=each)
    check(x, 1, (2, 40), reset=da.from_array(each, chunks=7))
    check(x, 1, (2, 40), offsets=da.from_array(np.array([0, 3, 40]), chunks=2), initial=x[:, 0])
    days = np.arange(40).astype("m8[D]").reshape(4, 10)
    check(days, 1, (2, 10))


def test_chunks_of_unknown_sizes():
    x = values((20_000,), "float64")
    lazy = da.from_array(x, chunks=3000)
    for dtype in ("float64", "int64"):
        kept = lazy[lazy > 0].astype(dtype)
        for flags in FLAGS:
            expected = cumsum.cumsum(x[x > 0].astype(dtype), 0, **flags)
            assert same_bits(cumsum.cumsum(kept, 0, **flags).compute(), expected)
    with pytest.raises(ValueError, match="where needs an input whose chunks have known sizes"):
        cumsum.cumsum(kept, 0, where=x[x > 0] > 1)
    with pytest.raises(ValueError, match="reset needs an input whose chunks have known sizes"):
        cumsum.cumsum(kept, 0, reset=x[x > 0] > 1)


def test_nothing_is_computed_when_called():
    def never(block):
        raise AssertionError("computed")

    x = da.zeros((100, 50), chunks=10).map_blocks(never, dtype=float, meta=np.empty((0, 0)))
    mask = x > 0
    line = mask[0]
    y = cumsum.cumsum(x, 0, where=mask, initial=x[0], reverse=True)
    cumsum.cumsum(x, 1, reset=line, skipna=True)
    cumsum.cumsum(x, 1, offsets=line.astype(int))
    cumsum.cumsum(x.rechunk((-1, 10)), 0, decay=x)
    cumsum.cumulative_sum(x, axis=0, include_initial=True)
    with pytest.raises(AssertionError, match="computed"):
        y.compute()


def test_the_graphs_are_small():
    def added(n, **options):
        x = da.zeros(n * 65_536, chunks=65_536)
        y = cumsum.cumsum(x, 0, **options)
        return len(y.__dask_graph__()) - len(x.__dask_graph__())

    assert added(100) == 3 * 100 - 2
    assert added(1000) <= 2.2 * 1000
    x = da.zeros((1000, 10), chunks=(100, 10))
    y = cumsum.cumsum(x, 0)
    assert len(y.__dask_graph__()) - len(x.__dask_graph__()) == 3 * 10


def longest_path(y):
    """How many tasks follow each other at most."""
    tasks = dask._task_spec.convert_legacy_graph(dict(y.__dask_graph__()))
    depth = {}
    for key in dask.core.toposort({key: set(task.dependencies) for key, task in tasks.items()}):
        depth[key] = 1 + max((depth[other] for other in tasks[key].dependencies), default=0)
    return max(depth.values())


def test_the_carries_of_long_rows_are_a_tree():
    for n, most in ((200, 204), (2000, 256), (4000, 100)):
        y = cumsum.cumsum(da.zeros(n, dtype=np.int64, chunks=1), 0)
        assert longest_path(y) < most


def test_names_tell_calls_apart():
    x = da.from_array(np.arange(10.0), chunks=3)
    calls = [{}, {"reverse": True}, {"initial": 1}, {"dtype": np.float32}, {"where": x > 1}]
    calls += [{"offsets": np.array([0, 4, 10])}, {"offsets": np.array([0, 5, 10])}]
    names = [cumsum.cumsum(x, 0, **options).name for options in calls]
    assert len(set(names)) == len(calls)
    assert names == [cumsum.cumsum(x, 0, **options).name for options in calls]


def test_functions_of_dask_go_on_from_there():
    x = np.random.default_rng(7).random((400, 30))
    lazy = cumsum.cumsum(da.from_array(x, chunks=(90, 20)), 0)
    sums = cumsum.cumsum(x, 0)
    assert np.allclose((lazy / lazy[-1]).mean().compute(), (sums / sums[-1]).mean())
    assert same_bits(lazy[3:170:2, ::-1].compute(), sums[3:170:2, ::-1])
    assert same_bits(lazy.persist().rechunk(50).compute(), sums)
    assert same_bits(lazy.compute(scheduler="threads"), sums)
    assert same_bits(cumsum.cumulative_sum(lazy, axis=1).compute(), cumsum.cumsum(sums, 1))
    both = dask.compute(lazy.max(), lazy.blocks[2, 1])
    assert same_bits(both[1], sums[180:270, 20:])


@pytest.mark.parametrize(
    ("error", "message", "options"),
    [
        (NotImplementedError, "out is not available", {"out": np.zeros(10)}),
        (NotImplementedError, "decay needs a dim that is one chunk", {"decay": 0.5}),
        (NotImplementedError, "reset for each line needs", {"reset": np.ones((1, 10), bool)}),
        (TypeError, "must be of bool", {"where": np.ones(10)}),
        (ValueError, "where has shape", {"where": np.ones(9, bool)}),
        (ValueError, "initial has shape", {"initial": np.ones(2)}),
        (TypeError, "initial of complex128", {"initial": 1j}),
        (ValueError, "overflow='raise' is for results that are integers", {"overflow": "raise"}),
        (
            ValueError,
            "missing is 'nan'",
            {"where": np.ones(10, bool), "missing": "nan", "dtype": int},
        ),
        (ValueError, "offsets\\[2\\] is 10, but must not", {"offsets": [0, 11, 10]}),
        (ValueError, "lengths add up to 9", {"lengths": [4, 5]}),
        (ValueError, "reset has shape", {"reset": np.ones(9, bool)}),
        (TypeError, "offsets must be integers", {"offsets": da.ones(3)}),
        (TypeError, "unexpected keyword", {"method": "blelloch"}),
        (TypeError, "dtype", {"dtype": "M8[D]"}),
    ],
)
def test_errors_come_with_the_call(error, message, options):
    x = da.from_array(np.arange(10.0), chunks=4)
    with pytest.raises(error, match=message):
        cumsum.cumsum(x, 0, **options)


def test_what_cannot_be_scanned():
    x = da.from_array(np.arange(10.0), chunks=4)
    with pytest.raises(np.exceptions.AxisError):
        cumsum.cumsum(x, 1)
    with pytest.raises(TypeError, match="cannot be written to"):
        cumsum.cumsum_(x, 0)
    with pytest.raises(NotImplementedError, match="sums of timedelta64"):
        cumsum.cumsum(x.astype("m8[s]"), 0)
    with pytest.raises(NotImplementedError, match="sums of object"):
        cumsum.cumsum(x.astype(object), 0)
    with pytest.raises(ValueError, match="axis is needed"):
        cumsum.cumulative_sum(x.reshape(2, 5))
    masked = da.ma.masked_greater(x, 3)
    with pytest.raises(NotImplementedError, match="must not have masked chunks"):
        cumsum.cumsum(masked, 0)
    hidden = x.map_blocks(np.ma.masked_array, meta=np.empty(0))
    with pytest.raises(NotImplementedError, match="must not have masked chunks"):
        cumsum.cumsum(hidden, 0).compute()
    torch = pytest.importorskip("torch")
    tensors = x.map_blocks(torch.from_numpy, meta=torch.empty(0, dtype=torch.float64))
    with pytest.raises(TypeError, match=r"not torch\.Tensor"):
        cumsum.cumsum(tensors, 0)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_nothing_in_a_row(shape):
    for bordered in (False, True):
        y = cumsum.cumsum(da.zeros(shape, chunks=shape), None, include_initial=bordered)
        assert same_bits(
            y.compute(), cumsum.cumsum(np.zeros(shape), None, include_initial=bordered)
        )


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("chunk", [2, 3, 5, 7, 40])
def test_exact_sums_of_segments(chunk, reverse):
    rng = np.random.default_rng(chunk)
    x = rng.integers(-100, 100, (3, 40))
    offsets = np.array([0, 2, 5, 6, 6, 21, 22, 23, 40])
    given = {"offsets": offsets, "reverse": reverse, "initial": 3}
    y = cumsum.cumsum(
        da.from_array(x, chunks=(2, chunk)), 1, **given, dtype="u1", overflow="saturate"
    )
    expected = cumsum.cumsum(x, 1, **given).clip(0, 255)
    assert np.array_equal(y.compute(scheduler="sync"), expected)
    at = (2, 22 if reverse else 21)  # a segment of one element
    x[:], x[at] = 0, 300
    y = cumsum.cumsum(da.from_array(x, chunks=(2, chunk)), 1, **given, dtype="u1", overflow="raise")
    with pytest.raises(OverflowError, match=rf"index \(2, {at[1]}\) is 303"):
        y.compute(scheduler="sync")
