"""Several dims: each sum is that of a rectangle."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
import torch

import cumsum

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
        ((0, 1), {"overflow": "raise"}, ValueError, "overflow cannot be combined"),
    ],
)
def test_errors(dims, options, kind, message):
    for x in (X, torch.from_numpy(X)):
        with pytest.raises(kind, match=message):
            cumsum.cumsum(x, dims, **options)


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
