"""What kind of tensor it is, who else is to see the call, and where its elements lie."""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch import Tensor
from torch._C._functorch import (
    is_functorch_wrapped_tensor,
    is_legacy_batchedtensor,
    peek_interpreter_stack,
)
from torch._subclasses.fake_tensor import FakeTensor
from torch._subclasses.functional_tensor import FunctionalTensor
from torch.autograd import forward_ad

from cumsum.kernels import gpu
from cumsum.kernels.addresses import address_of

# The dispatch key that is on while a mode sees calls before autograd does, as for `torch.export`.
PRE_DISPATCH: Any = torch._C.DispatchKey.PreDispatch


def is_strided(x: Tensor) -> bool:
    """Whether `x` is an ordinary tensor of memory that has kernels, or stands for one."""
    return (
        x.layout is torch.strided
        and (x.device.type == "meta" or gpu.is_served(x.device))
        and not x.is_quantized
        and not x.is_nested
        and not (is_functorch_wrapped_tensor(x) and peek_interpreter_stack() is None)
        and (_dispatches_itself(x) or isinstance(x, (FakeTensor, FunctionalTensor)))
    )


def is_distributed(x: object) -> bool:
    """Whether `x` is a DTensor; torch has not imported the module of those before it makes one."""
    module: Any = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(x, getattr(module, "DTensor", ()))


def has_memory(x: Tensor) -> bool:
    """Whether an ordinary tensor is memory to be read now, rather than stand for some."""
    return (
        _dispatches_itself(x)
        and gpu.is_served(x.device)
        and not torch._is_functional_tensor(x)
        and not is_functorch_wrapped_tensor(x)
        and not is_legacy_batchedtensor(x)
    )


def _dispatches_itself(x: Tensor) -> bool:
    return type(x).__torch_dispatch__ is Tensor.__torch_dispatch__


def has_elements(x: Tensor) -> bool:
    """Whether `x` has a dim and elements along it; `torch.jit.trace` warns of whoever asks."""
    if torch._C._get_tracing_state() is not None:
        return True
    count: Any = x.numel()
    if isinstance(count, torch.SymInt):  # which may depend on values that are not there yet
        from torch.fx.experimental.symbolic_shapes import guard_or_true

        count = guard_or_true(count > 0)
    return x.dim() > 0 and bool(count)


def is_transformed() -> bool:
    """Whether a transform of torch.func or forward-mode differentiation is to see the call."""
    return peek_interpreter_stack() is not None or forward_ad._current_level >= 0


def is_watched() -> bool:
    """Whether a mode, a tracer or a transform is to see the call."""
    return (
        is_transformed()
        or torch._C._len_torch_dispatch_stack() > 0
        or torch._C._dispatch_tls_is_dispatch_key_included(PRE_DISPATCH)
        or torch._C._get_tracing_state() is not None
    )


def are_at_hand(*tensors: Tensor | None) -> bool:
    """Whether a call with these can be computed here and now, and nobody is to see it."""
    if torch.compiler.is_dynamo_compiling() or is_watched():
        return False
    return all(x is None or has_memory(x) for x in tensors)


def overlaps_itself(x: Tensor) -> bool:
    """Whether some element of `x` is another one as well."""
    return any(s == 0 and n > 1 for n, s in zip(x.shape, x.stride(), strict=True))


def is_dense(x: Tensor) -> bool:
    """Whether the elements fill one range of memory, each at a place of its own."""
    expected = 1
    for stride, size in sorted(zip(x.stride(), x.shape, strict=True)):
        if size != 1:
            if stride != expected:
                return False
            expected *= size
    return True


def share_memory(x: Tensor, y: Tensor) -> bool:
    """Whether the ranges of memory of x, to be read, and y, to be written, have a byte in common.

    Memory that is copied on write is copied now, if `y` is such a tensor.
    """

    def size(t: Tensor) -> int:
        reach = sum((n - 1) * s for n, s in zip(t.shape, t.stride(), strict=True))
        return (reach + 1) * t.itemsize

    written, read = y.data_ptr(), address_of(x)  # in this order, as x may be y
    return read < written + size(y) and written < read + size(x)


def same_elements(x: Tensor, y: Tensor) -> bool:
    """Whether x, to be read, and y, to be written, are the same elements in the same places."""
    written = y.data_ptr(), y.dtype, y.shape, y.stride()
    return written == (address_of(x), x.dtype, x.shape, x.stride())
