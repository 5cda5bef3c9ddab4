"""precision="compensated": gradients are compensated scans too."""

import numpy as np
import pytest
import torch
from torch.autograd import forward_ad, gradcheck, gradgradcheck

import cumsum
from bits import same_bits
from cases import as_tensor, hard, values
from reference import scan
from test_precision_routes import HOW, PAIRED, SHAPES, compensated


@pytest.mark.parametrize("dtype", PAIRED)
def test_backward_is_the_compensated_reverse_scan(dtype):
    for shape, dim in SHAPES:
        x, weights, again = (hard(shape, dtype) * factor for factor in (1, 3, 7))
        tensor, grad = as_tensor(x).requires_grad_(), as_tensor(weights).requires_grad_()
        result = cumsum.cumsum(tensor, dim, **HOW)
        (back,) = torch.autograd.grad(result, tensor, grad, create_graph=True)
        wanted = np.flip(compensated(np.flip(weights, dim), dim), dim)
        assert same_bits(back.detach().numpy(), wanted)
        (twice,) = torch.autograd.grad(back, grad, as_tensor(again))
        assert same_bits(twice.numpy(), compensated(again, dim))


def test_tangents_are_compensated():
    x, tangent = hard((9001,)), hard((9001,)) * 3

    def function(t):
        return cumsum.cumsum(t, 0, **HOW)

    def eager(x, tangent):
        with forward_ad.dual_level():
            return forward_ad.unpack_dual(function(forward_ad.make_dual(x, tangent)))

    for run in (eager, lambda x, tangent: torch.func.jvp(function, (x,), (tangent,))):
        primal, sums = run(as_tensor(x), as_tensor(tangent))
        assert same_bits(primal.numpy(), compensated(x))
        assert same_bits(sums.numpy(), compensated(tangent))


def test_transforms_are_compensated():
    weights = hard((3, 9001))
    wanted = np.flip(compensated(np.flip(weights, 1), 1), 1)

    def backward(grad):
        x = torch.zeros(9001, dtype=torch.float64)
        return torch.func.vjp(lambda t: cumsum.cumsum(t, 0, **HOW), x)[1](grad)[0]

    assert same_bits(torch.vmap(backward)(as_tensor(weights)).numpy(), wanted)


def test_the_gradient_of_a_cast_is_compensated_in_its_own_dtype():
    weights = values((9001,), "float32")
    x = torch.zeros(9001, dtype=torch.float64, requires_grad=True)
    cumsum.cumsum(x, 0, dtype=torch.float32, **HOW).backward(as_tensor(weights))
    wanted = compensated(weights[::-1], dtype=np.float64)[::-1]
    assert same_bits(x.grad.numpy(), wanted)
    x = torch.zeros(9001, requires_grad=True)
    cumsum.cumsum(x, 0, dtype=torch.float64, **HOW).backward(as_tensor(hard((9001,))))
    wanted = scan(hard((9001,))[::-1], dtype=np.float32)[::-1]
    assert same_bits(x.grad.numpy(), wanted)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=str)
def test_gradcheck(dtype):
    x = torch.randn(3, 5, dtype=dtype, requires_grad=True)
    for dim in (0, 1):
        both = {"check_forward_ad": True, "check_batched_grad": False}
        assert gradcheck(lambda t, dim=dim: cumsum.cumsum(t, dim, **HOW), x, **both)
        assert gradgradcheck(lambda t, dim=dim: cumsum.cumsum(t, dim, **HOW).square(), x)
