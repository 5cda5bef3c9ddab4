"""Switches of torch, hooks and checkpoints: none of them changes a bit of a result."""

import contextlib

import pytest
import torch
from torch.utils.checkpoint import checkpoint

import cumsum
from cases import as_tensor, values
from running import Running
from spec.kinds import default_double, deterministic
from spec.results import FLOATS, WORKING, name

SHAPES = (((8,), 0), ((300, 70), 0), ((70, 300), 1), ((400_000,), 0))


def some(dtype, shape):
    return as_tensor(values(shape, name(dtype)))


def same(a, b):
    """Whether two tensors have the same dtype and bits; the values used here hold no NaN."""
    return a.dtype == b.dtype and a.device == b.device and torch.equal(a, b)


@contextlib.contextmanager
def default_meta():
    torch.set_default_device("meta")
    yield
    torch.set_default_device(None)


SWITCHES = {
    "deterministic": deterministic,
    "default dtype": default_double,
    "default device": default_meta,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "autocast float16": lambda: torch.autocast("cpu", dtype=torch.float16),
    "inference mode": torch.inference_mode,
    "no grad": torch.no_grad,
    "anomalies": lambda: torch.autograd.set_detect_anomaly(True, check_nan=True),
    "hidden anomalies": lambda: torch.autograd.set_detect_anomaly(False),
}
NOTED = "ignore:Anomaly Detection has been enabled:UserWarning"


@pytest.mark.filterwarnings(NOTED)
@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize("dtype", WORKING, ids=name)
def test_result(dtype, switch):
    for shape, dim in SHAPES:
        x = some(dtype, shape)
        wanted, wanted_wide = cumsum.cumsum(x, dim), cumsum.cumsum(x, dim, dtype=torch.complex128)
        wanted_in_place = cumsum.cumsum_(x.clone(), dim)
        out, place = torch.zeros_like(wanted), x.clone()
        with SWITCHES[switch]():
            result = cumsum.cumsum(x, dim)
            wide = cumsum.cumsum(x, dim, dtype=torch.complex128)
            cumsum.cumsum(x, dim, out=out)
            cumsum.cumsum_(place, dim)
        assert same(result, wanted)
        assert same(out, wanted)
        assert same(wide, wanted_wide)
        assert same(place, wanted_in_place)


def gradient(x, dim, weights):
    leaf = x.detach().requires_grad_()
    (grad,) = torch.autograd.grad(cumsum.cumsum(leaf, dim), leaf, weights)
    return grad


@pytest.mark.filterwarnings(NOTED)
@pytest.mark.parametrize("switch", [s for s in SWITCHES if s not in {"inference mode", "no grad"}])
@pytest.mark.parametrize("dtype", FLOATS, ids=name)
def test_gradient(dtype, switch):
    for shape, dim in SHAPES:
        x, weights = some(dtype, shape), some(dtype, shape) * 3
        wanted = gradient(x, dim, weights)
        with SWITCHES[switch]():
            found = gradient(x, dim, weights)
        assert same(found, wanted)


@pytest.mark.parametrize("switch", ["deterministic", "default dtype", "default device"])
def test_nested_and_masked_tensors(switch):
    values, offsets = some(torch.bfloat16, (90, 7)), torch.tensor([0, 40, 40, 83])
    nested = torch.nested.nested_tensor_from_jagged(values, offsets)
    masked = torch.masked.masked_tensor(some(torch.float16, (90, 7)), some(torch.bool, (90, 7)))
    wanted = cumsum.cumsum(nested, 1).values(), cumsum.cumsum(masked, 0).get_data()
    with SWITCHES[switch]():
        found = cumsum.cumsum(nested, 1), cumsum.cumsum(masked, 0)
    assert same(found[0].values(), wanted[0])
    assert same(found[1].get_data(), wanted[1])


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_nothing_is_recorded(mode):
    x = torch.ones(3, requires_grad=True)
    with mode():
        result = cumsum.cumsum(x, 0)
    assert not result.requires_grad
    assert result.is_inference() == (mode is torch.inference_mode)


@pytest.mark.filterwarnings(NOTED)
@pytest.mark.filterwarnings("ignore:Error detected in .*Traceback of forward call:UserWarning")
def test_anomaly_is_found_in_our_backward():
    x = torch.ones(3, requires_grad=True)
    with torch.autograd.detect_anomaly():
        result = cumsum.cumsum(x, 0)
        with pytest.raises(RuntimeError, match="returned nan values"):
            result.backward(torch.tensor([1.0, torch.nan, 1.0]))


def test_tensor_hooks():
    seen = {}
    x = torch.ones(4, requires_grad=True)
    y = cumsum.cumsum(x, 0)
    y.register_hook(lambda grad: grad * 2)
    x.register_hook(lambda grad: seen.update(leaf=grad) or grad * 10)
    y.grad_fn.register_hook(lambda into, out: seen.update(node=(into[0], out[0])))
    y.retain_grad()
    y.sum().backward()
    assert y.grad.tolist() == [2, 2, 2, 2]
    assert [t.tolist() for t in seen["node"]] == [[8, 6, 4, 2], [2, 2, 2, 2]]
    assert seen["leaf"].tolist() == [8, 6, 4, 2]
    assert x.grad.tolist() == [80, 60, 40, 20]


class Scan(torch.nn.Module):
    def forward(self, x):
        return cumsum.cumsum(x, 1)


def test_module_hooks():
    seen = {}
    module = Scan()
    module.register_forward_pre_hook(lambda m, args: (args[0] * 2,))
    module.register_forward_hook(lambda m, args, out: out + 1)
    module.register_full_backward_pre_hook(lambda m, grad: (grad[0] * 3,))
    module.register_full_backward_hook(lambda m, into, out: seen.update(into=into, out=out))
    x = torch.ones(2, 3, requires_grad=True)
    y = module(x)
    assert y.tolist() == [[3, 5, 7]] * 2
    y.sum().backward()
    assert seen["out"][0].tolist() == [[3, 3, 3]] * 2
    assert seen["into"][0].tolist() == [[9, 6, 3]] * 2
    assert x.grad.tolist() == [[18, 12, 6]] * 2


@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=name)
def test_checkpoint(dtype, reentrant):
    module = Running().to(dtype)
    x = some(dtype, (50, 70)).requires_grad_()

    def run(forward):
        result = forward(x)
        return [result, *torch.autograd.grad(result.square().sum(), [x, *module.parameters()])]

    def backward(forward):
        leaves = [x, *module.parameters()]
        for leaf in leaves:
            leaf.grad = None
        result = forward(x)
        result.square().sum().backward()
        return [result, *(leaf.grad for leaf in leaves)]

    for a, b in zip(
        backward(lambda x: checkpoint(module, x, use_reentrant=reentrant)), run(module), strict=True
    ):
        assert same(a, b)


def test_zero_tensor_whatever_the_default_device():
    x = torch._efficientzerotensor(3, device="cpu")
    with default_meta():
        result = cumsum.cumsum(x, 0)
        wide = cumsum.cumsum(x, 0, dtype=torch.float64)
    assert same(result, torch.zeros(3))
    assert same(wide, torch.zeros(3, dtype=torch.float64))
