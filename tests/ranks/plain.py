"""Process groups: `cumsum.distributed.cumsum` and `exscan`."""

import itertools
import random

import pytest
import torch

import cumsum
from cumsum.distributed import cumsum as scan
from cumsum.distributed import exscan

DTYPES = {
    "bool": torch.int64,
    "uint8": torch.int64,
    "int32": torch.int64,
    "int64": torch.int64,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,
    "complex64": torch.complex64,
    "complex128": torch.complex128,
}
ROUND = (8192, 4096, 12288)  # sizes of shards that begin where tiles do
UNEVEN = ((3, 5, 2, 7), (0, 9, 0, 4), (4097, 1, 4095, 12), (0, 0, 0, 0), (5000, 0, 4096, 8191))


def values(shape, dtype, seed=0):
    """Numbers whose sums are rounded."""
    x = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * 100
    dtype = getattr(torch, dtype) if isinstance(dtype, str) else dtype
    return torch.complex(x, x.flip(0)).to(dtype) if dtype.is_complex else x.to(dtype)


def same(a, b):
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    a, b = (t.contiguous().view(-1).view(torch.uint8) for t in (a, b))
    assert torch.equal(a, b)


def aligned(world, last=300):
    """Sizes of shards all of which begin where a tile of the whole does."""
    return [*itertools.islice(itertools.cycle(ROUND), world.size - 1), last]


def one_by_one(x, dim, sizes, reverse=False, **options):
    """The order of additions of shards, by scans of pieces of a tile: each begins with a carry."""
    from cumsum.chunked import TILE

    wide = {torch.float32: torch.float64, torch.complex64: torch.complex128}.get(x.dtype, x.dtype)
    parts = [part.flip(dim) if reverse else part for part in x.split(sizes, dim)]
    tiles = [part.split(TILE, dim) for part in (parts[::-1] if reverse else parts)]
    carry = torch.zeros_like(x.sum(dim, keepdim=True)).to(wide)
    results = []
    for tile in itertools.chain(*tiles):
        if tile.size(dim):
            sums = cumsum.cumsum(tile, dim, dtype=wide)
            results.append(carry + sums)
            carry = carry + sums.narrow(dim, tile.size(dim) - 1, 1)
    y = torch.cat(results, dim).to(x.dtype) if results else x.clone()
    return y.flip(dim) if reverse else y


def check_bits_of_one_scan(world):
    """Shards that begin where tiles do: the bits of the scan in memory, of every dtype."""
    for dtype, (shape, dim) in itertools.product(DTYPES, (((), 0), ((3,), 0), ((3,), 1))):
        for reverse, exclusive in itertools.product((False, True), repeat=2):
            sizes = aligned(world)[:: -1 if reverse else 1]
            x = values([*shape[:dim], sum(sizes), *shape[dim:]], dtype)
            first = values(shape, DTYPES[dtype], 1)
            options = {"reverse": reverse, "exclusive": exclusive, "initial": first}
            for precision in (None, "compensated"):
                want = cumsum.cumsum(x, dim, precision=precision, **options)
                part = world.shard(x, dim, sizes)
                got = scan(part, dim, precision=precision, **options)
                same(got, world.shard(want, dim, sizes))


def check_bits_elsewhere(world):
    """Other shards begin tiles of their own; integers have the bits of one scan anyway."""
    for start, reverse in itertools.product(UNEVEN, (False, True)):
        sizes = list(start[: world.size])
        for shape, dim in (((sum(sizes),), 0), ((sum(sizes), 3), 0), ((2, sum(sizes)), 1)):
            for dtype in ("float32", "float64", "complex64"):
                x = values(shape, dtype)
                want = one_by_one(x, dim, sizes, reverse)
                got = scan(world.shard(x, dim, sizes), dim, reverse=reverse)
                same(got, world.shard(want, dim, sizes))
            x = values(shape, "int32")
            want = cumsum.cumsum(x, dim, reverse=reverse)
            got = scan(world.shard(x, dim, sizes), dim, reverse=reverse)
            same(got, world.shard(want, dim, sizes))


def check_bits_of_random_sizes(world):
    draw = random.Random(0)
    for round_ in range(20):
        most = draw.choice((3, 20, 5000, 9000))
        sizes = [draw.randrange(most) for _ in range(world.size)]
        shape, dim = draw.choice((((), 0), ((3,), 0), ((3,), 1), ((2, 2), 1)))
        x = values([*shape[:dim], sum(sizes), *shape[dim:]], "float32", round_)
        reverse = draw.random() < 0.5
        got = scan(world.shard(x, dim, sizes), dim, reverse=reverse)
        same(got, world.shard(one_by_one(x, dim, sizes, reverse), dim, sizes))


def check_half_is_carried_wide(world):
    """Totals of 16-bit floats are not rounded to 16 bits: half an ulp more than the exact sums."""
    sizes = [1000 + 7 * rank for rank in range(world.size)]
    for dtype in (torch.float16, torch.bfloat16):
        x = torch.rand(sum(sizes), generator=torch.Generator().manual_seed(0)).to(dtype)
        exact = cumsum.cumsum(x.double(), 0)
        got = world.whole(scan(world.shard(x, 0, sizes), 0)).double()
        ulp = exact.to(dtype).double() * torch.finfo(dtype).eps
        assert ((got - exact).abs() <= 0.57 * ulp).all()


def check_any_number_of_bytes(world):
    """Totals of 16-bit floats have four bytes each."""
    for shape, dim in (((5,), 0), ((3, 2), 1), ((1, 4096), 1)):
        last = scan(torch.ones(shape, dtype=torch.bfloat16), dim).select(dim, -1)
        assert (last == (world.rank + 1) * shape[dim]).all()


def check_same_bits_every_time(world):
    sizes = list(UNEVEN[-1][: world.size])
    x = world.shard(values(sum(sizes), "float32"), 0, sizes)
    first = scan(x, 0)
    for _ in range(3):
        same(scan(x, 0), first)
    same(scan(x, 0, sizes=sizes), first)


def check_strides_and_layouts(world):
    sizes = [5000, 3, 4096, 700][: world.size]
    x = values((sum(sizes), 6), "float32")
    part = world.shard(x, 0, sizes)
    want = scan(part, 0)
    same(scan(part.T.contiguous().T, 0), want)
    same(scan(torch.stack((part, part), 2)[:, :, 1], 0), want)
    same(scan(part[:, :1].expand(-1, 6), 0)[:, 3], want[:, 0])
    c = torch.complex(part, part)
    same(scan(c.conj(), 0), scan(c.conj().resolve_conj(), 0))
    for x in (torch.zeros(0, 4), torch.zeros(3, 0)):
        assert scan(x, 1).shape == x.shape


def check_dtypes(world):
    sizes = [3] * world.size
    x = values((sum(sizes), 2), "float32")
    for source, result in (("float32", "float64"), ("int32", "int32"), ("float32", "bfloat16")):
        x = values((sum(sizes), 2), source)
        options = {"dtype": getattr(torch, result)}
        want = cumsum.cumsum(x, 0, **options)
        got = scan(world.shard(x, 0, sizes), 0, **options)
        torch.testing.assert_close(got, world.shard(want, 0, sizes))
    with pytest.raises(RuntimeError, match="not implemented for"):
        scan(world.shard(x, 0, sizes), 0, dtype=torch.bool)
    with pytest.raises(IndexError, match="Dimension out of range"):
        scan(world.shard(x, 0, sizes), 2)


def check_holes(world):
    sizes = [3, 9, 2, 6][: world.size]
    x = values((sum(sizes), 3), "float32")
    x[::4] = float("nan")
    where = torch.arange(sum(sizes) * 3).view(-1, 3) % 5 != 0
    for options in ({"skipna": True}, {"skipna": True, "missing": "nan"}, {"skipna": True}):
        want = cumsum.cumsum(x, 0, where=where, **options)
        mine = world.shard(where, 0, sizes)
        got = scan(world.shard(x, 0, sizes), 0, where=mine, **options)
        torch.testing.assert_close(got, world.shard(want, 0, sizes), equal_nan=True)


def check_exscan(world):
    """The bits of an exclusive scan over ranks whose tiles have one element each."""
    rank = world.rank
    for dtype, result in DTYPES.items():
        every = values((world.size, 2, 3), dtype)
        wide = torch.complex128 if result.is_complex else torch.float64
        wide = result if result == torch.int64 else wide
        before = sum(every[:rank].to(wide).unbind(0), torch.zeros(2, 3, dtype=wide))
        after = sum(every[rank + 1 :].to(wide).unbind(0), torch.zeros(2, 3, dtype=wide))
        torch.testing.assert_close(exscan(every[rank]), before.to(result))
        torch.testing.assert_close(exscan(every[rank], reverse=True), after.to(result))
        with_mine = (before + every[rank].to(wide)).to(result)
        torch.testing.assert_close(exscan(every[rank], exclusive=False), with_mine)
        if result == torch.float64:
            same(exscan(every[rank], check=False), before)
    assert exscan(torch.tensor(3), initial=5).item() == 5 + 3 * rank
