"""Segments, decays and holes by the GPU's kernels, interpreted; run by test_gpu_abilities.py.

With the plugin `gpu_standin` every tensor of the CPU takes the way of a GPU's. Blocks and tiles are
small here, so that lines of some hundred elements have sums of sums.
"""

import mmap
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.testing import assert_close

import cumsum
import gpu_reference
from cumsum.kernels.gpu import decay as decays
from cumsum.kernels.gpu import policy, segments
from cumsum.kernels.gpu.layout import layout_of
from cumsum.kernels.gpu.scan import Values, kind_of
from cumsum.segments import on_gpu

SIZES = (2, 2)  # groups of a block, blocks of a tile: 16 and 32 elements
FORWARD = {"exclusive": False, "reverse": False}
BACK = {"exclusive": True, "reverse": True}

MAP_NORESERVE = 0x4000


@pytest.fixture(autouse=True)
def small(monkeypatch):
    def kind(*args, **kwargs):
        return kind_of(*args, **kwargs)._replace(groups=SIZES[0], blocks=SIZES[1])

    monkeypatch.setattr(on_gpu, "kind_of", kind)
    monkeypatch.setattr(decays, "kind_of", kind)


def noise(shape, dtype=torch.float64, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(shape) * 10 ** rng.standard_normal(shape)
    return torch.as_tensor(values).to(dtype)


def lines_of(x, dim, *, reverse):
    """Lines along the last axis, in the order of the scan, as float64 or int64."""
    lines = x.movedim(dim, -1)
    return lines.flip(-1) if reverse else lines


def restored(lines, like, dim, *, reverse):
    """The tensor whose lines those are."""
    lines = torch.from_numpy(np.ascontiguousarray(lines)).to(like.dtype)
    lines = lines.view(like.movedim(dim, -1).shape)
    return (lines.flip(-1) if reverse else lines).movedim(-1, dim)


def line_by_line(x, dim, initial=None, compensated=False, *, exclusive=False, reverse=False):
    """The scan in the GPU's order, of tensors of the result's dtype."""
    if not x.size(dim):
        return x
    wide = np.float64 if x.dtype.is_floating_point else np.int64
    acc = np.float32 if x.dtype == torch.float16 else wide
    lines = lines_of(x, dim, reverse=reverse)
    values = (lines.reshape(-1, lines.shape[-1]).numpy().astype(acc),)
    begin = (np.zeros(len(values[0]), wide),)
    if initial is not None:
        begin = (initial.reshape(-1).numpy().astype(wide),)
    if compensated:
        values, begin = (values[0], 0 * values[0]), (begin[0], 0 * begin[0])
        given = values, begin, wide, gpu_reference.pair_plus, (0, 0), exclusive, SIZES
        high, low = gpu_reference.scan(*given)
        return restored(high + low, x, dim, reverse=reverse)
    (sums,) = gpu_reference.scan(values, begin, wide, exclusive=exclusive, sizes=SIZES)
    return restored(sums, x, dim, reverse=reverse)


def in_segments(x, dim, offsets, *args, **flags):
    parts = [x.narrow(dim, a, b - a) for a, b in pairwise(offsets)]
    return torch.cat([line_by_line(part, dim, *args, **flags) for part in parts], dim)


def same_bits(a, b):
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    assert a.contiguous().numpy().tobytes() == b.contiguous().numpy().tobytes()


def random_cuts(size, count, seed=0):
    within = np.random.default_rng(seed).integers(0, size + 1, count)
    return [0, *sorted(within.tolist()), size]


ONES = list(range(41))
ONE_LONG = [0, 3, 3, 80, *range(81, 101)]  # three tiles
WALKED = [*range(0, 600, 50), 600]  # longer than a block, and many
HUGE = [0, 260, 260, *range(261, 321)]  # nine tiles, whose sums are two blocks

CUTS = {
    "random": ((60,), 0, random_cuts(60, 9)),
    "empty": ((7,), 0, [0, 0, 3, 3, 7, 7]),
    "one": ((70,), 0, [0, 70]),
    "ones": ((40,), 0, ONES),
    "one long": ((100,), 0, ONE_LONG),
    "huge": ((320,), 0, HUGE),
    "rows": ((2, 70), 1, random_cuts(70, 4)),
    "columns": ((100, 3), 0, ONE_LONG),
    "middle": ((2, 40, 3), 1, random_cuts(40, 4)),
    "disorder": ((2, 20, 2, 3), 1, random_cuts(20, 4)),
}


@pytest.mark.parametrize("flags", [FORWARD, BACK], ids=["forward", "back"])
@pytest.mark.parametrize("case", CUTS)
def test_bits_of_segments(case, flags):
    shape, dim, offsets = CUTS[case]
    x = noise(shape, torch.float32)
    if case == "disorder":
        x = x.transpose(0, 2).contiguous().transpose(0, 2)
    initial = noise(x.narrow(dim, 0, 1).shape, torch.float32) if flags["reverse"] else None
    given = {"offsets": torch.tensor(offsets), "initial": initial, **flags}
    expected = in_segments(x, dim, offsets, initial, **flags)
    same_bits(cumsum.cumsum(x, dim, **given), expected)
    if case == "random":
        assert cumsum.cumsum_(x, dim, **given) is x
        same_bits(x, expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64, torch.int64], ids=str)
def test_bits_of_dtypes(dtype):
    x = (9 * noise(100)).to(dtype)
    offsets = torch.tensor(ONE_LONG)
    same_bits(cumsum.cumsum(x, 0, offsets=offsets), in_segments(x, 0, ONE_LONG))
    if dtype == torch.float64:
        found = cumsum.cumsum(x, 0, offsets=offsets, precision="compensated", reverse=True)
        same_bits(found, in_segments(x, 0, ONE_LONG, None, True, reverse=True))
        z = torch.complex(x, -x)
        same_bits(cumsum.cumsum(z, 0, offsets=offsets).imag, -in_segments(x, 0, ONE_LONG))


def test_segments_that_a_program_walks_along(monkeypatch):
    """Of up to eight tiles; no sums are made before."""
    monkeypatch.setattr(policy, "WARPS_PER_CORE", 1)
    monkeypatch.setattr(segments, "_before", None)
    x = noise(600, torch.float32)
    same_bits(cumsum.cumsum(x, 0, offsets=torch.tensor(WALKED)), in_segments(x, 0, WALKED))


def test_lengths_and_resets():
    x = noise((2, 60), torch.float32)
    offsets = random_cuts(60, 9)
    expected = in_segments(x, 1, offsets)
    lengths = np.diff(offsets)
    same_bits(cumsum.cumsum(x, 1, lengths=torch.from_numpy(lengths)), expected)
    same_bits(cumsum.cumsum(x, 1, lengths=torch.from_numpy(lengths.astype(np.uint8))), expected)
    same_bits(cumsum.cumsum(x, 1, lengths=lengths.tolist()), expected)
    starts = torch.zeros(60, dtype=torch.bool)
    starts[[at for at in offsets if at < 60]] = True
    same_bits(cumsum.cumsum(x, 1, reset=starts), expected)
    starts[0] = False
    both = torch.stack((starts, starts.flip(0)))
    of_each = [[0, *(both[k, 1:].nonzero().flatten() + 1).tolist(), 60] for k in range(2)]
    rows = [in_segments(x[k], 0, of_each[k], reverse=True) for k in range(2)]
    same_bits(cumsum.cumsum(x, 1, reset=both, reverse=True), torch.stack(rows))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"offsets": [0, 4, 2, 6]}, r"offsets\[2\] is 2, but must not be less"),
        ({"offsets": [1, 6]}, r"offsets\[0\] is 1, but must be 0"),
        ({"offsets": [0, 5]}, r"offsets\[1\] is 5, but must be 6"),
        ({"offsets": [0, 9, 6]}, r"offsets\[2\] is 6, but must not be less"),
        ({"offsets": [0, -(2**63), 2**62, 6]}, r"offsets\[1\] is -9223372036854775808"),
        ({"offsets": [0]}, "6"),
        ({"offsets": [[0, 6]]}, "must be 1-D and not empty"),
        ({"lengths": [3, -1, 4]}, r"lengths\[1\] is -1, but must not be negative"),
        ({"lengths": [3, 4]}, "lengths add up to 7, but the dim has 6 elements"),
        ({"lengths": [2**63 - 1, 2**63 - 1, 8]}, "lengths"),
        ({"reset": [True]}, "reset has shape"),
    ],
    ids=str,
)
def test_errors(options, message):
    ((name, cuts),) = options.items()
    y = torch.full((6,), 7.0)
    with pytest.raises(ValueError, match=message):
        cumsum.cumsum(torch.ones(6), 0, out=y, **{name: torch.tensor(cuts)})
    assert y.tolist() == [7] * 6


@pytest.mark.parametrize(
    "offsets",
    [
        [0, 60],
        ONES,
        [0, 90, 20, 60],
        [-(2**63), 2**63 - 1],
        [70, -5, 2**40, 30],
        random_cuts(60, 5),
    ],
    ids=str,
)
def test_offsets_that_nobody_has_checked(offsets):
    """As in a CUDA graph: right ones give the same bits, and others leave the rest of memory be."""
    kind = on_gpu.kind_of(torch.float32)
    memory = torch.cat((torch.full((100,), torch.nan), noise(60, torch.float32), torch.ones(100)))
    x, y = memory[100:160], torch.full((260,), 5.0)
    layout = layout_of((60,), 0, [(1,), (1,)])
    cuts = torch.tensor(offsets)
    facts = segments.at_most(len(offsets) - 1, 60, 60, kind)
    given = Values(x, x), Values(y[100:160], y[100:160]), segments.Cuts(cuts, facts)
    segments.scan(*given, None, layout, kind, **FORWARD)
    if offsets[-1] == 60 and sorted(offsets) == offsets:
        same_bits(y[100:160], in_segments(x, 0, offsets))
    assert (y[:100] == 5).all()
    assert (y[160:] == 5).all()
    assert not y.isnan().any()


@pytest.mark.parametrize("flags", [FORWARD, BACK], ids=["forward", "back"])
def test_derivatives_of_segments(flags):
    x = noise((5, 2)).requires_grad_()
    initial = noise((2,), seed=1).requires_grad_()
    cuts = torch.tensor([0, 2, 2, 5])

    def scanned(x, initial):
        return cumsum.cumsum(x, 0, offsets=cuts, initial=initial, **flags)

    assert torch.autograd.gradcheck(scanned, (x, initial), fast_mode=True)
    if flags["reverse"]:
        assert torch.autograd.gradgradcheck(scanned, (x, initial), fast_mode=True)
    tangent = torch.ones(5, 2, dtype=torch.float64)
    _, of_y = torch.func.jvp(lambda x: scanned(x, None), (x.detach(),), (tangent,))
    assert_close(of_y, scanned(tangent, None))


def faded(x, decay, dim, initial=None, *, reverse=False):
    """The decayed scan in the GPU's order."""
    both = (lines_of(t.double(), dim, reverse=reverse) for t in (x, decay.expand(x.shape)))
    values = tuple(t.reshape(-1, t.shape[-1]).numpy() for t in both)
    begin = np.zeros(len(values[0])) if initial is None else initial.reshape(-1).double().numpy()
    more = np.float64, gpu_reference.decay_plus, (0, 1), False, SIZES
    sums = gpu_reference.scan(values, (begin, np.ones_like(begin)), *more)[0]
    if x.dtype.itemsize == 2:
        sums = sums.astype(np.float32)
    return restored(sums, x, dim, reverse=reverse)


DECAYS = {
    "number": ((200,), 0, (1,)),
    "each": ((200,), 0, (200,)),
    "rows": ((3, 70), 1, (3, 1)),
    "of all rows": ((3, 70), 1, (1, 70)),
    "columns": ((100, 3), 0, (1, 3)),
    "columns, each": ((40, 3), 0, (40, 3)),
    "disorder": ((2, 2, 40, 2), 2, (1, 2, 1, 1)),
}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("case", DECAYS)
def test_bits_of_decays(case, reverse):
    shape, dim, of = DECAYS[case]
    rng = np.random.default_rng(0)
    decay = torch.from_numpy(1 - rng.random(of) / 9)
    x = noise(shape, torch.float32 if reverse else torch.float16)
    initial = noise(x.narrow(dim, 0, 1).shape, x.dtype) if reverse else None
    found = cumsum.cumsum(x, dim, decay=decay, initial=initial, reverse=reverse)
    same_bits(found, faded(x, decay, dim, initial, reverse=reverse))
    if case == "rows":
        more = {"initial": initial, "reverse": reverse}
        same_bits(cumsum.cumsum(x, dim, decay=decay.expand(shape), **more), found)


def test_decays_as_defined():
    x, decay = noise(90), torch.full((90,), 0.875, dtype=torch.float64)
    decay[::7] = 0
    decay[1::7] = -1
    total, expected = 0.0, []
    for a, v in zip(decay.tolist(), x.tolist(), strict=True):
        total = a * total + v
        expected.append(total)
    assert_close(cumsum.cumsum(x, 0, decay=decay), torch.tensor(expected, dtype=torch.float64))
    sums = cumsum.cumsum(x, 0, decay=decay, include_initial=True)
    same_bits(sums[1:], cumsum.cumsum(x, 0, decay=decay))
    same_bits(sums[:-1], cumsum.cumsum(x, 0, decay=decay, exclusive=True))
    out = torch.empty_like(x)
    same_bits(sums[:-1], cumsum.cumsum(x, 0, decay=decay, exclusive=True, out=out))
    z = torch.complex(x, -x)
    same_bits(cumsum.cumsum(z, 0, decay=0.5).imag, -cumsum.cumsum(x, 0, decay=0.5))
    assert cumsum.cumsum(x, 0, decay=0.0).equal(x)


@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered")  # by the interpreter
def test_decays_whose_products_overflow():
    """What is finite by the definition stays so: nothing grows to nothing, zeros begin anew."""
    x = torch.zeros(150, dtype=torch.float64)
    x[120:] = 1
    decay = torch.full((150,), 1e30, dtype=torch.float64)
    decay[125::3] = 0
    total, expected = 0.0, []
    for a, v in zip(decay.tolist(), x.tolist(), strict=True):
        total = a * total + v
        expected.append(total)
    assert_close(cumsum.cumsum(x, 0, decay=decay), torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize(("of", "reverse"), [((5, 2), False), ((1, 2), True), ((), True)])
def test_derivatives_of_decays(of, reverse):
    given = noise((5, 2)), noise(of, seed=2) / 9, noise((2,), seed=1)
    given = tuple(t.requires_grad_() for t in given)

    def scanned(x, decay, initial):
        return cumsum.cumsum(x, 0, decay=decay, initial=initial, reverse=reverse)

    assert torch.autograd.gradcheck(scanned, given, fast_mode=True)
    if of == (1, 2):
        assert torch.autograd.gradgradcheck(scanned, given, fast_mode=True)


def test_complex_decays_are_refused():
    with pytest.raises(NotImplementedError, match="a complex decay"):
        cumsum.cumsum(torch.ones(3, dtype=torch.complex64), 0, decay=1j)


HOLES = {
    "layouts": ((5, 70), 1),
    "columns": ((100, 3), 0),
    "line": ((1200,), 0),
    "box": ((2, 3, 2, 9), 2),
}


@pytest.mark.parametrize("flags", [FORWARD, BACK], ids=["forward", "back"])
@pytest.mark.parametrize("case", HOLES)
def test_bits_of_sums_with_holes(case, flags):
    """Those of the scan of zeros in the holes."""
    shape, dim = HOLES[case]
    x, kept = noise(shape, torch.float32), noise(shape, seed=1) > -1
    x[noise(shape, seed=2) > 2] = torch.nan
    if case == "box":
        kept = kept.transpose(0, 3).contiguous().transpose(0, 3)
    for where, skipna in ((kept, False), (None, True), (kept, True)):
        holes = torch.zeros(shape, dtype=torch.bool) if where is None else ~where
        holes = holes | x.isnan() if skipna else holes
        filled = x.masked_fill(holes, 0)
        expected = cumsum.cumsum(filled, dim, initial=2, **flags)
        given = {"where": where, "skipna": skipna, "initial": 2, **flags}
        same_bits(cumsum.cumsum(x, dim, **given), expected)
        if skipna:
            shown = cumsum.cumsum(x, dim, missing="nan", **given)
            assert torch.equal(shown.isnan(), holes)
            same_bits(shown.masked_fill(holes, 0), expected.masked_fill(holes, 0))


def test_holes_of_dtypes():
    x = torch.tensor([1.0, torch.nan, 3, torch.inf, 5])
    kept = torch.tensor([True, True, False, False, True])
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        given = x.to(dtype)
        assert cumsum.cumsum(given, 0, where=kept, skipna=True).tolist() == [1, 1, 1, 1, 6]
    sums = cumsum.cumsum(x.double(), 0, where=kept, skipna=True, precision="compensated")
    assert sums.tolist() == [1, 1, 1, 1, 6]
    whole = torch.tensor([1, 2, 3, 4, 5], dtype=torch.int8)
    assert cumsum.cumsum(whole, 0, where=kept, skipna=True).tolist() == [1, 3, 3, 3, 8]
    assert cumsum.cumsum(kept, 0, where=~kept).tolist() == [0, 0, 0, 0, 0]
    z = torch.complex(x, torch.ones(5))
    found = cumsum.cumsum(z, 0, where=kept, skipna=True, missing="nan")
    assert found[::4].tolist() == [1 + 1j, 6 + 2j]
    assert found[1:4].isnan().all()
    x.requires_grad_()
    cumsum.cumsum(x, 0, where=kept, skipna=True, missing="nan").nansum().backward()
    assert x.grad.tolist() == [2, 0, 0, 0, 1]


def test_strides_whose_multiples_need_64_bits():
    """Of pages that nobody has written to, but for those of the elements."""
    held = mmap.mmap(-1, 257 << 24, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE)
    x = torch.frombuffer(held, dtype=torch.int8).as_strided((256,), (1 << 24,))
    x.fill_(1)
    assert cumsum.cumsum(x, 0, lengths=[256]).tolist() == list(range(1, 257))


def test_casts_to_uint64():
    x = torch.tensor([1.5e19, 5.0], dtype=torch.float64)
    sums = cumsum.cumsum(x, 0, dtype=torch.uint64, overflow="wrap")
    assert sums.tolist() == [15 * 10**18, 15 * 10**18 + 5]
