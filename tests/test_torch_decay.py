"""decay= on tensors: values, derivatives, transforms and graphs."""

import io
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import gradcheck, gradgradcheck
from torch.fx.experimental.proxy_tensor import make_fx

import cumsum
from cumsum.decay import operator
from decays import decayed
from orientations import COMBINATIONS, name

every_way = pytest.mark.parametrize("flags", COMBINATIONS, ids=name)
DECAY_SHAPES = ((), (3, 1), (5,), (3, 5))


def three(decay_shape=(3, 5), dtype=torch.float64, decay_dtype=None):
    """Something to scan, decays and initial values, all to be differentiated."""
    generator = torch.Generator().manual_seed(1)
    make = {"generator": generator, "requires_grad": True}
    x = torch.randn((3, 5), dtype=dtype, **make)
    decay = torch.randn(decay_shape, dtype=decay_dtype or dtype, **make)
    return x, decay, torch.randn(3, dtype=dtype, **make)


def scan(**flags):
    """The scan as a function of all that may have a gradient."""
    return lambda x, decay, initial: cumsum.cumsum(x, 1, decay=decay, initial=initial, **flags)


@every_way
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "complex64"])
def test_same_bits_as_for_arrays(dtype, flags):
    dtype = getattr(torch, dtype)
    for shape, dim in (((7,), 0), ((0,), 0), ((3, 5000), 1), ((40, 3), 0), ((2, 30, 6), 1)):
        x = torch.randn(shape, dtype=dtype)
        lines, steps = list(shape), [1] * len(shape)
        lines[dim], steps[dim] = 1, shape[dim]
        for decay in (0.9, torch.rand(lines), torch.rand(steps), torch.rand(shape)):
            initial = torch.randn(lines).to(dtype).squeeze(dim)
            result = cumsum.cumsum(x, dim, decay=decay, initial=initial, **flags)
            assert (result.dtype, result.is_contiguous()) == (dtype, True)
            if dtype is torch.bfloat16:
                continue
            numpy_decay = decay.numpy() if isinstance(decay, torch.Tensor) else decay
            known = {"decay": numpy_decay, "initial": initial.numpy(), **flags}
            assert result.numpy().tobytes() == cumsum.cumsum(x.numpy(), dim, **known).tobytes()
            strided = x.transpose(0, -1).contiguous().transpose(0, -1)
            again = cumsum.cumsum(strided, dim, decay=decay, initial=initial, **flags)
            assert torch.equal(again, result)


def test_conjugate_and_negative_views():
    x = torch.randn(6, dtype=torch.complex128)
    for view in (x.conj(), x.conj().imag, torch._neg_view(x)):
        expected = decayed(view.resolve_conj().resolve_neg().numpy(), 0.5, 0)
        assert np.allclose(cumsum.cumsum(view, 0, decay=0.5), expected)
        out = torch.zeros_like(x).conj() if view.is_complex() else torch.zeros(6).double()
        cumsum.cumsum(view, 0, decay=0.5, out=out)
        assert np.allclose(out.resolve_conj(), expected)
    assert np.allclose(
        cumsum.cumsum(x, 0, decay=x.conj() / 4), decayed(x.numpy(), x.numpy().conj() / 4, 0)
    )


@every_way
@pytest.mark.parametrize("decay_shape", DECAY_SHAPES, ids=str)
def test_derivatives(flags, decay_shape):
    inputs = three(decay_shape)
    function = scan(**flags)
    checks = {"check_forward_ad": True, "check_batched_grad": True}
    assert gradcheck(function, inputs, check_batched_forward_grad=True, **checks)
    assert gradgradcheck(function, inputs, check_fwd_over_rev=True, check_rev_over_rev=True)


@pytest.mark.parametrize("of", range(3), ids=["x", "decay", "initial"])
@pytest.mark.parametrize("reverse", [False, True])
def test_derivatives_one_by_one(of, reverse):
    inputs = three()

    def function(t):
        rest = [s.detach() for s in inputs]
        rest[of] = t
        return scan(reverse=reverse)(*rest)

    assert gradcheck(function, (inputs[of],), check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(function, (inputs[of],), check_fwd_over_rev=True)


@pytest.mark.parametrize("decay_dtype", [torch.complex128, torch.float64], ids=str)
@pytest.mark.parametrize("decay_shape", DECAY_SHAPES, ids=str)
def test_complex_derivatives(decay_dtype, decay_shape):
    inputs = three(decay_shape, torch.complex128, decay_dtype)
    for flags in ({}, {"reverse": True, "exclusive": True}):
        assert gradcheck(scan(**flags), inputs, check_forward_ad=True)
        assert gradgradcheck(scan(**flags), inputs)


def test_derivatives_in_place():
    inputs = three()

    def function(x, decay, initial):
        return cumsum.cumsum_(x.clone(), 1, decay=decay, initial=initial, reverse=True)

    assert gradcheck(function, inputs, check_forward_ad=True)
    assert gradgradcheck(function, inputs)


def test_gradients_of_a_number_broadcast_and_cast():
    x = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
    gamma = torch.tensor(0.5, requires_grad=True)
    start = torch.tensor(1.0, requires_grad=True)
    y = cumsum.cumsum(x, 1, decay=gamma, initial=start)
    assert y.tolist() == [[1.5, 1.75, 1.875]] * 2
    of_x, of_gamma, of_start = torch.autograd.grad(y.sum(), (x, gamma, start))
    assert of_x.tolist() == [[1.75, 1.5, 1]] * 2
    assert (of_gamma.item(), of_gamma.dtype) == (2 * (1.75 + 1.5 * 1.5 + 1.75), torch.float32)
    assert of_start.item() == 1.75


def test_gradient_of_integers_cast():
    decay = torch.tensor([0.5, 0.5, 0.5], requires_grad=True)
    y = cumsum.cumsum(torch.tensor([4, 2, 1]), 0, decay=decay, dtype=torch.float32)
    assert y.tolist() == [4, 4, 3]
    assert torch.autograd.grad(y[2], decay)[0].tolist() == [0, 2, 4]


def test_results_are_saved_only_for_the_gradient_of_decay():
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(saved.append, lambda t: t):
        cumsum.cumsum(torch.randn(50, requires_grad=True), 0, decay=0.5)
    assert [t.numel() for t in saved] == [1]


@every_way
@pytest.mark.parametrize("in_dims", [(0, None, None), (None, 0, None), (1, -1, 0), (None, 1, 0)])
def test_vmap(in_dims, flags):
    generator = torch.Generator().manual_seed(0)
    tensors = [torch.randn(n, generator=generator) for n in ((4, 4), (4, 4), (4,))]
    given = [t.select(0, 0) if at is None else t for t, at in zip(tensors, in_dims, strict=True)]

    def function(x, decay, initial):
        return cumsum.cumsum(x, 0, decay=decay, initial=initial, **flags)

    result = torch.vmap(function, in_dims)(*given)
    for i in range(4):
        sample = [
            t if at is None else t.select(at, i) for t, at in zip(given, in_dims, strict=True)
        ]
        assert torch.equal(result[i], function(*sample))


def test_vmap_of_numbers():
    x, decay = torch.tensor([1.0, 2.0]), torch.tensor([0.5, 0.25])
    result = torch.vmap(lambda x, a: cumsum.cumsum(x, 0, decay=a, initial=4.0))(x, decay)
    assert result.tolist() == [3, 3]


def test_compositions():
    inputs = [t.detach()[0] for t in three()]

    def loss(x, decay, initial):
        return cumsum.cumsum(x, 0, decay=decay, initial=initial).pow(3).sum()

    every = (0, 1, 2)
    forward, reverse = torch.func.jacfwd, torch.func.jacrev
    found = [
        a(b(loss, every), every)(*inputs) for a in (forward, reverse) for b in (forward, reverse)
    ]
    for i, j in itertools.product(every, every):
        for other in found[1:]:
            torch.testing.assert_close(found[0][i][j], other[i][j])
    x, decay, initial = (t.detach() for t in three())
    gradients = torch.vmap(torch.func.grad(loss, every))(x, decay, initial)
    single = torch.func.grad(loss, every)(x[2], decay[2], initial[2])
    for batched, one in zip(gradients, single, strict=True):
        torch.testing.assert_close(batched[2], one)


COMPILED = [("aot_eager", flags) for flags in COMBINATIONS]
COMPILED += [("inductor", flags) for flags in COMBINATIONS[::5]]


@pytest.mark.parametrize(("backend", "flags"), COMPILED)
def test_compile(backend, flags):
    def function(x, decay, initial):
        y = cumsum.cumsum(x.sin(), 1, decay=decay, initial=initial, **flags)
        return y.cos() + cumsum.cumsum(y, 1, decay=0.5)

    torch._dynamo.reset()
    compiled = torch.compile(function, fullgraph=True, backend=backend)
    inputs = three()
    torch.testing.assert_close(compiled(*inputs), function(*inputs))
    gradients = [torch.autograd.grad(f(*inputs).sum(), inputs) for f in (compiled, function)]
    torch.testing.assert_close(*gradients)


def test_compile_in_place_and_out():
    def function(x, out):
        return cumsum.cumsum_(x * 2, -1, decay=0.5), cumsum.cumsum(x, 0, decay=0.5, out=out)

    torch._dynamo.reset()
    compiled = torch.compile(function, fullgraph=True, backend="aot_eager")
    x = torch.randn(3, 4)
    for ours, expected in zip(
        compiled(x, torch.empty(3, 4)), function(x, torch.empty(3, 4)), strict=True
    ):
        assert torch.equal(ours, expected)


class Returns(torch.nn.Module):
    """Discounted returns."""

    def __init__(self):
        super().__init__()
        self.gamma = torch.nn.Parameter(torch.tensor(0.9))

    def forward(self, rewards):
        return cumsum.cumsum(rewards, 1, decay=self.gamma, reverse=True)


def test_export():
    exported = torch.export.export(
        Returns(), (torch.randn(4, 6),), dynamic_shapes=({0: torch.export.Dim("lines")},)
    )
    assert "cumsum.decay.default" in {str(node.target) for node in exported.graph.nodes}
    file = io.BytesIO()
    torch.export.save(exported, file)
    file.seek(0)
    x = torch.randn(9, 6)
    assert torch.equal(torch.export.load(file).module()(x), Returns()(x))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_jit_trace():
    def function(x, decay):
        return cumsum.cumsum(x, 1, decay=decay) + cumsum.cumsum(x, 0, decay=0.5)

    x, decay = (t.detach() for t in three()[:2])
    traced = torch.jit.trace(function, (x, decay))
    assert torch.equal(traced(x.mT, decay.mT), function(x.mT, decay.mT))


def test_compile_with_other_numbers():
    torch._dynamo.reset()
    compiled = torch.compile(
        lambda x, gamma: cumsum.cumsum(x, 0, decay=gamma), fullgraph=True, backend="aot_eager"
    )
    for gamma in (0.5, 0.25, 0.75):
        x = torch.ones(int(8 * gamma))
        assert torch.equal(compiled(x, gamma), cumsum.cumsum(x, 0, decay=gamma))


@pytest.mark.parametrize("mode", ["real", "fake", "symbolic"])
def test_make_fx(mode):
    inputs = [t.detach() for t in three()]
    graph = make_fx(torch.func.grad(lambda *t: scan()(*t).square().sum(), 1), tracing_mode=mode)
    expected = torch.func.grad(lambda *t: scan()(*t).square().sum(), 1)(*inputs)
    torch.testing.assert_close(graph(*inputs)(*inputs), expected)


@pytest.mark.parametrize("place", ["meta", "fake"])
@every_way
def test_shapes_without_values(place, flags):
    x = torch.ones(4, 6, 5, dtype=torch.bfloat16)
    for view in (x, x.mT, x[::2], x[0, 0, 0], x[:0]):
        if view.dim() == 0 and flags["include_initial"]:
            continue
        empty = view.to("meta") if place == "meta" else FakeTensorMode().from_tensor(view)
        for dim in range(-1, view.dim()):
            ours = cumsum.cumsum(empty, dim, decay=0.5, **flags)
            real = cumsum.cumsum(view, dim, decay=0.5, **flags)
            assert (ours.shape, ours.dtype, ours.stride()) == (
                real.shape,
                real.dtype,
                real.stride(),
            )


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("initial", [False, True])
@pytest.mark.parametrize("shape", [(3, 5), (3, 1), (1, 5)], ids=str)
def test_opcheck(shape, initial, reverse):
    x, decay, first = three(shape)
    first = first.unsqueeze(1) if initial else None
    for arguments in (
        (x, decay, first, None, 1, reverse),
        (x.detach(), decay.detach().float(), None, None, 0, reverse),
        (x.detach().bfloat16(), decay.detach(), None, None, 1, reverse),
    ):
        results = torch.library.opcheck(operator.scan, arguments)
        assert set(results.values()) == {"SUCCESS"}


@every_way
def test_out_and_in_place(flags):
    x, decay = torch.tensor([[4.0, 2, 1]]), torch.tensor([[0.5, 1, 0.5]])
    expected = decayed(x.numpy(), decay.numpy(), 1, 2, **flags)
    for dtype in (torch.float32, torch.float64):
        out = torch.empty(expected.shape, dtype=dtype)
        assert cumsum.cumsum(x, 1, decay=decay, initial=2, out=out, **flags) is out
        assert np.array_equal(out, expected)
    if not flags["include_initial"]:
        flags = {key: flags[key] for key in ("exclusive", "reverse")}
        version = x._version
        assert cumsum.cumsum_(x, 1, decay=decay, initial=2, **flags) is x
        assert x._version > version
        assert np.array_equal(x, expected)
        cumsum.cumsum(torch.tensor([[4.0, 2, 1]]), 1, decay=decay, initial=2, out=decay, **flags)
        assert np.array_equal(decay, expected)


def test_numbers():
    x = torch.tensor(3.0)
    assert cumsum.cumsum(x, 0, decay=0.5).shape == ()
    assert cumsum.cumsum(x, 0, decay=0.5, initial=2).item() == 4
    assert cumsum.cumsum(x, 0, decay=0.5, initial=2, include_initial=True).tolist() == [2, 4]
    assert cumsum.cumsum_(x, 0, decay=torch.tensor(0.5)) is x
    assert x.item() == 3


@settings(max_examples=50)
@given(
    st.integers(1, 30), st.integers(1, 4), st.booleans(), st.booleans(), st.integers(0, 2**31 - 1)
)
def test_gradients_are_those_of_a_loop(length, lines, reverse, exclusive, seed):
    generator = torch.Generator().manual_seed(seed)
    shapes = ((length, lines), (length, lines), (lines,))
    inputs = [torch.randn(s, generator=generator, dtype=torch.float64) for s in shapes]
    weights = torch.randn(length, lines, generator=generator, dtype=torch.float64)

    def loop(x, decay, initial):
        rows, total = [None] * length, initial
        for i in reversed(range(length)) if reverse else range(length):
            before, total = total, decay[i] * total + x[i]
            rows[i] = before if exclusive else total
        return torch.stack(rows)

    def ours(x, decay, initial):
        flags = {"reverse": reverse, "exclusive": exclusive}
        return cumsum.cumsum(x, 0, decay=decay, initial=initial, **flags)

    found = []
    for function in (ours, loop):
        leaves = [t.clone().requires_grad_() for t in inputs]
        y = function(*leaves)
        (y * weights).sum().backward()
        found.append((y.detach(), *(torch.zeros(1) if t.grad is None else t.grad for t in leaves)))
    for mine, expected in zip(*found, strict=True):
        scale = expected.abs().max().clamp(min=1)
        assert (mine - expected).abs().max() <= 1e-9 * scale


BAD = {
    "integers": ({"x": torch.arange(3)}, TypeError, "floating or complex dtype, not torch.int64"),
    "complex decay": ({"decay": 1j}, TypeError, "decay of torch.complex128 cannot act on sums of"),
    "shape": ({"decay": torch.ones(2)}, ValueError, r"decay has shape \(2,\), which does not"),
    "more dims": ({"decay": torch.ones(2, 3)}, ValueError, "does not broadcast"),
    "compensated": ({"precision": "compensated"}, NotImplementedError, "with decay"),
    "sparse": ({"x": torch.ones(3).to_sparse()}, NotImplementedError, "decay not available"),
}


@pytest.mark.parametrize("case", BAD)
def test_errors(case):
    keywords, error, message = BAD[case]
    keywords = {"x": torch.ones(3), "decay": 0.5} | keywords
    x = keywords.pop("x")
    with pytest.raises(error, match=message):
        cumsum.cumsum(x, 0, **keywords)
    if case != "integers":
        out = torch.full((3,), 7.0)
        with pytest.raises(error, match=message):
            cumsum.cumsum(x, 0, out=out, **keywords)
        assert out.tolist() == [7] * 3


@pytest.mark.parametrize("options", COMBINATIONS, ids=name)
@pytest.mark.parametrize("shape", [(0,), (3, 0, 2)])
def test_no_elements_have_a_graph_of_all_arguments(shape, options):
    dim = len(shape) // 2
    line = [1 if d == dim else n for d, n in enumerate(shape)]
    roots = [torch.ones(sizes, requires_grad=True) for sizes in (shape, line, line)]
    x, decay, initial = roots
    y = cumsum.cumsum(x, dim, decay=decay, initial=initial, **options)
    found = torch.autograd.grad(y.sum(), roots)
    assert [g.shape for g in found] == [root.shape for root in roots]
    assert (found[2] == options.get("include_initial", False)).all()
