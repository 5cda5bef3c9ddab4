"""torch.compile: no graph break, and the bits of the eager call."""

import numpy as np
import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend
from torch._inductor.utils import fresh_cache

import cumsum

# What torch's compiler says of torch.
pytestmark = pytest.mark.filterwarnings("ignore:`torch._prims_common.check`:FutureWarning")
BACKENDS = ("eager", "aot_eager", "inductor")
SIZES = (1, 128, 129, 8192, 8193)


@pytest.fixture(autouse=True, scope="module")
def fresh_inductor():
    """What an earlier run compiled would not be compiled again."""
    with fresh_cache():
        yield


@pytest.fixture(autouse=True)
def fresh_dynamo():
    torch._dynamo.reset()


def run_compiled(function, *inputs, backend="aot_eager", dynamic=None):
    """Compiled without a break, on copies of the inputs: the result, and what became of them."""
    compiled = torch.compile(function, backend=backend, fullgraph=True, dynamic=dynamic)
    copies = [x.clone() for x in inputs]
    return compiled(*copies), copies


def assert_as_eager(function, *inputs, **how):
    result, after = run_compiled(function, *inputs, **how)
    copies = [x.clone() for x in inputs]
    expected = function(*copies)
    assert result.dtype == expected.dtype
    assert result.stride() == expected.stride()
    for ours, theirs in zip([result, *after], [expected, *copies], strict=True):
        assert torch.equal(ours.isnan(), theirs.isnan())
        assert torch.equal(ours.nan_to_num(), theirs.nan_to_num())


def values(dtype, *shape):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(*shape, generator=generator)
    return x > 0 if dtype == torch.bool else (4 * x).to(dtype)


CALLS = {
    "dim": lambda x: cumsum.cumsum(x, 0) * 2,
    "negative dim": lambda x: cumsum.cumsum(x, dim=-1) + 1,
    "axis": lambda x: cumsum.cumsum(a=x, axis=1),
    "dtype=": lambda x: cumsum.cumsum(x, 1, dtype=torch.float64),
    "dtype=int": lambda x: cumsum.cumsum(x, 1, dtype=torch.int32),
    "compensated": lambda x: cumsum.cumsum(x.double(), 1, precision="compensated"),
    "in place": lambda x: cumsum.cumsum_(x, 1) * 2,
    "in place, of a result": lambda x: cumsum.cumsum_(x * 2, 1),
    "out=": lambda x: cumsum.cumsum(x, 1, out=torch.empty_like(x)),
    "transposed": lambda x: cumsum.cumsum(x.t(), 0),
    "expanded": lambda x: cumsum.cumsum(x[:, :1].expand(-1, 5), 1),
    "twice": lambda x: cumsum.cumsum(cumsum.cumsum(x, 0), 1),
    "func.grad": torch.func.grad(lambda x: cumsum.cumsum(x, 0).square().sum()),
    "func.vmap": torch.func.vmap(lambda x: cumsum.cumsum(x, 0), in_dims=1),
    "func.jvp": lambda x: torch.func.jvp(lambda t: cumsum.cumsum(t, 0), (x,), (x * x,))[1],
    "func.jacfwd": lambda x: torch.func.jacfwd(lambda t: cumsum.cumsum(t, 0).square())(x[0]),
    "func.hessian": lambda x: torch.func.hessian(lambda t: cumsum.cumsum(t, 0).prod())(x[0, :3]),
    "no_grad": torch.no_grad()(lambda x: cumsum.cumsum(x, 0)),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("call", CALLS)
def test_call(call, backend):
    assert_as_eager(CALLS[call], values(torch.float32, 7, 9), backend=backend)


@pytest.mark.parametrize("ci", ["", "1"])
def test_inductor_in_a_ci(ci, monkeypatch):  # where it is strict about decompositions
    monkeypatch.setenv("CI", ci)
    with fresh_cache():
        assert_as_eager(lambda x: cumsum.cumsum(x, 0), torch.rand(12, 11), backend="inductor")


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int8, torch.bool], ids=str)
def test_sizes(dtype, size, dynamic):
    def scan(t):
        return cumsum.cumsum(t, 0)

    x = values(dtype, size)
    assert_as_eager(scan, x, dynamic=dynamic)
    if dtype.is_floating_point:
        assert_as_eager(scan, torch.full_like(x, torch.inf), dynamic=dynamic)  # compiled above


@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1, 4)])
def test_few_elements(shape, backend):
    assert_as_eager(lambda t: cumsum.cumsum(t, 0), torch.ones(shape), backend=backend)


def test_out_given_from_outside():
    def function(x, out):
        return cumsum.cumsum(x, 1, out=out)

    for out in (torch.empty(3, 4), torch.empty(4, 3).t(), torch.empty(3, 4, dtype=torch.float64)):
        assert_as_eager(function, values(torch.float32, 3, 4), out)


def test_one_graph_serves_all_sizes():
    counter = CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(
        lambda x: cumsum.cumsum(x, 1) * x.shape[0], backend=counter, dynamic=True
    )
    for size in (5, 6, 129, 8193):
        x = values(torch.float32, 3, size)
        assert torch.equal(compiled(x), cumsum.cumsum(x, 1) * 3)
    assert counter.frame_count == 1


def gradients(function, x, order):
    x = x.clone().requires_grad_()
    weights = torch.linspace(-1, 1, x.numel(), dtype=x.dtype).view_as(x)
    (first,) = torch.autograd.grad(function(x), x, weights * x, create_graph=order > 1)
    if order == 1:
        return first
    return torch.autograd.grad(first.square().sum(), x)[0]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("call", ["dim", "dtype=", "in place, of a result", "twice", "transposed"])
def test_backward(call, backend):
    x = values(torch.float32, 7, 9)

    def function(t):
        return CALLS[call](t).to(t.dtype).reshape(t.shape)

    compiled = torch.compile(function, backend=backend, fullgraph=True)
    assert torch.equal(gradients(compiled, x, 1), gradients(function, x, 1))


def test_double_backward_of_the_eager_backend():
    x = values(torch.float64, 7, 9)
    compiled = torch.compile(CALLS["twice"], backend="eager", fullgraph=True)
    assert torch.equal(gradients(compiled, x, 2), gradients(CALLS["twice"], x, 2))


ERRORS = {
    "dim out of range": lambda x: cumsum.cumsum(x, 2),
    "no dim": cumsum.cumsum,
    "dtype of out=": lambda x: cumsum.cumsum(x, 0, dtype=torch.float64, out=torch.empty_like(x)),
    "a name of nothing": lambda x: cumsum.cumsum(x, 0, keepdim=True),
}


@pytest.mark.parametrize("error", ERRORS)
def test_errors(error):
    x = torch.ones(3, 4)
    with pytest.raises(Exception) as eager:  # noqa: PT011
        ERRORS[error](x)
    # torch 2.10 puts what a function raises while it is traced in an error of Dynamo's own.
    with pytest.raises((eager.type, torch._dynamo.exc.TorchRuntimeError)):
        torch.compile(ERRORS[error], backend="eager")(x)


def test_arrays_are_scanned_between_graphs():
    x = np.arange(6.0).reshape(2, 3)
    compiled = torch.compile(lambda a: cumsum.cumsum(a, 1) + 1, backend="eager")
    assert np.array_equal(compiled(x), np.cumsum(x, 1) + 1)


class Module(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(6, 6)

    def forward(self, x):
        return self.linear(cumsum.cumsum(x, 1)).relu()


def test_module_learns_the_same():
    losses = []
    for compiled in (False, True):
        torch.manual_seed(0)
        module = Module()
        step = torch.compile(module) if compiled else module
        optimizer = torch.optim.SGD(module.parameters(), lr=0.01)
        x = torch.randn(16, 6)
        for _ in range(3):
            loss = (step(x) - x).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
