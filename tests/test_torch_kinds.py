"""Tensors that are more, less or other than plain memory, and modes that look on."""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.autograd import gradcheck
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

import cumsum
from spec.results import WORKING, name, small


class Meters(torch.Tensor):
    """A subclass that leaves everything to torch."""


class Counted(torch.Tensor):
    """A subclass that notes the functions it is handed to."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        functions.append(function)
        return super().__torch_function__(function, types, args, kwargs or {})


class Logged(torch.Tensor):
    """A wrapper without memory of its own that notes the operators it is handed to."""

    @staticmethod
    def __new__(cls, inner):
        x = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            inner.stride(),
            dtype=inner.dtype,
            requires_grad=inner.requires_grad,
        )
        x.inner = inner.detach()
        return x

    @classmethod
    def __torch_dispatch__(cls, operator, types, args=(), kwargs=None):
        operators.append(operator)
        args, kwargs = tree_map_only(Logged, lambda x: x.inner, (args, kwargs or {}))
        return tree_map_only(torch.Tensor, Logged, operator(*args, **kwargs))


class Functions(TorchFunctionMode):
    def __torch_function__(self, function, types, args=(), kwargs=None):
        functions.append(function)
        return function(*args, **(kwargs or {}))


class Operators(TorchDispatchMode):
    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        operators.append(operator)
        return operator(*args, **(kwargs or {}))


functions, operators = [], []


@pytest.fixture(autouse=True)
def nothing_noted():
    functions.clear()
    operators.clear()


def scans():
    """The operators noted that scan, ours or torch's."""
    return [op for op in operators if op.namespace == "cumsum" or "cumsum" in op.name()]


def is_reverse_scan(grad):
    return torch.equal(grad, torch.arange(11.0, 0, -1).expand(3, 11))


def test_parameter():
    parameter = torch.nn.Parameter(small(torch.float32))
    result = cumsum.cumsum(parameter, 1)
    assert type(result) is torch.Tensor
    assert torch.equal(result, torch.cumsum(parameter, 1))
    result.sum().backward()
    assert is_reverse_scan(parameter.grad)
    with torch.no_grad():
        assert cumsum.cumsum_(parameter, 1) is parameter
    assert torch.equal(parameter, result)


@pytest.mark.parametrize("kind", [Meters, Counted])
@pytest.mark.parametrize("dtype", WORKING, ids=name)
def test_subclass_keeps_its_type(kind, dtype):
    x = small(dtype).as_subclass(kind)
    for dim in (0, 1):
        result = cumsum.cumsum(x, dim)
        assert type(result) is kind
        assert torch.equal(result, torch.cumsum(x, dim))
        same = x.clone()
        assert cumsum.cumsum_(same, dim) is same
        assert torch.equal(same, x.clone().cumsum_(dim))


@pytest.mark.parametrize("kind", [Meters, Counted])
def test_subclass_is_differentiated(kind):
    x = small(torch.float32).as_subclass(kind).requires_grad_()
    cumsum.cumsum(x, 1).sum().backward()
    assert is_reverse_scan(x.grad)


def test_subclass_and_mode_see_the_function():
    x = small(torch.float32)
    cumsum.cumsum(x.as_subclass(Counted), 0)
    assert functions == [cumsum.cumsum]
    with Functions():
        result = cumsum.cumsum(x, 0)
        cumsum.cumsum_(x, 0)
    assert functions == [cumsum.cumsum, cumsum.cumsum, cumsum.cumsum_]
    assert torch.equal(result, x)


def test_dispatch_mode_sees_one_operator():
    x = small(torch.bfloat16)
    for call in (cumsum.cumsum, cumsum.cumsum_):
        operators.clear()
        with Operators():
            result = call(x.clone(), 1)
        assert len(scans()) == 1
        assert torch.equal(result, call(x.clone(), 1))


def test_wrapper_sees_one_operator_each_way():
    x = Logged(small(torch.float32).requires_grad_())
    result = cumsum.cumsum(x, 1)
    assert len(scans()) == 1
    assert type(result) is Logged
    assert torch.equal(result.inner, cumsum.cumsum(small(torch.float32), 1))
    result.sum().backward()
    assert len(scans()) == 2
    assert is_reverse_scan(x.grad.inner)


def test_wrapper_under_a_transform():
    x = Logged(small(torch.float64, (3, 4)))
    grad = torch.func.grad(lambda t: cumsum.cumsum(t, 1).sum())(x)
    assert grad.inner.tolist() == [[4, 3, 2, 1]] * 3


LAYOUTS = {
    "matrix": lambda x: x,
    "transposed": lambda x: x.t(),
    "sliced": lambda x: x[::2, 1::3],
    "expanded": lambda x: x[:, :1].expand(-1, 5),
    "0-d": lambda x: x[0, 0],
    "empty": lambda x: x[:0],
    "channels last": lambda x: x.reshape(1, 3, 1, -1).to(memory_format=torch.channels_last),
}


def fake(x):
    return FakeTensorMode().from_tensor(x)


def meta(x):
    return torch.empty_strided(x.shape, x.stride(), dtype=x.dtype, device="meta")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("stand_in", [fake, meta])
@pytest.mark.parametrize("dtype", WORKING, ids=name)
def test_stand_ins_have_the_looks_of_results(dtype, stand_in, layout):
    x = stand_in(LAYOUTS[layout](small(dtype)))
    for how in ({}, {"dtype": torch.float64}):
        result, wanted = cumsum.cumsum(x, 0, **how), torch.cumsum(x, 0, **how)
        for look in ("dtype", "shape", "device", "layout"):
            assert getattr(result, look) == getattr(wanted, look)
        assert result.stride() == wanted.stride()
        assert type(result) is type(wanted) is (FakeTensor if stand_in is fake else torch.Tensor)


def quantized():
    return torch.quantize_per_tensor(torch.eye(3), 0.1, 0, torch.quint8)


WITHOUT_SCAN = {
    "COO": lambda: torch.eye(3).to_sparse(),
    "CSR": lambda: torch.eye(3).to_sparse_csr(),
    "CSC": lambda: torch.eye(3).to_sparse_csc(),
    "BSR": lambda: torch.eye(4).to_sparse_bsr((2, 2)),
    "quantized": quantized,
    "mkldnn": lambda: torch.eye(3).to_mkldnn(),
}


def raised(call, *args, **kwargs):
    with pytest.raises((RuntimeError, NotImplementedError)) as error:
        call(*args, **kwargs)
    return error.type, str(error.value)


@pytest.mark.filterwarnings("ignore:Sparse (invariant checks|CSR|CSC|BSR):UserWarning")
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor.*deprecated:UserWarning")
@pytest.mark.parametrize("kind", WITHOUT_SCAN)
def test_torch_words_the_error_of_what_it_cannot_scan(kind):
    x = WITHOUT_SCAN[kind]()
    for how in ({}, {"dtype": torch.float32}, {"out": torch.ones(3, 3)}):
        assert raised(cumsum.cumsum, x, 0, **how) == raised(torch.cumsum, x, 0, **how)
    assert raised(cumsum.cumsum_, x, 0) == raised(torch.Tensor.cumsum_, x, 0)


def test_gradcheck_of_a_subclass():
    x = torch.randn(3, 4, dtype=torch.float64).as_subclass(Meters).requires_grad_()
    assert gradcheck(lambda x: cumsum.cumsum(x, 1), x)
