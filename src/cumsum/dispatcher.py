"""Our kernels as torch's dispatcher calls them: strided tensors, below autograd.

The core scans what is plain on the CPU. It hands whatever it refuses to `cumsum.torch`, which may
ask torch in turn, and so come back here; `answering` tells that second visit, which the core is
then spared.
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
from cumsum.kernels import gpu
from cumsum.kernels.tensor import CODES
from cumsum.torch import below_autograd

Kernel = Callable[..., Any]
Makers = dict[str, Callable[[Any], Kernel]]
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


class OnGPU:
    """The same three for the GPUs of a dispatch key, some of which may have no kernels of ours."""

    def __init__(self, key: str) -> None:
        self.keys = torch._C.DispatchKeySet(getattr(torch._C.DispatchKey, key))

    def makers(self) -> Makers:
        """All three, by the names of torch's."""
        return {"cumsum": self._functional, "cumsum_": self._in_place, "cumsum.out": self._into_out}

    @staticmethod
    def _scan(x: Tensor, dim: int, dtype: torch.dtype | None, out: Tensor | None) -> Tensor | None:
        if answering.now or not gpu.is_served(x.device):
            return None
        return below_autograd(x, dim, dtype, out)

    def _functional(self, torchs: Any) -> Kernel:
        def cumsum(x: Tensor, dim: int, *, dtype: torch.dtype | None = None) -> Any:
            y = self._scan(x, dim, dtype, None)
            return torchs.call_boxed(self.keys, x, dim, dtype=dtype) if y is None else y

        return cumsum

    def _in_place(self, torchs: Any) -> Kernel:
        def cumsum_(x: Tensor, dim: int, *, dtype: torch.dtype | None = None) -> Tensor:
            if self._scan(x, dim, dtype, x) is None:
                torchs.call_boxed(self.keys, x, dim, dtype=dtype)
            return x

        return cumsum_

    def _into_out(self, torchs: Any) -> Kernel:
        def cumsum_out(
            x: Tensor, dim: int, *, dtype: torch.dtype | None = None, out: Tensor
        ) -> Tensor:
            if self._scan(x, dim, dtype, out) is None:
                torchs.call_boxed(self.keys, x, dim, dtype=dtype, out=out)
            return out

        return cumsum_out


def makers() -> dict[str, Makers]:
    """All by dispatch keys: of the CPU, and of GPUs that both torch and we have kernels for."""
    on_cpu: Makers = {"cumsum": _functional, "cumsum_": _in_place, "cumsum.out": _into_out}
    return {"CPU": on_cpu} | {
        key: OnGPU(key).makers()
        for kind, key in gpu.KEYS.items()
        if gpu.has_kernels(kind, None)
        and torch._C._dispatch_has_kernel_for_dispatch_key("aten::cumsum.out", key)
    }


def register(kernels: dict[str, Makers]) -> Any:
    """Put our kernels in front of torch's, until the library returned is destroyed."""
    library: Any = torch.library.Library("aten", "IMPL")  # type: ignore[no-untyped-call]
    with warnings.catch_warnings():  # torch warns of what is intended here
        warnings.filterwarnings("ignore", "(?s).*[Oo]verriding a previously registered kernel")
        for key, of_key in kernels.items():
            for name, make in of_key.items():
                torchs = torch.library.get_kernel(f"aten::{name}", key)
                library.impl(name, make(torchs), key)
    return library
