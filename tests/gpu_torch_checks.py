"""What torch does with scans, by the GPU's kernels; run by test_gpu_tensor.py, in a child.

As gpu_tensor_checks.py: with the plugin `gpu_standin`, in Triton's interpreter.
"""

import pytest
import torch
from torch.autograd import forward_ad, gradcheck, gradgradcheck
from torch.testing import assert_close

import cumsum

FLAGS = [{}, {"exclusive": True, "reverse": True}, {"include_initial": True}]
every_way = pytest.mark.parametrize("flags", FLAGS, ids=str)


def pair(shape=(2, 4), dim=1):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(shape, generator=generator, dtype=torch.float64)
    initial = torch.randn(
        (*shape[:dim], *shape[dim + 1 :]), generator=generator, dtype=torch.float64
    )
    return x.requires_grad_(), initial.requires_grad_()


@every_way
def test_derivatives(flags):
    def scan(x, initial):
        return cumsum.cumsum(x, 1, initial=initial, **flags)

    given = pair((1, 3))
    assert gradcheck(scan, given, check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(scan, given, fast_mode=True)


def test_gradients_of_other_dtypes():
    for dtype, wide in ((torch.float16, torch.float64), (torch.complex64, torch.complex128)):
        x = torch.ones(2, 5, dtype=dtype, requires_grad=True)
        cumsum.cumsum(x, 1, dtype=wide).sum().real.backward()
        assert x.grad.dtype == dtype
        assert torch.equal(x.grad.real, torch.arange(5.0, 0, -1).to(x.grad.real.dtype).expand(2, 5))
    with pytest.raises(RuntimeError, match="leaf Variable"):
        cumsum.cumsum_(torch.ones(3, requires_grad=True), 0)
    y = torch.ones(3, requires_grad=True) * 2
    cumsum.cumsum_(y, 0).sum().backward()


def test_versions():
    x = torch.ones(4)
    version = x._version
    cumsum.cumsum_(x, 0)
    assert x._version == version + 1
    w = torch.ones(4, requires_grad=True)
    y = w * x
    cumsum.cumsum(torch.ones(4), 0, out=x)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@every_way
def test_transforms(flags):
    x, initial = (t.detach() for t in pair((3, 2, 5), 2))

    def scan(x, initial):
        return cumsum.cumsum(x, -1, initial=initial, **flags)

    wanted = scan(x, initial)
    for dims in (0, (1, 1), (0, None)):
        first = initial[0] if dims == (0, None) else initial
        if dims == (1, 1):
            got = torch.vmap(scan, dims, 1)(x, first)
        else:
            got = torch.vmap(scan, dims)(x, first)
        whole = scan(x, first.expand(3, 2))
        assert torch.equal(got, whole)
    tangents = torch.ones_like(x), torch.ones_like(initial)
    primal, tangent = torch.func.jvp(scan, (x, initial), tangents)
    assert torch.equal(primal, wanted)
    assert_close(tangent, scan(*tangents))
    jacobian = torch.func.jacrev(lambda x: scan(x, initial).sum((0, 1)))(x)
    assert_close(jacobian, torch.func.jacfwd(lambda x: scan(x, initial).sum((0, 1)))(x))
    with forward_ad.dual_level():
        dual = scan(forward_ad.make_dual(x, tangents[0]), initial)
        assert_close(forward_ad.unpack_dual(dual).tangent, scan(tangents[0], initial * 0))


@every_way
def test_graphs(flags):
    def scan(x, initial):
        return cumsum.cumsum(x * 2, 1, initial=initial, **flags) + 1

    x, initial = pair()
    wanted = scan(x, initial)
    torch._dynamo.reset()
    got = torch.compile(scan, backend="aot_eager", fullgraph=True, dynamic=True)(x, initial)
    assert torch.equal(got, wanted)
    assert_close(*(torch.autograd.grad(y.sum(), (x, initial)) for y in (got, wanted)))

    class Module(torch.nn.Module):
        def forward(self, x, initial):
            return scan(x, initial)

    given = x.detach(), initial.detach()
    program = torch.export.export(Module(), given)
    assert torch.equal(program.module()(*given), wanted)
    graph = torch.fx.experimental.proxy_tensor.make_fx(scan)(*given)
    assert "cumsum.scan" in graph.code
    assert torch.equal(graph(*given), wanted)


def test_the_operator():
    x, initial = pair()
    given = (x, initial.unsqueeze(1), 1, torch.float64, True, False, True, False)
    torch.library.opcheck(torch.ops.cumsum.scan.default, given)


def test_in_place_in_graphs():
    def twice(x):
        cumsum.cumsum_(x, 0)
        return cumsum.cumsum(x, (0, 1))

    x, y = torch.ones(3, 4), torch.ones(3, 4)
    torch._dynamo.reset()
    got = torch.compile(twice, backend="aot_eager", fullgraph=True)(x)
    assert torch.equal(got, twice(y))
    assert torch.equal(x, y)


def test_errors_are_torchs():
    x = torch.ones(2, 3)
    for args, options in [
        ((x, 2), {}),
        ((x, 0), {"dtype": torch.bool}),
        ((x, 0), {"out": torch.ones(2, 3, dtype=torch.int32), "dtype": torch.float32}),
        ((x.requires_grad_(), 0), {"out": torch.ones(2, 3)}),
    ]:
        with pytest.raises((IndexError, RuntimeError)) as theirs:
            torch.cumsum(*args, **options)
        with pytest.raises(theirs.type) as ours:
            cumsum.cumsum(*args, **options)
        assert str(ours.value) == str(theirs.value)


def test_default_settings():
    wanted = cumsum.cumsum(torch.ones(2, 300), 1)
    torch.use_deterministic_algorithms(True)
    try:
        assert torch.equal(cumsum.cumsum(torch.ones(2, 300), 1), wanted)
    finally:
        torch.use_deterministic_algorithms(False)
    with torch.inference_mode():
        x = torch.ones(2, 300)
        assert torch.equal(cumsum.cumsum_(x, 1), wanted)
    with torch.device("meta"):
        x = torch.ones(2, 300, device="cpu")
        assert torch.equal(cumsum.cumsum(x, 1, initial=0), wanted)
