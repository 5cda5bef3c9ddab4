"""What torch.compile puts in the place of the public functions: code that it can look into.

The functions themselves are the core's, of which Dynamo sees nothing.
"""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch._C._dynamo import eval_frame
from torch._dynamo.decorators import (
    assume_constant_result,
    disable,
    substitute_in_graph,
)

from cumsum import abilities, several
from cumsum import binding as door
from cumsum.api import (
    KEYWORDS,
    KEYWORDS_IN_PLACE,
    bind_call,
    has_several_dims,
    slow_cumsum,
    slow_cumsum_,
)
from cumsum.kernels import gpu
from cumsum.refusals import can_trace, refuse_in_place
from cumsum.writing import scan

# Dynamo has imported its module, where there is one.
_DTENSOR: Any = getattr(sys.modules.get("torch.distributed.tensor"), "DTensor", ())
# Arrays have no place in a graph, nor have NumPy's integers as a dim: Dynamo makes arrays of them.
# Their calls are made between two graphs.
_WHY = "cumsum() of a NumPy array, or with a dim that is not Python's int, has no place in a graph"
_cumsum_of_array = disable(slow_cumsum, reason=_WHY)  # type: ignore[no-untyped-call]
_cumsum_of_array_ = disable(slow_cumsum_, reason=_WHY)  # type: ignore[no-untyped-call]


def _scan(call: door.Call, dtype: torch.dtype) -> Any:
    """The scan as a node of the graph; None if torch's own function is to raise an error."""
    dim = door.normalized(call.dim, call.input)
    if dim is None or not can_trace(call.input, dtype, call.options):
        return None
    initial, how = door.first_values(call, dim, dtype), door.how(call, dim, dtype)
    return scan(call.input, initial, how, call.options)


def _torchs_own(function: Any, call: door.Call, args: Any, kwargs: Any) -> Any:
    """torch's own function as a node of the graph; as a rule, it raises its error."""
    door.check_plain(call)
    return function(*args, **door.without_options(kwargs))


def _is_recorded(call: door.Call) -> bool:
    """Whether torch would refuse to write a result to `out`, for its gradient's sake."""
    x, out = call.input, call.out
    return out is not None and torch.is_grad_enabled() and (x.requires_grad or out.requires_grad)


def cumsum(*args: Any, **kwargs: Any) -> Any:
    """`cumsum.cumsum` in a graph."""
    if has_several_dims(args, kwargs):
        x, dims, rest = bind_call("cumsum", args, kwargs, KEYWORDS)
        return several.cumsum(cumsum, cumsum_, x, dims, rest)
    call = door.bind(args, kwargs, in_place=False)
    if call is None:
        return _cumsum_of_array(*args, **kwargs)
    if isinstance(call.input, _DTENSOR):
        from cumsum.distributed import dtensor

        return dtensor.cumsum(call)
    dtype = door.result_dtype(call)
    y = None if _is_recorded(call) else _scan(call, dtype)
    if y is None or (call.out is not None and call.out.dtype != dtype):
        return _torchs_own(torch.cumsum, call, args, kwargs)
    if call.out is None:
        return y
    if call.out.shape != y.shape:
        call.out.resize_(y.shape)
    return call.out.copy_(y)


def cumsum_(*args: Any, **kwargs: Any) -> Any:
    """`cumsum.cumsum_` in a graph."""
    if has_several_dims(args, kwargs):
        x, dims, rest = bind_call("cumsum_", args, kwargs, KEYWORDS_IN_PLACE)
        return several.cumsum_(cumsum, cumsum_, x, dims, rest)
    call = door.bind(args, kwargs, in_place=True)
    if call is None:
        return _cumsum_of_array_(*args, **kwargs)
    x = call.input
    if isinstance(x, _DTENSOR):
        refuse_in_place(x)
    y = _scan(call, x.dtype)
    if y is None or (call.dtype is not None and call.dtype != x.dtype):
        return _torchs_own(torch.Tensor.cumsum_, call, args, kwargs)
    return x.copy_(y)


def register(public: Any, public_: Any) -> None:
    """Let Dynamo look into these instead of the public functions, nor into calls between graphs.

    From here on graphs may hold any of our operators, also one that another process has made.
    """
    assume_constant_result(gpu.has_kernels)  # type: ignore[no-untyped-call]
    for options in abilities.EACH:
        abilities.for_tensors(options)
    substitute_in_graph(public, skip_signature_check=True)(cumsum)
    substitute_in_graph(public_, skip_signature_check=True)(cumsum_)
    skip = eval_frame._FrameAction.SKIP
    for slow in (slow_cumsum, slow_cumsum_):  # and all that they call
        eval_frame.set_code_exec_strategy(slow.__code__, eval_frame._FrameExecStrategy(skip, skip))
