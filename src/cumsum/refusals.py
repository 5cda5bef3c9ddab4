"""Which calls torch refuses: its own function then words the error."""

from __future__ import annotations

import torch
from torch import Tensor

from cumsum.binding import Call
from cumsum.kernels import gpu, tensor
from cumsum.options import PLAIN, Options
from cumsum.tensors import (
    has_elements,
    has_memory,
    is_dense,
    is_distributed,
    overlaps_itself,
    same_elements,
    share_memory,
)

# Result dtypes that torch has a scan for.
SCANNED = set(tensor.CODES) - {torch.bool, torch.uint16, torch.uint32, torch.uint64}


def is_scanned(dtype: torch.dtype, options: Options) -> bool:
    """Whether results may be of `dtype`; `overflow` opens those that torch lacks."""
    return dtype in SCANNED or (options.overflow is not None and dtype in tensor.CODES)


def can_trace(x: Tensor, dtype: torch.dtype, options: Options = PLAIN) -> bool:
    """Whether the scan of `x` may stand in a graph; torch words the errors of others."""
    graded = x.requires_grad and torch.is_grad_enabled()
    device = x.device
    served = device.type == "cpu" or gpu.has_kernels(device.type, device.index)
    scanned = served and is_scanned(dtype, options)
    return scanned and (tensor.has_gradient(dtype) or not graded)


def cannot_be_written(y: Tensor) -> bool:
    """Whether torch refuses to write a result to `y`, whatever the result."""
    if y.is_inference() and not torch.is_inference_mode_enabled():
        return True
    return (has_elements(y) and overlaps_itself(y)) or y._is_zerotensor()


def refuse_in_place(x: Tensor) -> None:
    """Raise an error for a tensor that has no scan in place, here or in torch."""
    if is_distributed(x):
        raise NotImplementedError(f"cumsum_(): not available for a {type(x).__name__}")


def is_refused(call: Call, dtype: torch.dtype) -> bool:
    """Whether torch raises for this call with `out=`, or for its dtype."""
    x, given, out = call.input, call.dtype, call.out
    whole = has_elements(x)  # others never reach torch's kernel, nor its checks
    if whole and not is_scanned(dtype, call.options):
        return True
    if torch.is_grad_enabled():
        if x.requires_grad and (out is not None or not tensor.has_gradient(dtype)):
            return True
        if out is not None and out.requires_grad:
            return True
    if out is None:
        return False
    if out.device != x.device:
        return True
    if (given is not None and given != out.dtype) or cannot_be_written(out):
        return True
    # It warns of whoever compares sizes in a trace; and where it has no sums it has no rule.
    if torch._C._get_tracing_state() is not None or dtype not in SCANNED:
        return False
    if x.device.type != "cpu" or not (whole and has_memory(x) and has_memory(out)):
        return False
    clash = x.dtype == out.dtype and x.shape == out.shape and share_memory(x, out)
    return clash and not same_elements(x, out) and is_dense(x) and is_dense(out)
