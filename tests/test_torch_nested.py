"""Nested tensors in the jagged layout: every sequence as if it came alone."""

import pytest
import torch
from torch.autograd import gradcheck
from torch.nested import nested_tensor, nested_tensor_from_jagged
from torch.utils._python_dispatch import TorchDispatchMode

import cumsum
from cases import as_tensor, hard, values
from cumsum import operator
from cumsum.kernels.tensor import How
from spec.results import FLOATS, WORKING, name, small

JAGGED = {"layout": torch.jagged}
STRIDED = "ignore:The PyTorch API of nested tensors is in prototype stage:UserWarning"
LENGTHS = (5, 0, 4097, 1, 12, 0)
OFFSETS = torch.tensor([0, *LENGTHS]).cumsum(0)


class Pack(torch.autograd.Function):
    """A nested tensor of values, for torch's own can't be differentiated twice; see `Unpack`."""

    @staticmethod
    def forward(ctx, values, offsets, lengths):
        return nested_tensor_from_jagged(values.detach(), offsets, lengths)

    @staticmethod
    def backward(ctx, grad):
        return Unpack.apply(grad), None, None


class Unpack(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.structure = x.offsets(), x.lengths()
        return x.values().clone()

    @staticmethod
    def backward(ctx, grad):
        return Pack.apply(grad, *ctx.structure)


def many(dtype, *inner):
    return as_tensor(values((sum(LENGTHS), *inner), name(dtype)))


def nested(x, ragged=1):
    return nested_tensor_from_jagged(x, OFFSETS, jagged_dim=ragged)


def same_sequences(result, wanted):
    """Whether a nested tensor holds these sequences, to the bit."""
    found = result.unbind()
    return len(found) == len(wanted) and all(
        a.dtype == b.dtype and torch.equal(a, b) for a, b in zip(found, wanted, strict=True)
    )


def alone(x, dim, **how):
    """Every sequence of a nested tensor scanned by itself, along `dim` of the nested one."""
    return [cumsum.cumsum(part, dim % x.dim() - 1, **how) for part in x.unbind()]


@pytest.mark.parametrize("dtype", WORKING, ids=name)
@pytest.mark.parametrize("inner", [(), (3,), (2, 3)], ids=str)
def test_every_sequence_has_the_bits_of_its_own_scan(inner, dtype):
    x = nested(many(dtype, *inner))
    for dim in range(1, x.dim()):
        assert same_sequences(cumsum.cumsum(x, dim), alone(x, dim))
        assert same_sequences(cumsum.cumsum(x, dim - x.dim()), alone(x, dim))


def test_ragged_dim_anywhere():
    x = nested(many(torch.float32, 3, 2))
    stored = nested(many(torch.float32, 3).t().contiguous(), ragged=2)
    for y in (x.transpose(1, 2), x.transpose(1, 3), x.transpose(1, 2).transpose(1, 2), stored):
        for dim in range(1, y.dim()):
            result = cumsum.cumsum(y, dim)
            assert same_sequences(result, alone(y, dim))
            assert result.shape == y.shape


@pytest.mark.parametrize("dtype", FLOATS, ids=name)
def test_given_dtype(dtype):
    x = nested(many(torch.int8, 2))
    for dim in (1, 2):
        assert same_sequences(cumsum.cumsum(x, dim, dtype=dtype), alone(x, dim, dtype=dtype))


def test_bool_becomes_int64():
    x = nested(many(torch.bool))
    assert same_sequences(cumsum.cumsum(x, 1), alone(x, 1))
    assert cumsum.cumsum(x, 1).dtype == torch.int64


def test_compensated():
    x = nested(as_tensor(hard((sum(LENGTHS), 2))))
    for dim in (1, 2):
        result = cumsum.cumsum(x, dim, precision="compensated")
        assert same_sequences(result, alone(x, dim, precision="compensated"))


def test_result_keeps_the_structure():
    x = nested_tensor([torch.ones(2, 3), torch.ones(4, 3)], **JAGGED)
    for dim in (1, 2):
        y = cumsum.cumsum(x, dim)
        assert y.shape == x.shape
        assert y.offsets() is x.offsets()
        assert y.is_contiguous()
        assert torch.equal((y * x).values(), y.values())
        assert (y._maybe_min_seqlen, y._maybe_max_seqlen) == (2, 4)


def narrowed():
    """Sequences with holes between them, and the tensor they lie in."""
    base = small(torch.float32, (4, 9, 2))
    starts, lengths = torch.tensor([0, 3, 1, 2]), torch.tensor([9, 0, 5, 2])
    return torch.nested.narrow(base, 1, starts, lengths, **JAGGED), base


def test_holes_stay_holes():
    x, base = narrowed()
    parts = [base[0], base[1, 3:3], base[2, 1:6], base[3, 2:4]]
    for dim in (1, 2):
        result = cumsum.cumsum(x, dim)
        assert same_sequences(result, [cumsum.cumsum(part, dim - 1) for part in parts])
        assert same_sequences(result + x, [cumsum.cumsum(p, dim - 1) + p for p in parts])
    inside = torch.zeros(36, dtype=torch.bool)
    for start, length in zip(x.offsets().tolist(), x.lengths().tolist(), strict=False):
        inside[start : start + length] = True
    assert not cumsum.cumsum(x, 1).values()[~inside].any()


def test_values_outside_every_sequence_become_zero():
    x = nested_tensor_from_jagged(torch.ones(6), torch.tensor([1, 3, 5]))
    assert cumsum.cumsum(x, 1).values().tolist() == [0, 1, 2, 1, 2, 0]


def test_no_sequences_and_no_values():
    for offsets, shape in (([0], (0, 2)), ([0, 0, 0], (0, 2)), ([0, 3], (3, 0))):
        x = nested_tensor_from_jagged(torch.ones(shape), torch.tensor(offsets))
        for dim in (1, 2):
            assert cumsum.cumsum(x, dim).values().shape == shape


def test_gradients_are_reverse_scans():
    leaves = [torch.ones(n, 2, requires_grad=True) for n in (3, 0, 5)]
    for dim in (1, 2):
        x = torch.nested.as_nested_tensor(leaves, **JAGGED)
        weights = small(torch.float32, (8, 2))
        (cumsum.cumsum(x, dim).values() * weights).sum().backward()
        for leaf, weight in zip(leaves, weights.split([3, 0, 5]), strict=True):
            assert torch.equal(
                leaf.grad, cumsum.cumsum(weight.flip(dim - 1), dim - 1).flip(dim - 1)
            )
            leaf.grad = None


def test_gradient_of_a_leaf_is_nested_and_in_its_dtype():
    x = nested_tensor([torch.ones(2), torch.ones(3)], dtype=torch.float32, **JAGGED)
    x.requires_grad_()
    cumsum.cumsum(x, 1, dtype=torch.float64).sum().backward()
    assert x.grad.dtype == torch.float32
    assert x.grad.shape == x.shape
    assert x.grad.values().tolist() == [2, 1, 3, 2, 1]


@pytest.mark.parametrize("holes", [False, True])
def test_gradcheck_once_and_twice(holes):
    offsets = torch.tensor([0, 2, 2, 6])
    lengths = torch.tensor([1, 0, 3]) if holes else None
    x, weights = (torch.randn(6, 2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    for dim in (1, 2):

        def function(x, dim=dim):
            return Unpack.apply(cumsum.cumsum(Pack.apply(x, offsets, lengths), dim))

        def gradient(x, weights, function=function):
            return torch.autograd.grad(function(x).square(), x, weights, create_graph=True)

        assert gradcheck(function, x)
        assert gradcheck(gradient, (x, weights))


def test_without_gradients():
    x = nested(many(torch.float32)).requires_grad_()
    with torch.no_grad():
        assert not cumsum.cumsum(x, 1).requires_grad
    with torch.inference_mode():
        assert same_sequences(cumsum.cumsum(x, 1), alone(x, 1))


def test_errors():
    x = nested_tensor([torch.ones(2, 3), torch.ones(4, 3)], **JAGGED)
    for dim in (0, -3):
        with pytest.raises(RuntimeError, match=r"cumsum.*not supported for NestedTensor on dim=0"):
            cumsum.cumsum(x, dim)
    for dim in (3, -4):
        with pytest.raises(IndexError, match=r"expected to be in range of \[-3, 2\], but got"):
            cumsum.cumsum(x, dim)
    for dim in (1, 2):
        with pytest.raises(NotImplementedError, match="not implemented for 'UInt16'"):
            cumsum.cumsum(x, dim, dtype=torch.uint16)
        with pytest.raises(RuntimeError, match="Autograd not support dtype: Long"):
            cumsum.cumsum(x.detach().requires_grad_(), dim, dtype=torch.int64)
    overlapping = nested_tensor_from_jagged(
        torch.ones(6), torch.tensor([0, 2, 6]), torch.tensor([3, 1])
    )
    with pytest.raises(RuntimeError, match="sequences overlap"):
        cumsum.cumsum(overlapping, 1)


@pytest.mark.filterwarnings(STRIDED)
def test_torch_refuses_out_in_place_and_strided():
    x = nested_tensor([torch.ones(2, 3), torch.ones(4, 3)], **JAGGED)
    strided = nested_tensor([torch.ones(2, 3), torch.ones(4, 3)], layout=torch.strided)
    calls = {
        "cumsum.out": lambda: cumsum.cumsum(x, 1, out=x.clone()),
        "cumsum_": lambda: cumsum.cumsum_(x, 1),
        "aten::cumsum": lambda: cumsum.cumsum(strided, 1),
    }
    for message, call in calls.items():
        with pytest.raises(NotImplementedError, match=message):
            call()


def leaf():
    return nested_tensor([torch.ones(2, 3), torch.ones(4, 3)], **JAGGED).requires_grad_()


def result_and_gradient(function):
    x = leaf()
    y = function(x)
    y.sum().backward()
    return y.values(), x.grad.values()


@pytest.mark.parametrize("backend", ["eager", "aot_eager", "inductor"])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("dim", [1, 2])
def test_in_a_graph(dim, whole, backend):
    def function(x):
        return cumsum.cumsum(x, dim) * 2

    torch._dynamo.reset()
    compiled = torch.compile(function, backend=backend, fullgraph=whole)
    for ours, eager in zip(
        result_and_gradient(compiled), result_and_gradient(function), strict=True
    ):
        assert torch.equal(ours, eager)


def test_dispatch_mode_sees_the_operator():
    seen = []

    class Operators(TorchDispatchMode):
        def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
            seen.append(str(operator))
            return operator(*args, **(kwargs or {}))

    x = leaf().detach()
    for dim in (1, 2):
        with Operators():
            result = cumsum.cumsum(x, dim)
        assert same_sequences(result, alone(x, dim))
    assert seen.count("cumsum.scan.default") == 2


def test_graphs_have_no_first_values_for_them():
    x = leaf().detach()
    for initial, how in ((None, {"include_initial": True}), (torch.zeros(1, 1), {})):
        with pytest.raises(NotImplementedError, match="initial values not available"):
            operator.scan(x, initial, *How(2, torch.float32, **how))
