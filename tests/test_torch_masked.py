"""Masked tensors: beside torch.masked.cumsum, and differentiated."""

import pytest
import torch
from torch.autograd import gradcheck
from torch.masked import MaskedTensor, as_masked_tensor, is_masked_tensor, masked_tensor

import cumsum
from cases import as_tensor, hard, values
from spec.results import name, small

DTYPES = (
    torch.bool,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.float16,
    torch.float32,
    torch.float64,
)
SHAPES = [((), 0), ((7,), 0), ((3, 0), 1), ((4, 5000), 1), ((5000, 4), 0), ((2, 5, 6), -2)]


def some(shape):
    return as_tensor(values(shape, "bool", seed=1))


class Show(torch.autograd.Function):
    """What a masked tensor shows, zero elsewhere; `Mask` is its adjoint."""

    @staticmethod
    def forward(ctx, x):
        ctx.mask = x.get_mask()
        return x.to_tensor(0)

    @staticmethod
    def backward(ctx, grad):
        return Mask.apply(grad, ctx.mask)


class Mask(torch.autograd.Function):
    @staticmethod
    def forward(ctx, data, mask):
        return MaskedTensor(data.detach(), mask)

    @staticmethod
    def backward(ctx, grad):
        return Show.apply(grad), None


@pytest.mark.parametrize("dtype", DTYPES, ids=name)
def test_is_torch_masked_cumsum_with_the_dtype_of_cumsum(dtype):
    for shape, dim in SHAPES:
        data, mask = small(dtype, shape), some(shape)
        wanted = torch.cumsum(data, dim).dtype
        result = cumsum.cumsum(masked_tensor(data, mask), dim)
        assert is_masked_tensor(result)
        assert result.dtype == wanted
        assert torch.equal(result.get_mask(), mask)
        assert torch.equal(
            result.get_data(), torch.masked.cumsum(data, dim, mask=mask, dtype=wanted)
        )


def test_given_dtype_and_names_of_arguments():
    data, mask = small(torch.int8, (3, 5)), some((3, 5))
    x = masked_tensor(data, mask)
    for dtype in (torch.int8, torch.int32, torch.float16, float):
        result = cumsum.cumsum(input=x, axis=-1, dtype=dtype)
        wanted = torch.masked.cumsum(data, 1, mask=mask, dtype=torch.zeros(0, dtype=dtype).dtype)
        assert result.dtype == wanted.dtype
        assert torch.equal(result.get_data(), wanted)


def test_what_is_masked_out_is_not_read():
    data = torch.tensor([torch.nan, 1, torch.inf, 2])
    result = cumsum.cumsum(masked_tensor(data, data.isfinite()), 0)
    assert result.to_tensor(-1).tolist() == [-1, 1, -1, 3]


def test_mask_all_or_nothing():
    data = as_tensor(values((3, 9), "float32"))
    for mask in (torch.ones(3, 9, dtype=torch.bool), torch.zeros(3, 9, dtype=torch.bool)):
        result = cumsum.cumsum(masked_tensor(data, mask), 1)
        assert torch.equal(result.to_tensor(0), cumsum.cumsum(data, 1) * mask)


def test_strides_of_the_data_do_not_matter():
    data, mask = as_tensor(values((6, 8), "float32")), some((6, 8))
    for change in (lambda t: t.t(), lambda t: t[::2, 1::3], lambda t: t[:, :1].expand(6, 4)):
        result = cumsum.cumsum(masked_tensor(change(data), change(mask)), 0)
        assert torch.equal(
            result.get_data(), cumsum.cumsum(torch.where(change(mask), change(data), 0), 0)
        )


def test_result_combines_with_the_input():
    data, mask = small(torch.float32), some((3, 11))
    x = masked_tensor(data, mask)
    both = cumsum.cumsum(x, 1) - x
    assert torch.equal(
        both.to_tensor(0), (torch.masked.cumsum(data, 1, mask=mask) - data).where(mask, 0)
    )


def test_compensated():
    data, mask = as_tensor(hard((3, 9001))), some((3, 9001))
    result = cumsum.cumsum(masked_tensor(data, mask), 1, precision="compensated")
    wanted = cumsum.cumsum(data.where(mask, 0), 1, precision="compensated")
    assert torch.equal(result.get_data(), wanted)
    assert not torch.equal(wanted, cumsum.cumsum(data.where(mask, 0), 1))


def test_gradient_reaches_what_is_shown():
    mask = torch.tensor([True, False, True, True])
    x = masked_tensor(torch.arange(4.0), mask, requires_grad=True)
    cumsum.cumsum(x, 0).backward(masked_tensor(torch.ones(4), mask))
    assert torch.equal(x.grad.get_mask(), mask)
    assert x.grad.to_tensor(0).tolist() == [3, 0, 2, 1]
    cumsum.cumsum(x, 0).backward(torch.tensor([1.0, 10, 100, 1000]))  # 10 is for no element
    assert x.grad.to_tensor(0).tolist() == [3 + 1101, 0, 2 + 1100, 1 + 1000]


@pytest.mark.parametrize("dtype", [None, torch.float32])
def test_gradient_is_the_masked_reverse_scan_in_the_dtype_of_the_input(dtype):
    data, mask, weights = (as_tensor(values((5, 700), t)) for t in ("float64", "bool", "float32"))
    leaf = data.requires_grad_()
    (Show.apply(cumsum.cumsum(Mask.apply(leaf, mask), 1, dtype=dtype)) * weights).sum().backward()
    wanted = cumsum.cumsum(weights.double().where(mask, 0).flip(1), 1).flip(1).where(mask, 0)
    assert torch.equal(leaf.grad, wanted)


def test_gradcheck_once_and_twice():
    mask = some((3, 5))
    x, weights = (torch.randn(3, 5, dtype=torch.float64, requires_grad=True) for _ in range(2))
    for dim in (0, 1):

        def function(x, dim=dim):
            return Show.apply(cumsum.cumsum(Mask.apply(x, mask), dim))

        def gradient(x, weights, function=function):
            return torch.autograd.grad(function(x).square(), x, weights, create_graph=True)

        assert gradcheck(function, x)
        assert gradcheck(gradient, (x, weights))


def test_integer_result_has_no_gradient():
    leaf = torch.ones(3, requires_grad=True)
    x = masked_tensor(torch.ones(3), torch.ones(3, dtype=torch.bool), requires_grad=True)
    with pytest.raises(RuntimeError) as wanted:
        torch.cumsum(leaf, 0, dtype=torch.int64)
    with pytest.raises(RuntimeError) as raised:
        cumsum.cumsum(x, 0, dtype=torch.int64)
    assert str(raised.value) == str(wanted.value)


def test_errors():
    x = masked_tensor(torch.ones(2, 3), some((2, 3)))
    with pytest.raises(IndexError, match="Dimension out of range"):
        cumsum.cumsum(x, 2)
    with pytest.raises(NotImplementedError, match="not implemented for 'UInt16'"):
        cumsum.cumsum(x, 0, dtype=torch.uint16)
    with pytest.raises(TypeError, match="not supported in MaskedTensor"):
        cumsum.cumsum(x, 0, dtype=torch.complex64)


@pytest.mark.filterwarnings("ignore:Sparse invariant checks:UserWarning")
@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta state:UserWarning")
@pytest.mark.parametrize("layout", ["to_sparse", "to_sparse_csr"])
def test_sparse_data_is_refused_as_by_torch_masked(layout):
    x = getattr(masked_tensor(torch.ones(2, 3), some((2, 3))), layout)()
    with pytest.raises(ValueError, match="masked cumsum expects strided tensor") as wanted:
        torch.masked.cumsum(x, 1)
    with pytest.raises(ValueError, match="masked cumsum expects strided tensor") as raised:
        cumsum.cumsum(x, 1)
    assert str(raised.value) == str(wanted.value)


@pytest.mark.filterwarnings(
    "ignore:(cumsum|scan).* is not implemented in __torch_dispatch__:UserWarning"
)
def test_torch_refuses_out_in_place_and_transforms():
    x = as_masked_tensor(torch.ones(3), torch.ones(3, dtype=torch.bool))
    calls = (
        lambda: cumsum.cumsum(x, 0, out=torch.ones(3)),
        lambda: cumsum.cumsum(torch.ones(3), 0, out=x),
        lambda: cumsum.cumsum_(x, 0),
        lambda: torch.func.grad(lambda t: cumsum.cumsum(t, 0).sum())(x),
    )
    for call in calls:
        with pytest.raises(TypeError, match="Multiple dispatch failed"):
            call()
