"""The scan in ONNX, for the exporter that reads the graphs of `torch.jit.trace`.

ONNX has an operator for it, with the same flags. The other exporter, of `torch.export`, decomposes
ours into torch's own operators instead (`cumsum.operator.in_core_aten`).
"""

from __future__ import annotations

from typing import Any

import torch
from torch.onnx import symbolic_helper

from cumsum.precision import torch_cannot

_INT64, _FLOAT32, _FLOAT64 = 7, 1, 11
# By torch's number of a result's dtype: ONNX's number of it, and of the one that is scanned, since
# runtimes have CumSum for four dtypes only.
_DTYPES = {
    0: (2, _INT64),  # uint8
    1: (3, _INT64),
    2: (5, _INT64),
    3: (6, 6),
    4: (_INT64, _INT64),
    5: (10, _FLOAT32),  # float16
    6: (_FLOAT32, _FLOAT32),
    7: (_FLOAT64, _FLOAT64),
    15: (16, _FLOAT32),  # bfloat16
}
_FIRST_OPSET = 11  # that has CumSum


def _with_nothing_first(g: Any, x: Any, dim: int, at_end: bool) -> Any:
    """`x` with one more element along `dim`, zero, where the sums begin."""
    rank = symbolic_helper._get_tensor_rank(x)
    if rank is None:
        raise NotImplementedError("cumsum(): include_initial needs a known number of dimensions")
    pads = torch.zeros(2, rank, dtype=torch.int64)
    pads[int(at_end), dim] = 1
    return g.op("Pad", x, g.op("Constant", value_t=pads.flatten()))


@symbolic_helper.parse_args("v", "v", "i", "i", "b", "b", "b", "b")
def _scan(
    g: Any,
    x: Any,
    initial: Any,
    dim: int,
    dtype: int,
    exclusive: bool,
    reverse: bool,
    include_initial: bool,
    compensated: bool,
) -> Any:
    if dtype not in _DTYPES:
        raise NotImplementedError("cumsum(): ONNX has no scan of complex numbers")
    result, carried = _DTYPES[dtype]
    if compensated and result == _FLOAT64:
        raise torch_cannot("in ONNX")
    y = g.op("Cast", g.op("Cast", x, to_i=result), to_i=carried)
    if include_initial:
        y = _with_nothing_first(g, y, dim, at_end=reverse)
    if symbolic_helper._get_tensor_rank(x) != 0:  # a number is its own running sum
        axis = g.op("Constant", value_t=torch.tensor(dim))
        y = g.op("CumSum", y, axis, exclusive_i=int(exclusive), reverse_i=int(reverse))
    if not symbolic_helper._is_none(initial):
        y = g.op("Add", y, g.op("Cast", initial, to_i=carried))
    return g.op("Cast", y, to_i=result)


def register() -> None:
    """Let the exporter find the scan."""
    exporter: Any = torch.onnx
    exporter.register_custom_op_symbolic("cumsum::scan", _scan, _FIRST_OPSET)
