"""Several dims: each sum is that of a rectangle."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
import torch

import cumsum

da = pytest.importorskip("dask.array")
DIMS = [(0, 1), (-2, -1), (1, 0), [2], (0, 1, 2)]
FLAGS = [
    dict(zip(("exclusive", "reverse", "include_initial"), values, strict=True))
    for values in itertools.product((False, True), repeat=3)
]
X = np.random.default_rng(0).integers(-5, 6, (4, 5, 3))


def in_turn(x, dims, **flags):
    for dim in dims:
        x = cumsum.cumsum(x, dim, **flags)
    return x


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize("dims", DIMS)
def test_values(dims, flags):
    expected = in_turn(X, dims, **flags)
    result = cumsum.cumsum(X, dims, **flags)
    assert np.array_equal(result, expected)
    assert result.dtype == np.int64
    out = np.empty_like(expected)
    assert cumsum.cumsum(X, axis=dims, out=out, **flags) is out
    assert np.array_equal(out, expected)
    x = torch.from_numpy(X).float()
    sums = cumsum.cumsum(x, dims, **flags)
    assert np.array_equal(sums, expected)
    out = torch.empty_like(sums)
    assert cumsum.cumsum(x, dims, out=out, **flags) is out
    assert torch.equal(out, sums)
    if not flags["include_initial"]:
        own, of = X.copy(), {k: v for k, v in flags.items() if k != "include_initial"}
        assert cumsum.cumsum_(own, dims, **of) is own
        assert np.array_equal(own, expected)


def test_rectangles():
    table = cumsum.cumsum(X[..., 0], (0, 1), include_initial=True)
    for (a, b), (c, d) in itertools.product(itertools.combinations(range(5), 2), repeat=2):
        box = table[b, d] - table[a, d] - table[b, c] + table[a, c]
        assert box == X[a:b, c:d, 0].sum()


@pytest.mark.parametrize("flags", FLAGS)
def test_gradients_and_graphs(flags):
    x = torch.randn(3, 4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: cumsum.cumsum(x, (0, 1), **flags), x)
    assert torch.autograd.gradgradcheck(lambda x: cumsum.cumsum(x, (0, 1), **flags), x)
    y = cumsum.cumsum(x, (0, 1), **flags)
    torch._dynamo.reset()
    compiled = torch.compile(
        lambda x: cumsum.cumsum(x, dim=(0, 1), **flags), fullgraph=True, backend="aot_eager"
    )
    assert torch.equal(compiled(x), y)
    each = torch.vmap(lambda x: cumsum.cumsum(x, (0, 1), **flags), in_dims=2, out_dims=2)
    assert torch.equal(each(x), y)


def test_dtype_and_precision():
    x = np.full((3, 200), 0.1, np.float32)
    assert cumsum.cumsum(x, (0, 1), dtype=np.float64).dtype == np.float64
    wide = np.resize([1e16, 1.0, -1e16], (2, 3))
    assert cumsum.cumsum(wide, (1, 0), precision="compensated")[1, 2] == 2


@pytest.mark.parametrize(
    ("dims", "options", "kind", "message"),
    [
        ((), {}, ValueError, r"dim is \(\), but must name one dim at least"),
        ((0, -3), {}, ValueError, "none twice"),
        ((0, 5), {}, IndexError, r"out of bounds|not in \[-3, 3\)"),
        ((0, "a"), {}, TypeError, "str"),
        ((0, 1), {"initial": 3}, ValueError, "initial cannot be combined with several dims"),
        ((0, 1), {"decay": 0.5}, ValueError, "decay cannot be combined"),
        ((0, 1), {"offsets": [0, 4]}, ValueError, "offsets cannot be combined"),
        (
            (0, 1),
            {"overflow": "raise", "dtype": "float32"},
            ValueError,
            "results that are integers",
        ),
    ],
)
def test_errors(dims, options, kind, message):
    for x in (X, torch.from_numpy(X)):
        given = dict(options)
        if isinstance(x, torch.Tensor) and "dtype" in given:
            given["dtype"] = getattr(torch, given["dtype"])
        with pytest.raises(kind, match=message):
            cumsum.cumsum(x, dims, **given)


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize("dims", DIMS)
def test_exact_sums(dims, flags):
    rng = np.random.default_rng(1)
    x = rng.integers(-128, 128, (4, 5, 3), np.int8)
    where = rng.random(x.shape) < 0.8
    sums = in_turn(np.where(where, x, 0).astype(np.int64), dims, **flags)
    for convert, dtype in ((np.asarray, np.int8), (torch.from_numpy, torch.int8)):
        given = {"dtype": dtype, "where": convert(where), **flags}
        y = cumsum.cumsum(convert(x), dims, overflow="saturate", **given)
        assert y.dtype == dtype
        assert np.array_equal(y, sums.clip(-128, 127))
        with pytest.raises(OverflowError, match="but int8 holds -128 to 127"):
            cumsum.cumsum(convert(x), dims, overflow="raise", **given)
        y = cumsum.cumsum(convert(x), dims, overflow="raise", where=given["where"], **flags)
        assert np.array_equal(y, sums)
        if not flags["include_initial"]:
            own = convert(x.copy())
            given = {
                name: v for name, v in given.items() if name not in {"dtype", "include_initial"}
            }
            assert cumsum.cumsum_(own, dims, overflow="saturate", **given) is own
            assert np.array_equal(own, sums.clip(-128, 127))


def test_exact_sums_in_graphs_and_for_dask():
    x = np.full((6, 7), 50, np.int8)
    expected = (50 * np.outer(range(1, 7), range(1, 8))).clip(-128, 127)
    torch._dynamo.reset()

    def scan(x):
        return cumsum.cumsum(x, (0, 1), dtype=torch.int8, overflow="saturate")

    compiled = torch.compile(scan, fullgraph=True, backend="aot_eager")
    assert np.array_equal(compiled(torch.from_numpy(x)), expected)
    chunked = da.from_array(x, chunks=(4, 3))
    y = cumsum.cumsum(chunked, (0, 1), dtype=np.int8, overflow="saturate")
    assert np.array_equal(y.compute(), expected)


def test_sums_on_the_way_have_64_bits():
    x = np.full((2, 2), 2**62)
    x[1] = -(2**62)
    assert cumsum.cumsum(x, (0, 1), overflow="saturate").tolist() == [[2**62, 2**63 - 1], [0, 0]]
    with pytest.raises(OverflowError, match="int64 holds"):
        cumsum.cumsum(np.full((2, 2), 2**62), (0, 1), overflow="saturate")


def test_no_other_array_than_the_result():
    code = """
import resource, numpy as np, cumsum
x = np.ones((4000, 4000))
y = np.empty((4001, 4001))
y[:] = 0
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
cumsum.cumsum(x, (0, 1), out=y, include_initial=True)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    taken = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert int(taken) < 30_000  # KiB, of 125,000 that an array takes
