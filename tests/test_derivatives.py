"""Derivatives of every kind, on the samples that torch tests its own cumsum with."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.testing._internal.common_methods_invocations import op_db

import cumsum

(OPINFO,) = (op for op in op_db if op.name == "cumsum")
DTYPES = (torch.float64, torch.complex128)


def samples(dtype, *, requires_grad=False):
    for sample in OPINFO.sample_inputs("cpu", dtype, requires_grad=requires_grad):
        yield (
            sample.input,
            sample.args,
            {k: v for k, v in sample.kwargs.items() if v != torch.float32},
        )


def calls(dtype):
    for x, args, kwargs in samples(dtype, requires_grad=True):
        yield x, lambda t, args=args, kwargs=kwargs: cumsum.cumsum(t, *args, **kwargs)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_gradcheck(dtype):
    for x, function in calls(dtype):
        assert gradcheck(
            function,
            (x,),
            check_forward_ad=True,
            check_batched_grad=True,
            check_batched_forward_grad=True,
        )
        if x.dim() > 1:
            assert gradcheck(function, (x.detach().mT.requires_grad_(),), check_forward_ad=True)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_gradgradcheck(dtype):
    for x, function in calls(dtype):
        assert gradgradcheck(function, (x,), check_fwd_over_rev=True, check_batched_grad=True)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_gradcheck_in_place(dtype):
    for x, args, kwargs in samples(dtype, requires_grad=True):

        def function(t, args=args, kwargs=kwargs):
            return cumsum.cumsum_(t.clone(), *args, **kwargs)

        assert gradcheck(function, (x,), check_forward_ad=True)
        assert gradgradcheck(function, (x,))


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("dtype", [*DTYPES, torch.bfloat16, torch.int64], ids=str)
def test_vmap_over_every_dim(dtype, in_place):
    """The batch may lie anywhere, within another batch, and come out anywhere."""
    for x, args, kwargs in samples(dtype):

        def function(t, args=args, kwargs=kwargs):
            if in_place:
                return cumsum.cumsum_(t.clone(), *args, **kwargs)
            return cumsum.cumsum(t, *args, **kwargs)

        for at in range(x.dim() + 1):
            batch = torch.stack([x, x * 2, x], at)
            result = torch.vmap(function, in_dims=at, out_dims=-1)(batch)
            assert torch.equal(result[..., 0], function(x))
            assert torch.equal(result[..., 1], function(x * 2))
            nested = torch.stack([batch, batch], at)
            twice = torch.vmap(torch.vmap(function, at), at)(nested)
            assert torch.equal(twice[1, 2], function(x))


@pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node:UserWarning")  # linearize
@pytest.mark.parametrize("how", ["grad of vmap", "vmap of grad", "vjp", "linearize", "jacobians"])
def test_compositions(how):
    x = torch.linspace(-1, 1, 12, dtype=torch.float64).view(3, 4)

    def loss(scan):
        return lambda t: scan(t, 0).square().sum()

    def value(scan):
        if how == "grad of vmap":
            return torch.func.grad(lambda t: torch.vmap(loss(scan))(t).prod())(x)
        if how == "vmap of grad":
            return torch.vmap(torch.func.grad(loss(scan)))(x)
        if how == "vjp":
            return torch.func.vjp(lambda t: scan(t, 1), x)[1](x.sin())[0]
        if how == "linearize":
            return torch.func.linearize(lambda t: scan(t, 1).square(), x)[1](x.cos())
        forward, reverse = torch.func.jacfwd, torch.func.jacrev
        return torch.stack([forward(reverse(loss(scan)))(x), reverse(forward(loss(scan)))(x)])

    torch.testing.assert_close(value(cumsum.cumsum), value(torch.cumsum), rtol=1e-14, atol=1e-14)


def test_nothing_is_saved():
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(saved.append, lambda x: x):
        x = torch.randn(5, requires_grad=True)
        cumsum.cumsum(x, 0)
        cumsum.cumsum(x, 0, dtype=torch.float64)
    assert saved == []


def test_backward_is_one_scan_in_the_input_dtype():
    x = torch.randn(1000, dtype=torch.float16, requires_grad=True)
    weights = torch.randn(1000, dtype=torch.float64)
    cumsum.cumsum(x, 0, dtype=torch.float64).backward(weights)
    reverse = cumsum.cumsum(weights.flip(0), 0, dtype=torch.float16).flip(0)
    assert x.grad.dtype == torch.float16
    assert torch.equal(x.grad, reverse)


def test_forward_mode_of_forward_mode():
    x = torch.randn(5, dtype=torch.float64)
    forward, reverse = torch.func.jacfwd, torch.func.jacrev

    def cubes(x):
        return cumsum.cumsum(x**3, 0)

    assert torch.allclose(forward(forward(cubes))(x), reverse(reverse(cubes))(x))
