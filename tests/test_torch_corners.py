"""Where a call is caught between torch's own tools."""

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch._dynamo import compiled_autograd
from torch.autograd import forward_ad
from torch.profiler import ExecutionTraceObserver, profile

import cumsum
from cumsum import operator
from cumsum.kernels.tensor import How

BACKENDS = ("eager", "aot_eager", "inductor")


@pytest.fixture(autouse=True)
def fresh_dynamo():
    torch._dynamo.reset()


def test_compiled_calls_of_torchs_own():
    compiled = torch.compile(lambda x: cumsum.cumsum(x, 0), backend="eager", fullgraph=True)
    for _ in range(3):
        assert compiled(torch.ones(3, device="meta")).shape == (3,)
    number = torch.compile(lambda x: cumsum.cumsum(x, 0, dtype=torch.bool), backend="eager")
    for _ in range(3):
        assert number(torch.tensor(True))
    with pytest.raises(Exception, match="not implemented for 'Bool'"):
        number(torch.tensor([True]))


@pytest.mark.parametrize("backend", BACKENDS)
def test_forward_mode_within_a_graph(backend):
    @torch.compile(backend=backend, fullgraph=True)
    def tangents(x, t):
        with forward_ad.dual_level():
            dual = forward_ad.make_dual(x, t)
            y = cumsum.cumsum(dual, 0)
            z = cumsum.cumsum_(dual.clone(), 0)
            return forward_ad.unpack_dual(y).tangent, forward_ad.unpack_dual(z).tangent

    for tangent in tangents(torch.ones(3), torch.ones(3)):
        assert tangent.tolist() == [1, 2, 3]


@pytest.mark.parametrize("call", [cumsum.cumsum, cumsum.cumsum_], ids=["cumsum", "cumsum_"])
@pytest.mark.parametrize("strict", [False, True])
def test_export_of_sizes_that_depend_on_values(strict, call):
    class Chosen(torch.nn.Module):
        def forward(self, x):
            return call(x[x > 0], 0)

    x = torch.tensor([1.0, -1.0, 2.0])
    program = torch.export.export(Chosen(), (x,), strict=strict)
    assert program.module()(x).tolist() == [1, 3]
    assert program.module()(-x).tolist() == [1]


def test_compiled_autograd():
    x = torch.ones(3, requires_grad=True)
    y = cumsum.cumsum(x, 0).sum()
    with compiled_autograd._enable(torch.compile(backend="eager")):
        y.backward()
    assert x.grad.tolist() == [3, 2, 1]


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_out_with_a_gradient_in_a_graph(backend):
    compiled = torch.compile(lambda x, out: cumsum.cumsum(x, 0, out=out), backend=backend)
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        compiled(torch.ones(3, requires_grad=True), torch.empty(3))


def test_a_look_for_dynamo_is_not_its_import():
    program = """
import importlib.util, torch, cumsum
importlib.util.find_spec("torch._dynamo")
importlib.util.find_spec("torch._inductor.lowering")
f = torch.compile(lambda x: cumsum.cumsum(x, 0), fullgraph=True, backend="eager")
assert f(torch.ones(3)).tolist() == [1, 2, 3]
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert importlib.util.find_spec("torch._dynamo") is not None


def test_no_graph_of_torchs_operators_compensates():
    x = torch.tensor([1e16, 1.0, -1e16], dtype=torch.float64)
    with pytest.raises(NotImplementedError, match="precision='compensated' is not available"):
        operator.in_core_aten(x, None, *How(0, torch.float64, compensated=True))


def test_in_place_with_batched_gradients():
    class Identity(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            return cumsum.cumsum_(grad.clone(), 0)

    x = torch.ones(3, requires_grad=True)
    (rows,) = torch.autograd.grad(Identity.apply(x), x, torch.eye(3), is_grads_batched=True)
    assert rows.tolist() == [[1, 1, 1], [0, 1, 1], [0, 0, 1]]


def test_patch_is_good_for_one_use():
    patch = cumsum.patch_torch()
    patch.undo()
    with pytest.raises(RuntimeError, match="has been undone"), patch:
        pass


@pytest.mark.parametrize("call", [cumsum.cumsum, cumsum.cumsum_])
def test_dim_of_numpys_is_scanned_between_graphs(call):
    function = torch.compile(lambda x, dim: call(x * 2, dim) + 1, backend="eager")
    x = torch.arange(6.0).reshape(2, 3)
    for dim in (np.int64(0), np.int64(1)):
        assert torch.equal(function(x, dim), cumsum.cumsum(x * 2, int(dim)) + 1)
    whole = torch.compile(call, backend="eager", fullgraph=True)
    with pytest.raises(torch._dynamo.exc.Unsupported, match="a dim that is not Python's int"):
        whole(x, np.int64(0))


@pytest.mark.parametrize("backend", BACKENDS)
def test_cumulative_sum_in_a_graph(backend):
    calls = {
        "vector": lambda x: cumsum.cumulative_sum(x[0]),
        "dtype": lambda x: cumsum.cumulative_sum(x, axis=1, dtype=torch.float64),
        "initial": lambda x: cumsum.cumulative_sum(x, axis=-1, include_initial=True),
    }
    x = torch.linspace(-1, 1, 12).reshape(3, 4)
    for call in calls.values():
        compiled = torch.compile(call, backend=backend, fullgraph=True)
        assert torch.equal(compiled(x), call(x))
        grads = []
        for function in (call, compiled):
            leaf = x.clone().requires_grad_()
            function(leaf).sum().backward()
            grads.append(leaf.grad)
        assert torch.equal(*grads)


def test_cumulative_sum_of_an_array_between_graphs():
    compiled = torch.compile(lambda a: cumsum.cumulative_sum(a) + 1, backend="eager")
    assert compiled(np.arange(3.0)).tolist() == [1, 2, 4]


@pytest.mark.filterwarnings("ignore:Warning. Profiler clears events:UserWarning")
def test_execution_traces(tmp_path):
    def names(*, profiled):
        file = tmp_path / f"{profiled}.json"
        observer = ExecutionTraceObserver().register_callback(str(file))
        x, weights = torch.ones(9), torch.ones(9, requires_grad=True)
        if profiled:
            with profile(execution_trace_observer=observer):
                results = cumsum.cumsum(x, 0), cumsum.cumsum(weights, 0)
        else:
            observer.start()
            results = cumsum.cumsum(x, 0), cumsum.cumsum(weights, 0)
            observer.stop()
            observer.unregister_callback()
        for y in results:
            assert torch.equal(y, torch.cumsum(x, 0))
        return [node["name"] for node in json.loads(file.read_text())["nodes"]]

    assert names(profiled=True).count("cumsum::scan_into") == 2
    assert names(profiled=False).count("Cumsum") == 1  # a plain call is not even looked for


def test_script_knows_the_operator_alone():
    with pytest.raises(RuntimeError, match=r"built-in function cumsum.* not supported"):
        torch.jit.script(call_of_cumsum)
    x = torch.arange(6.0).reshape(2, 3)
    script = torch.jit.script(operator_of_cumsum)
    assert torch.equal(script(x), cumsum.cumsum(x, 1))


def call_of_cumsum(x):
    return cumsum.cumsum(x, 1)


def operator_of_cumsum(x):
    return torch.ops.cumsum.scan(x, None, 1, torch.float32, False, False, False, False)


def test_saved_graphs_in_another_process(tmp_path):
    class Scan(torch.nn.Module):
        def forward(self, x):
            return cumsum.cumsum(x, 0)

    x = (torch.ones(3),)
    torch.jit.save(torch.jit.trace(Scan(), x), tmp_path / "traced.pt")
    torch.export.save(torch.export.export(Scan(), x), tmp_path / "exported.pt2")
    load = "print({}.load('{}'){}(torch.ones(3)).tolist())"
    loads = {
        "import cumsum.torch, torch": load.format("torch.jit", tmp_path / "traced.pt", ""),
        "import cumsum, torch": load.format("torch.export", tmp_path / "exported.pt2", ".module()"),
    }
    for imports, call in loads.items():
        program = [sys.executable, "-c", f"{imports}; {call}"]
        found = subprocess.run(program, check=True, capture_output=True, text=True)
        assert found.stdout == "[1.0, 2.0, 3.0]\n"


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint16, torch.uint32, torch.uint64])
def test_numbers_of_dtypes_that_torch_has_no_scan_of(dtype):
    """A tensor without dims is copied, whatever its dtype; with options, too."""
    x = torch.tensor(1, dtype=dtype)
    for exclusive, want in ((False, 1), (True, 0)):
        flags = {"reverse": True, "exclusive": exclusive}
        found = (
            cumsum.cumsum(x, 0, dtype=dtype, **flags),
            cumsum.cumsum(x, 0, dtype=dtype, out=torch.zeros((), dtype=dtype), **flags),
            cumsum.cumsum_(x.clone(), 0, **flags),
        )
        assert all(y.dtype == dtype and y.shape == () and y.item() == want for y in found)
    if dtype == torch.bool:
        assert cumsum.cumsum(torch.tensor(0.5j), 0, dtype=dtype, reverse=True).item() is True
    more = cumsum.cumsum(x, 0, dtype=dtype, initial=3, include_initial=True)
    assert torch.equal(more, torch.tensor([3, 4], dtype=torch.int64).to(dtype))
