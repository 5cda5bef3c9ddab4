"""Tensors by the GPU's kernels in Triton's interpreter; run by test_gpu_tensor.py, in a child.

With the plugin `gpu_standin` every tensor of the CPU takes the way of a GPU's.
"""

import itertools

import numpy as np
import pytest
import torch
from torch.testing import assert_close

import cumsum
import gpu_reference
from cumsum import dispatcher
from cumsum.kernels import gpu
from cumsum.kernels.gpu import tensor as on_gpu
from orientations import COMBINATIONS, loop, name

ACCUMULATORS = {torch.float16: (np.float32, np.float64), torch.float64: (np.float64, np.float64)}


def noise(shape, dtype=torch.float64, seed=0):
    rng = np.random.default_rng(seed)
    numbers = rng.standard_normal(shape) * 10 ** rng.standard_normal(shape)
    return torch.from_numpy(np.asarray(numbers)).to(dtype)


def running(x, dim, initial=0, **flags):
    """One element after another."""
    return torch.from_numpy(loop(x.numpy(), dim, initial, **flags).copy())


def in_order(x, dim, dtype, initial=None, *, exclusive=False, reverse=False, compensated=False):
    """The scan of real numbers in the GPU's order of additions."""
    acc, wide = ACCUMULATORS.get(dtype, (np.float64, np.float64))
    if not dtype.is_floating_point:
        acc = wide = np.int64
    lines = x.to(dtype).movedim(dim, -1)
    lines = lines.flip(-1) if reverse else lines
    values = lines.reshape(-1, lines.size(-1)).numpy().astype(acc)
    begin = np.zeros(len(values), wide) if initial is None else initial.numpy().astype(wide)
    if compensated:
        given = (values, np.zeros_like(values)), (begin.ravel(), 0 * begin.ravel()), wide
        high, low = gpu_reference.scan(*given, gpu_reference.pair_plus, (0, 0), exclusive)
        sums = high + low
    else:
        sums = gpu_reference.scan((values,), (begin.ravel(),), wide, exclusive=exclusive)[0]
    result = torch.from_numpy(np.ascontiguousarray(sums)).to(dtype).reshape(lines.shape)
    return (result.flip(-1) if reverse else result).movedim(-1, dim)


def same_bits(a, b):
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    assert a.contiguous().numpy().tobytes() == b.contiguous().numpy().tobytes()


LAYOUTS = {
    "contiguous": lambda x: x,
    "transposed": lambda x: x.transpose(0, -1).contiguous().transpose(0, -1),
    "sliced": lambda x: x.repeat_interleave(2, -1)[..., ::2],
    "shifted": lambda x: torch.cat((x.new_zeros(1), x.flatten()))[1:].view(x.shape),
    "expanded": lambda x: x[..., :1].expand(x.shape),
    "disordered": lambda x: x[:, None].expand(-1, 2, *x.shape[1:]).mT.contiguous().mT[:, 1],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_bits_of_layouts(layout):
    x = LAYOUTS[layout](noise((3, 40, 2), torch.float32))
    for dim, flags in enumerate(({}, {"reverse": True, "exclusive": True}, {"reverse": True})):
        expected = in_order(x, dim, torch.float32, **flags)
        same_bits(cumsum.cumsum(x, dim, **flags), expected)
        out = LAYOUTS["sliced"](torch.full(x.shape, torch.nan))
        assert cumsum.cumsum(x, dim, out=out, **flags) is out
        same_bits(out, expected)
        if layout != "expanded":
            y = torch.empty_strided(x.shape, x.stride(), dtype=x.dtype).copy_(x)
            assert cumsum.cumsum_(y, dim, **flags) is y
            same_bits(y, expected)


def test_dims_that_two_cannot_number():
    """They are copied: the input, or the result, or both."""
    x = noise((2, 3, 4, 5), torch.float32)
    expected = {dim: in_order(x, dim, torch.float32) for dim in range(4)}
    mixed = x.permute(2, 0, 3, 1).contiguous().permute(1, 3, 0, 2)
    for dim in range(4):
        same_bits(cumsum.cumsum(mixed, dim), expected[dim])
        for given in (x, mixed):
            out = torch.empty_strided(x.shape, mixed.stride())
            same_bits(cumsum.cumsum(given, dim, out=out), expected[dim])
        same_bits(cumsum.cumsum_(mixed.clone(), dim), expected[dim])


@pytest.mark.parametrize("flags", [{}, {"exclusive": True}, {"reverse": True}], ids=str)
@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("float16", "float16"),
        ("float64", "float64"),
        ("float64", "float32"),
        ("int32", "int16"),
        ("uint16", "int64"),
        ("bool", "int64"),
        ("float32", "int64"),
    ],
)
def test_bits_of_dtypes(source, result, flags):
    source, result = getattr(torch, source), getattr(torch, result)
    for shape, initial in (((300,), None), ((9, 20), noise(20).to(result))):
        x = (noise(shape).abs() * 9).to(source)
        found = cumsum.cumsum(x, 0, dtype=result, initial=initial, **flags)
        same_bits(found, in_order(x, 0, result, initial, **flags))


def test_long_lines():
    """All three steps, and the sums of the tiles by themselves."""
    x = noise((4200,), torch.float32)
    same_bits(cumsum.cumsum(x, 0), in_order(x, 0, torch.float32))
    same_bits(cumsum.cumsum_(x.clone(), 0), in_order(x, 0, torch.float32))


def test_compensated():
    x = noise((2, 500)) * 1e9
    for flags in ({}, {"reverse": True, "exclusive": True}):
        wanted = in_order(x, 1, torch.float64, compensated=True, **flags)
        same_bits(cumsum.cumsum(x, 1, precision="compensated", **flags), wanted)
        pairs = torch.complex(x, -x)
        found = cumsum.cumsum(pairs, 1, precision="compensated", **flags)
        same_bits(found.real, wanted)
    x = torch.tensor([1e16, 1.0, -1e16], dtype=torch.float64)
    assert cumsum.cumsum(x, 0, precision="compensated").tolist() == [1e16, 1e16, 1.0]


@pytest.mark.parametrize("flags", COMBINATIONS, ids=name)
@pytest.mark.parametrize("dtype", [torch.int64, torch.complex64], ids=str)
def test_options(dtype, flags):
    """Beginnings and borders, for lines of all lengths and in all shapes."""
    shapes = [((7,), 0), ((0,), 0), ((3, 0), 0), ((3, 0), 1), ((1,), 0), ((20, 3), 0), ((), 0)]
    for shape, dim in shapes:
        x = torch.randint(-3, 4, shape).to(dtype)
        line = x.reshape(1) if x.dim() == 0 else x
        lines = (*line.shape[:dim], *line.shape[dim + 1 :])
        for initial in (None, 2, torch.randint(-3, 4, lines).to(dtype)):
            begin = 0 if initial is None else np.asarray(initial)
            wanted = running(line, dim, begin, **flags)
            found = cumsum.cumsum(x, dim, initial=initial, **flags)
            if x.dim() == 0 and not flags["include_initial"]:
                wanted = wanted.reshape(())
            assert torch.equal(found, wanted)
            assert found.is_contiguous()


def test_complex_numbers():
    z = torch.complex(noise((3, 20)), noise((3, 20), seed=1))
    real = in_order(z.real, 1, torch.float64)
    same_bits(cumsum.cumsum(z, 1).real, real)
    same_bits(cumsum.cumsum(z, 1).imag, in_order(z.imag, 1, torch.float64))
    assert torch.equal(cumsum.cumsum(z.conj(), 1), cumsum.cumsum(z, 1).conj())
    assert torch.equal(cumsum.cumsum(z.conj().imag, 1), -cumsum.cumsum(z, 1).imag)
    out = torch.empty_like(z).conj()
    assert torch.equal(cumsum.cumsum(z, 1, out=out), cumsum.cumsum(z, 1))
    sums = cumsum.cumsum(z.real, 1, dtype=torch.complex64, initial=3 + 4j)
    assert torch.equal(sums.imag, torch.full((3, 20), 4.0))
    assert_close(sums.real, (z.real.float().double().cumsum(1) + 3).float())
    with pytest.warns(UserWarning, match="discards the imaginary part"):
        same_bits(cumsum.cumsum(z, 1, dtype=torch.float64), real)


def test_other_dtypes():
    x = noise((3, 50)).clamp(-3, 3)
    small = x.to(torch.float8_e5m2)
    assert_close(cumsum.cumsum(small, 1, dtype=torch.float32), small.float().cumsum(1))
    bfloat = x.to(torch.bfloat16)
    assert_close(cumsum.cumsum(bfloat, 0), bfloat.cumsum(0), rtol=1e-2, atol=1e-2)
    whole = torch.tensor([200, 100, 7])
    for dtype in (torch.uint8, torch.uint32, torch.uint64):
        found = cumsum.cumsum(whole, 0, dtype=dtype, overflow="wrap")
        assert found.tolist() == [200, 44, 51] if dtype == torch.uint8 else [200, 300, 307]
    negative = cumsum.cumsum(torch.tensor([-1.5, 1.0]), 0, dtype=torch.uint8, overflow="wrap")
    assert negative.tolist() == [255, 0]
    anything = cumsum.cumsum(torch.tensor([0, 2, 0]), 0, dtype=torch.bool, overflow="wrap")
    assert anything.tolist() == [False, True, True]
    assert cumsum.cumsum(torch._efficientzerotensor(3), 0).tolist() == [0, 0, 0]


def test_holes_and_several_dims():
    x = noise((4, 30), torch.float32)
    x[1, 5] = torch.nan
    kept = x > -1
    wanted = torch.where(kept, x, 0).double().cumsum(1).float()
    assert_close(cumsum.cumsum(x, 1, where=kept), wanted)
    found = cumsum.cumsum(x, 1, skipna=True, missing="nan")
    assert torch.equal(found.isnan(), x.isnan())
    assert_close(found.nan_to_num(0), x.nan_to_num(0).cumsum(1).where(~x.isnan(), 0))
    out = torch.empty_like(x)
    assert_close(cumsum.cumsum(x, 1, where=kept, out=out), wanted)
    table = torch.arange(12).view(3, 4)
    assert torch.equal(cumsum.cumsum(table, (0, 1)), table.cumsum(0).cumsum(1))
    bordered = cumsum.cumsum(table, (0, 1), include_initial=True)
    assert torch.equal(bordered[1:, 1:], table.cumsum(0).cumsum(1))
    assert not bordered[0].any()
    assert not bordered[:, 0].any()


def test_the_kernels_are_the_gpus():
    """Nothing of the above has gone another way."""
    called = []
    scan_into = on_gpu.scan_into
    on_gpu.scan_into = lambda *args, **flags: called.append(1) or scan_into(*args, **flags)
    try:
        cumsum.cumsum(torch.ones(3), 0)
        cumsum.cumsum_(torch.ones(3), 0)
        torch.ops.cumsum.scan(torch.ones(3), None, 0, torch.float32, *(False,) * 4)
    finally:
        on_gpu.scan_into = scan_into
    assert len(called) == 3


def test_patched_torch():
    """The kernels that torch's dispatcher would be given for a GPU, here for the CPU."""
    library = dispatcher.register({"CPU": dispatcher.OnGPU("CPU").makers()})
    try:
        x = noise((3, 300), torch.float32)
        expected = in_order(x, 1, torch.float32)
        same_bits(torch.cumsum(x, 1), expected)
        out = torch.empty(3, 300)
        assert torch.cumsum(x, 1, out=out) is out
        same_bits(out, expected)
        y = x.clone()
        version = y._version
        assert y.cumsum_(1) is y
        assert y._version == version + 1
        same_bits(y, expected)
        x.requires_grad_()
        torch.cumsum(x, 1).sum().backward()
        assert torch.equal(x.grad, torch.arange(300.0, 0, -1).expand(3, -1))
        with pytest.raises(RuntimeError, match="not implemented for 'Bool'"):
            torch.cumsum(torch.ones(3), 0, dtype=torch.bool)
    finally:
        library._destroy()


def test_shards(monkeypatch):
    import test_distributed_elsewhere as shards

    monkeypatch.setattr(gpu, "has_kernels", lambda kind, index: True)
    monkeypatch.setattr(shards, "SIZES", [30, 0, 3, 7])
    x = torch.randint(-9, 9, (40,))
    for exclusive, reverse in itertools.product((False, True), repeat=2):
        flags = {"exclusive": exclusive, "reverse": reverse}
        found = shards.scan_elsewhere(x, 0, torch.int64, torch.tensor([5]), **flags)
        assert torch.equal(found, running(x, 0, 5, **flags))
