"""Calls that are kept: exported, traced, turned into other formats, and made later."""

import io

import numpy as np
import onnxruntime
import pytest
import torch
from torch._inductor.exc import InductorError
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx

import cumsum
from cumsum import operator  # registers torch.ops.cumsum.scan
from cumsum.kernels import tensor

DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.int8, torch.bool, torch.complex64)


class Ranks(torch.nn.Module):
    """Weights along a cumulative sum, as of positions in a text."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.linspace(-1, 1, 6))

    def forward(self, x):
        positions = cumsum.cumsum(x > 0, 1)
        return cumsum.cumsum(x * self.weight, -1) + positions


def targets(graph):
    return {str(node.target) for node in graph.nodes if node.op == "call_function"}


@pytest.fixture
def exported():
    x = torch.randn(4, 6)
    rows = torch.export.Dim("rows")
    return torch.export.export(Ranks(), (x,), dynamic_shapes={"x": {0: rows}})


def test_export_keeps_the_operator(exported):
    assert "cumsum.scan.default" in targets(exported.graph)
    x = torch.randn(9, 6)
    assert torch.equal(exported.module()(x), Ranks()(x))


def test_export_saved_and_loaded(exported):
    file = io.BytesIO()
    torch.export.save(exported, file)
    file.seek(0)
    x = torch.randn(3, 6)
    assert torch.equal(torch.export.load(file).module()(x), Ranks()(x))


def test_export_in_core_aten(exported):
    scan = torch.ops.cumsum.scan.default
    kept = exported.run_decompositions()
    assert "cumsum.scan.default" in targets(kept.graph)
    aten = exported.run_decompositions({scan: operator.in_core_aten})
    assert targets(aten.graph) >= {"aten.cumsum.default"}
    assert "cumsum.scan.default" not in targets(aten.graph)
    x = torch.randn(9, 6)
    torch.testing.assert_close(aten.module()(x), Ranks()(x))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_onnx(exported):
    program = torch.onnx.export(exported, verbose=False)
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    x = torch.randn(5, 6)
    (result,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    np.testing.assert_allclose(result, Ranks()(x).detach().numpy(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_jit_trace(dtype):
    x = torch.arange(12).reshape(3, 4).to(dtype)
    traced = torch.jit.trace(lambda t: cumsum.cumsum(t, 1), (x,))
    other = torch.arange(10).reshape(2, 5).to(dtype)
    assert torch.equal(traced(other), cumsum.cumsum(other, 1))


def test_jit_trace_with_gradient():
    traced = torch.jit.trace(lambda t: cumsum.cumsum(t, 1).square(), (torch.randn(2, 3),))
    grads = []
    for function in (traced, lambda t: cumsum.cumsum(t, 1).square()):
        x = torch.linspace(-1, 1, 8).reshape(2, 4).requires_grad_()
        function(x).sum().backward()
        grads.append(x.grad)
    assert torch.equal(*grads)


@pytest.mark.parametrize("mode", ["real", "fake", "symbolic"])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_make_fx(dtype, mode):
    x = torch.arange(12).reshape(3, 4).to(dtype)
    graph = make_fx(lambda t: cumsum.cumsum(t, 1) * 2, tracing_mode=mode)(x)
    assert "cumsum.scan.default" in targets(graph.graph)
    assert torch.equal(graph(x), cumsum.cumsum(x, 1) * 2)


def test_make_fx_of_a_gradient():
    def gradient(x):
        return torch.func.grad(lambda t: cumsum.cumsum(t, 0).square().sum())(x)

    x = torch.linspace(-1, 1, 5)
    assert torch.equal(make_fx(gradient)(x)(x), gradient(x))


def test_make_fx_in_place_and_out():
    x = torch.ones(3)
    graph = make_fx(lambda t: cumsum.cumsum_(t * 2, 0))(x)
    assert torch.equal(graph(x), torch.tensor([2.0, 4.0, 6.0]))
    graph = make_fx(lambda t: cumsum.cumsum(t, 0, out=torch.empty(3)))(x)
    assert torch.equal(graph(2 * x), torch.tensor([2.0, 4.0, 6.0]))


def test_functionalize():
    def function(x):
        y = x.clone()
        cumsum.cumsum_(y, 0)
        return cumsum.cumsum(y, 0)

    x = torch.linspace(-1, 1, 5)
    assert torch.equal(torch.func.functionalize(function)(x), function(x))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("place", ["meta", "fake"])
def test_shapes_without_values(place, dtype):
    x = torch.ones(4, 6, 5).to(dtype)
    for view in (x, x.mT, x[::2], x[:, :1].expand(4, 6, 5), x[0, 0, 0], x[:0]):
        empty = view.to("meta") if place == "meta" else FakeTensorMode().from_tensor(view)
        for dim in range(-1, view.dim()):
            ours, theirs = cumsum.cumsum(empty, dim), torch.cumsum(view, dim)
            assert (ours.shape, ours.dtype, ours.stride()) == (
                theirs.shape,
                theirs.dtype,
                theirs.stride(),
            )


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("shape", [(4, 5), (0, 3), ()])
def test_opcheck(shape, reverse):
    x = torch.randn(shape, dtype=torch.float64)
    integer = torch.ones(shape, dtype=torch.int16)
    cases = [
        (x, torch.float64),
        (x.clone().requires_grad_(), torch.float64),
        (integer, torch.int64),
    ]
    if len(shape) == 2:
        cases += [(x.t(), torch.float64), (x[:, ::2].requires_grad_(), torch.float32)]
    for input, dtype in cases:
        how = tensor.How(max(input.dim() - 1, 0), dtype, reverse=reverse)
        arguments = (input, None, *how)
        results = torch.library.opcheck(operator.scan, arguments)
        assert set(results.values()) == {"SUCCESS"}


def test_decomposition_gives_the_same_values():
    x = torch.randn(3, 7)
    for reverse in (False, True):
        arguments = (x, None, *tensor.How(1, torch.float32, reverse=reverse))
        assert torch.equal(operator.in_core_aten(*arguments), operator.scan(*arguments))


def test_aot_inductor(tmp_path, exported):
    path = str(tmp_path / "ranks.pt2")
    if torch.__version__ < (2, 12):
        with pytest.raises(InductorError, match=r"from torch 2\.12 on"):
            torch._inductor.aoti_compile_and_package(exported, package_path=path)
        return
    package = torch._inductor.aoti_compile_and_package(exported, package_path=path)
    x = torch.randn(9, 6)
    assert torch.equal(torch._inductor.aoti_load_package(package)(x), Ranks()(x))
