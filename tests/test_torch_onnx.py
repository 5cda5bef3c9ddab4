"""ONNX by the exporter that reads traces, run by onnxruntime; test_graphs.py has the other."""

import io

import onnxruntime
import pytest
import torch

import cumsum

# What torch says of this exporter, and of its own parts that it calls.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning"
)
CALLS = {
    "plain": lambda x: cumsum.cumsum(x, 1),
    "reverse": lambda x: cumsum.cumsum(x, -1, reverse=True),
    "exclusive": lambda x: cumsum.cumsum(x, 0, exclusive=True),
    "both": lambda x: cumsum.cumsum(x, 0, exclusive=True, reverse=True),
    "begun": lambda x: cumsum.cumsum(x, 1, include_initial=True),
    "ended": lambda x: cumsum.cumsum(x, 1, include_initial=True, reverse=True),
    "initial": lambda x: cumsum.cumsum(x, 1, include_initial=True, initial=x[:, 0]),
    "in place": lambda x: cumsum.cumsum_(x + 1, 0),
    "int8": lambda x: cumsum.cumsum(x, 0, dtype=torch.int8),
    "float64": lambda x: cumsum.cumsum(x, 0, dtype=torch.float64),
    "number": lambda x: cumsum.cumsum(x[0, 0], 0),
}


class Module(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.forward = function


def exported(function, x):
    file = io.BytesIO()
    axes = {"x": {0: "rows", 1: "columns"}}
    torch.onnx.export(
        Module(function), (x,), file, dynamo=False, input_names=["x"], dynamic_axes=axes
    )
    return onnxruntime.InferenceSession(file.getvalue())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.int32, torch.bool], ids=str)
@pytest.mark.parametrize("call", CALLS)
def test_values(call, dtype):
    def example(rows, columns):
        return torch.arange(rows * columns).reshape(rows, columns).to(dtype)

    session = exported(CALLS[call], example(2, 3))
    for shape in ((2, 3), (4, 5)):
        x = example(*shape)
        (found,) = session.run(None, {"x": x.numpy()})
        assert torch.equal(torch.from_numpy(found), CALLS[call](x))


def test_refusals():
    with pytest.raises(NotImplementedError, match="'compensated' is not available in ONNX"):
        exported(lambda x: cumsum.cumsum(x.double(), 0, precision="compensated"), torch.ones(2, 3))
    with pytest.raises(NotImplementedError, match="ONNX has no scan of complex numbers"):
        exported(lambda x: cumsum.cumsum(x, 0, dtype=torch.complex64).real, torch.ones(2, 3))
