"""Shards on devices without kernels of ours: the same steps by torch's operations, on the CPU."""

import itertools

import pytest
import torch

import cumsum
from cumsum.distributed import operators
from cumsum.kernels.tensor import How

SIZES = [4100, 0, 3, 700]


def scan_elsewhere(x, dim, result, initial=None, **options):
    """The scans of all shards of `x`, each after the totals of those before it, put together."""
    rest = (*How(dim, result, **options), SIZES, 0)
    parts = x.split(SIZES, dim)
    every = torch.stack([operators._shard_totals_elsewhere(part, *rest) for part in parts])
    results = [
        operators._scan_shard_elsewhere(part, initial, every, *rest, rank)
        for rank, part in enumerate(parts)
    ]
    return torch.cat(results, dim)


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("bool", "int64"),
        ("int32", "int32"),
        ("int64", "int64"),
        ("bfloat16", "bfloat16"),
        ("float32", "float32"),
        ("float32", "float64"),
        ("complex64", "complex64"),
    ],
)
@pytest.mark.parametrize("dim", [0, 1])
def test_sums(source, result, dim):
    source, result = getattr(torch, source), getattr(torch, result)
    shape = [3, 3]
    shape[dim] = sum(SIZES)
    x = (torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 9).to(source)
    first = torch.arange(3).unsqueeze(dim).to(result)
    for exclusive, reverse in itertools.product((False, True), repeat=2):
        options = {"exclusive": exclusive, "reverse": reverse}
        want = cumsum.cumsum(x, dim, dtype=result, initial=first, **options)
        got = scan_elsewhere(x, dim, result, first, **options)
        torch.testing.assert_close(got, want)


def test_precision_is_not_available():
    with pytest.raises(NotImplementedError, match="compensated"):
        scan_elsewhere(torch.ones(sum(SIZES)).double(), 0, torch.float64, compensated=True)
