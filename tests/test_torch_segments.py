"""offsets=, lengths= and reset= on tensors: gradients, transforms, graphs, and nested tensors."""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.library import opcheck

import cumsum
from segments import by_parts, random_offsets, starts_of
from test_segments import FLAGS, SHAPES

OFFSETS = torch.tensor([0, 3, 3, 9, 20])
DTYPES = ["bool", "uint8", "int32", "int64", "float16", "bfloat16", "float32", "float64"]
DTYPES += ["complex64", "complex128"]


def values(shape, dtype, seed=0):
    torch.manual_seed(seed)
    x = torch.randn(shape, dtype=torch.complex128 if dtype.startswith("complex") else torch.float64)
    return x > 0 if dtype == "bool" else (x * 20).to(getattr(torch, dtype))


def parts_of(x, dim, offsets, **options):
    parts = x.split(torch.as_tensor(offsets).diff().tolist(), dim)
    return torch.cat([cumsum.cumsum(part, dim, **options) for part in parts], dim)


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_are_those_of_the_parts(dtype, flags):
    rng = np.random.default_rng(1)
    for shape, dim in SHAPES:
        x = values(shape, dtype)
        for mean in (2, 9, 100, 3000):
            if shape[dim] > 400 * mean:
                continue
            offsets = torch.from_numpy(random_offsets(rng, shape[dim], mean))
            expected = parts_of(x, dim, offsets, **flags)
            for given in (offsets, offsets.int(), offsets.tolist()):
                assert torch.equal(cumsum.cumsum(x, dim, offsets=given, **flags), expected)
            assert torch.equal(cumsum.cumsum(x, dim, lengths=offsets.diff(), **flags), expected)
            out = torch.empty(0, dtype=expected.dtype)
            assert cumsum.cumsum(x, dim, offsets=offsets, out=out, **flags) is out
            assert torch.equal(out, expected)
            own = x.to(expected.dtype, copy=True)
            assert cumsum.cumsum_(own, dim, offsets=offsets, **flags) is own
            assert torch.equal(own, expected)
            across = x.transpose(0, -1)
            turned = cumsum.cumsum(across, x.dim() - 1 - dim, offsets=offsets, **flags)
            assert torch.equal(turned.transpose(0, -1), expected) or x.dim() == 3


@pytest.mark.parametrize("flags", FLAGS)
def test_gradients(flags):
    x = torch.randn(3, 20, 2, dtype=torch.float64, requires_grad=True)
    first = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    starts = torch.rand(3, 20, 2) < 0.3

    def by_offsets(x, first):
        return cumsum.cumsum(x, 1, offsets=OFFSETS, initial=first, **flags)

    checks = {"check_forward_ad": True, "check_batched_grad": True}
    assert gradcheck(by_offsets, (x, first), **checks, check_batched_forward_grad=True)
    assert gradgradcheck(by_offsets, (x, first))
    assert gradcheck(lambda x: cumsum.cumsum(x, 1, reset=starts, **flags), x, **checks)


def test_gradient_of_integers_and_casts():
    x = torch.randn(20, requires_grad=True)
    y = cumsum.cumsum(x, 0, offsets=OFFSETS, dtype=torch.float64)
    y.sum().backward()
    lengths = OFFSETS.diff()
    expected = torch.cat([torch.arange(n, 0, -1) for n in lengths.tolist()])
    assert y.dtype == torch.float64
    assert torch.equal(x.grad, expected.float())
    assert torch.equal(
        cumsum.cumsum(torch.ones(20, dtype=torch.int8), 0, lengths=lengths).max(), torch.tensor(11)
    )


def test_vmap():
    x, starts = torch.randn(20, 4, 3), torch.rand(20, 4) < 0.3
    expected = cumsum.cumsum(x, 0, offsets=OFFSETS)
    each = torch.vmap(lambda x: cumsum.cumsum(x, 0, offsets=OFFSETS), in_dims=1, out_dims=1)
    assert torch.equal(each(x), expected)
    both = torch.vmap(torch.vmap(lambda x: cumsum.cumsum(x, 0, lengths=OFFSETS.diff()), 1, 1), 1, 1)
    assert torch.equal(both(x), expected)

    def with_starts(x, starts):
        return cumsum.cumsum(x, 0, reset=starts)

    batched = torch.vmap(with_starts, in_dims=(1, 1), out_dims=1)(x, starts)
    for k in range(4):
        assert torch.equal(batched[:, k], with_starts(x[:, k], starts[:, k]))
    shared = torch.vmap(with_starts, in_dims=(1, None), out_dims=1)(x, starts[:, 0])
    assert torch.equal(shared, with_starts(x, starts[:, 0]))
    lines = torch.vmap(with_starts, in_dims=(None, 1), out_dims=1)(x[:, 0], starts)
    for k in range(4):
        assert torch.equal(lines[:, k], with_starts(x[:, 0], starts[:, k]))
    with pytest.raises(NotImplementedError, match="offsets that differ within vmap"):
        torch.vmap(lambda o: cumsum.cumsum(x[:, 0, 0], 0, offsets=o))(OFFSETS.expand(2, 5))


@pytest.mark.parametrize("flags", FLAGS)
def test_initial_with_starts_of_each_line(flags):
    """Of lines, and of samples that are lines under vmap."""
    x, starts, first = torch.randn(4, 20), torch.rand(4, 20) < 0.3, torch.randn(4)
    x.requires_grad_()
    expected = [
        cumsum.cumsum(line, 0, reset=own, initial=begin, **flags)
        for line, own, begin in zip(x, starts, first, strict=True)
    ]
    expected = torch.stack(expected)

    def scan(x, starts, first):
        return cumsum.cumsum(x, 0, reset=starts, initial=first, **flags)

    weights = torch.randn(4, 20)
    (of_x,) = torch.autograd.grad((expected * weights).sum(), x)
    for result in (
        cumsum.cumsum(x, 1, reset=starts, initial=first, **flags),
        cumsum.cumsum(x.T, 0, reset=starts.T, initial=first, **flags).T,
        torch.vmap(scan)(x, starts, first),
    ):
        assert torch.equal(result, expected)
        assert torch.equal(torch.autograd.grad((result * weights).sum(), x)[0], of_x)
    out = torch.empty(4, 20)
    cumsum.cumsum(x.detach(), 1, reset=starts, initial=first, out=out, **flags)
    assert torch.equal(out, expected)


def test_transforms():
    x = torch.randn(20, dtype=torch.float64)

    def square(x):
        return cumsum.cumsum(x, 0, offsets=OFFSETS).pow(2).sum()

    hessian = torch.func.hessian(square)(x)
    weights = torch.func.jacrev(lambda x: cumsum.cumsum(x, 0, offsets=OFFSETS))(x)
    forward = torch.func.jacfwd(lambda x: cumsum.cumsum(x, 0, offsets=OFFSETS))(x)
    assert torch.equal(weights, forward)
    assert torch.equal(hessian, 2 * weights.T @ weights)


@pytest.mark.parametrize("backend", ["eager", "aot_eager", "inductor"])
def test_compile(backend):
    torch._dynamo.reset()

    def f(x, offsets, starts):
        a = cumsum.cumsum(x, 0, offsets=offsets) * 2
        b = cumsum.cumsum(x, 0, lengths=offsets.diff(), reverse=True)
        return a + b + cumsum.cumsum(x, 0, reset=starts)

    starts = torch.from_numpy(starts_of(OFFSETS.numpy(), 20))
    x = torch.randn(20, 2, requires_grad=True)
    y = f(x, OFFSETS, starts)
    (expected,) = torch.autograd.grad(y.sum(), x)
    z = torch.compile(f, backend=backend, fullgraph=True)(x, OFFSETS, starts)
    (grad,) = torch.autograd.grad(z.sum(), x)
    assert torch.equal(z, y)
    assert torch.equal(grad, expected)


def test_export_and_opcheck():
    class Model(torch.nn.Module):
        def forward(self, x, offsets):
            return cumsum.cumsum(x, 0, offsets=offsets, exclusive=True)

    x = torch.randn(20)
    exported = torch.export.export(Model(), (x, OFFSETS)).module()
    more = torch.tensor([0, 1, 20, 20, 20])
    for offsets in (OFFSETS, more):
        assert torch.equal(exported(x, offsets), Model()(x, offsets))
    with pytest.raises(ValueError, match=r"offsets\[4\] is 19"):
        exported(x, torch.tensor([0, 1, 2, 3, 19]))
    for y in (x, x.requires_grad_()):
        opcheck(
            torch.ops.cumsum.segmented.default,
            (y, None, OFFSETS, "offsets", 0, torch.float32, False, False, False, False),
        )


def test_same_as_arrays():
    rng = np.random.default_rng(3)
    x, offsets = rng.standard_normal((40, 7)), random_offsets(rng, 40, 6)
    expected = by_parts(x, 0, offsets)
    assert np.array_equal(cumsum.cumsum(torch.from_numpy(x), 0, offsets=offsets), expected)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"offsets": torch.tensor([1, 20])}, ValueError, r"offsets\[0\] is 1, but must be 0"),
        ({"offsets": torch.tensor([0.0, 20])}, TypeError, "integers, got dtype torch.float32"),
        ({"offsets": torch.tensor([[0, 20]])}, ValueError, "1-D and not empty"),
        ({"lengths": torch.tensor([21, -1])}, ValueError, r"lengths\[1\] is -1"),
        ({"reset": torch.ones(20)}, TypeError, "reset must be bool, got dtype torch.float32"),
        ({"reset": torch.ones(19, dtype=torch.bool)}, ValueError, r"reset has shape \(19,\)"),
        ({"offsets": OFFSETS, "include_initial": True}, ValueError, "include_initial cannot"),
        ({"offsets": OFFSETS, "reset": OFFSETS > 0}, ValueError, "one of offsets"),
    ],
)
def test_errors(options, kind, message):
    x = torch.ones(20)
    out = x.clone()
    with pytest.raises(kind, match=message):
        cumsum.cumsum(x, 0, **options)
    with pytest.raises(kind, match=message):
        cumsum.cumsum(x, 0, out=out, **options)
    assert torch.equal(out, x)


def test_offsets_of_lengths():
    lengths = torch.tensor([[3, 0, 4], [1, 1, 1]], dtype=torch.int32)
    assert cumsum.offsets(lengths).tolist() == [[0, 3, 3, 7], [0, 1, 2, 3]]
    assert cumsum.offsets(lengths, dtype=torch.int32).dtype == torch.int32
    with pytest.raises(OverflowError, match="int32 holds"):
        cumsum.offsets(torch.tensor([2**31]), dtype=torch.int32)
    with pytest.raises(ValueError, match=r"lengths\[0, 1\] is -1"):
        cumsum.offsets(torch.tensor([[1, -1]]))
    with pytest.raises(TypeError, match="integers"):
        cumsum.offsets(torch.ones(3))
    compiled = torch.compile(cumsum.offsets, fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(lengths), cumsum.offsets(lengths))


def test_forward_mode_of_forward_mode():
    x = torch.randn(5, dtype=torch.float64)
    offsets = torch.tensor([0, 2, 5])

    def cubes(x):
        return cumsum.cumsum(x**3, 0, offsets=offsets)

    forward = torch.func.jacfwd(torch.func.jacfwd(cubes))(x)
    assert torch.allclose(forward, torch.func.jacrev(torch.func.jacrev(cubes))(x))


def test_offsets_that_are_negated_when_they_are_read():
    lazy = torch._neg_view(-OFFSETS)
    x = torch.ones(20)
    assert cumsum.cumsum(x, 0, offsets=lazy).equal(cumsum.cumsum(x, 0, offsets=OFFSETS))


def test_offsets_in_the_memory_of_the_result():
    held = torch.zeros(600, dtype=torch.int64)
    held[:4] = torch.tensor([0, 100, 500, 600])
    x = torch.ones(600, dtype=torch.int64)
    expected = cumsum.cumsum(x, 0, offsets=held[:4].clone())
    cumsum.cumsum(x, 0, offsets=held[:4], out=held)
    assert torch.equal(held, expected)


def test_offsets_that_cannot_be_checked_stay_within_the_dim():
    """Those that a CUDA graph is captured with."""
    on_gpu = pytest.importorskip("cumsum.segments.on_gpu", reason="needs Triton")
    for good in ([0, 9], [0, 0, 3, 9, 9], [0, 2, 5, 7, 9]):
        assert on_gpu.within(torch.tensor(good), 9).tolist() == good
    for bad in ([5, -3], [1, 100, -7, 4, 2**62], [-(2**62), 3, 2, 9, 8]):
        inside = on_gpu.within(torch.tensor(bad), 9)
        assert inside[0] == 0
        assert inside[-1] == 9
        assert (inside.diff() >= 0).all()
