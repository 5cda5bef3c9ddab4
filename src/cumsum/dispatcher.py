"""Our kernels as torch's dispatcher calls them: strided tensors, below autograd.

The core scans what is plain on the CPU. It hands whatever it refuses to `cumsum.torch`, which may ask torch in
turn, and so come back here; `answering` tells that second visit, which the core is then spared.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._C import _len_torch_function_stack as function_modes
from torch._C._functorch import peek_interpreter_stack as transform
from torch.autograd import forward_ad

from cumsum import fast
from cumsum.binding import answering, is_named
from cumsum.kernels.tensor import CODES
from cumsum.torch import below_autograd

Kernel = Callable[..., Any]
_CPU = torch._C.DispatchKeySet(torch._C.DispatchKey.CPU)


def _is_plain(x: Tensor) -> bool:
    """Whether nobody would see, or change, what is called with `x` from here."""
    return (
        type(x) is Tensor
        and not answering.now
        and forward_ad._current_level < 0
        and function_modes() == 0
        and transform() is None
        and not is_named(x)
    )


def _without_gradient(x: Tensor) -> Tensor:
    return x.data if x.requires_grad else x


def _functional(torchs: Any) -> Kernel:
    def cumsum(x: Tensor, dim: int, *, dtype: torch.dtype | None = None) -> Any:
        if (dtype is None or dtype in CODES) and _is_plain(x):
            return fast.cumsum(_without_gradient(x), dim, dtype=dtype)
        y = below_autograd(x, dim, dtype, None)
        return torchs.call_boxed(_CPU, x, dim, dtype=dtype) if y is None else y

    return cumsum


def _in_place(torchs: Any) -> Kernel:
    def cumsum_(x: Tensor, dim: int, *, dtype: torch.dtype | None = None) -> Tensor:
        if (dtype is None or dtype == x.dtype) and _is_plain(x):
            fast.cumsum_(x.data, dim)  # counts its own version; x's is the dispatcher's to count
        elif below_autograd(x, dim, dtype, x) is None:
            torchs.call_boxed(_CPU, x, dim, dtype=dtype)
        return x

    return cumsum_


def _into_out(torchs: Any) -> Kernel:
    def cumsum_out(x: Tensor, dim: int, *, dtype: torch.dtype | None = None, out: Tensor) -> Tensor:
        ready = type(out) is Tensor and out.shape == x.shape
        if ready and (dtype is None or dtype == out.dtype) and _is_plain(x):
            fast.cumsum(_without_gradient(x), dim, out=out.data)
        elif below_autograd(x, dim, dtype, out) is None:
            torchs.call_boxed(_CPU, x, dim, dtype=dtype, out=out)
        return out

    return cumsum_out


def register() -> Any:
    """Put our kernels in front of torch's, until the library returned is destroyed."""
    library: Any = torch.library.Library("aten", "IMPL")  # type: ignore[no-untyped-call]
    makers = {"cumsum": _functional, "cumsum_": _in_place, "cumsum.out": _into_out}
    with warnings.catch_warnings():  # torch warns of what is intended here
        warnings.filterwarnings("ignore", "(?s).*[Oo]verriding a previously registered kernel")
        for name, make in makers.items():
            torchs = torch.library.get_kernel(f"aten::{name}", "CPU")
            library.impl(name, make(torchs), "CPU")
    return library
