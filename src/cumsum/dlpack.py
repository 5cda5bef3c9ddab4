"""Arrays of other libraries, by DLPack: to NumPy and back, on a GPU to torch and back.

torch is told to wait for what the other library still computes, and that library for the result.
Nobody would tell it to wait for what is written over its own arrays: those are read alone.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from cumsum.options import NAMES

if TYPE_CHECKING:
    from torch import Tensor

# DLPack's numbers of devices: CUDA, ROCm, CUDA's managed memory, oneAPI.
_CPU = 1
_GPUS = {2: "cuda", 10: "cuda", 13: "cuda", 14: "xpu"}


def is_on_gpu(x: object) -> bool:
    """Whether `x` is an array of a GPU that torch can be given."""
    if not (hasattr(type(x), "__dlpack__") and hasattr(type(x), "__dlpack_device__")):
        return False
    kind = _GPUS.get(x.__dlpack_device__()[0])  # type: ignore[attr-defined]
    if kind is None:
        return False
    try:
        import torch
    except ImportError:
        return False
    return bool(torch.get_device_module(kind).is_available())


def is_served(x: object) -> bool:
    """Whether `x` is an array that can be read, and whose library can be given the result."""
    kind = type(x)
    if not (hasattr(kind, "__dlpack__") and hasattr(kind, "__dlpack_device__")):
        return False
    return hasattr(_home_of(x), "from_dlpack")


def ndim_of(x: Any) -> int:
    """How many dims an array has."""
    if hasattr(x, "ndim"):
        return int(x.ndim)
    return int(as_tensor(x).dim() if is_on_gpu(x) else np.from_dlpack(x).ndim)


def cumsum(x: Any, dim: Any, **keywords: Any) -> Any:
    """`cumsum.cumsum` of an array, as an array of its library.

    By NumPy's conventions, as CuPy has them: without a dim the array is flattened, and sums of
    unsigned integers are unsigned.
    """
    from cumsum.api import slow_cumsum

    if keywords.get("out") is not None:
        kind = type(x).__qualname__
        raise NotImplementedError(f"cumsum(): out not available for a {kind}")
    if not is_on_gpu(x):
        if x.__dlpack_device__()[0] != _CPU:
            raise TypeError("cumsum(): input must lie on the CPU, or on a GPU that torch knows")
        if keywords.get("dtype") is not None:
            keywords["dtype"] = np.dtype(name_of(keywords["dtype"]))
        return like(x, slow_cumsum(np.from_dlpack(x), dim, **keywords))
    given = {name: as_tensor(keywords[name]) for name in NAMES if name in keywords}
    values: Tensor = as_tensor(x)
    if dim is None:
        values, dim = values.reshape(-1), 0
    dtype = _result_dtype(values, keywords.get("dtype"))
    if "uint" in str(dtype) and given.get("overflow") is None:
        given["overflow"] = "wrap"  # what torch itself has no sums of
    return like(x, slow_cumsum(values, dim, dtype=dtype, **given))


def as_tensor(x: Any) -> Any:
    """An array as a tensor, and whatever else as it is."""
    from torch.utils.dlpack import from_dlpack

    return from_dlpack(x) if is_on_gpu(x) else x


def like(x: Any, y: Any) -> Any:
    """The result `y` as an array of the library of `x`."""
    return _home_of(x).from_dlpack(y)


def _home_of(x: Any) -> Any:
    """Where ``from_dlpack`` of the library of `x` is, if it has one."""
    kind = type(x)
    if hasattr(kind, "__array_namespace__"):
        return x.__array_namespace__()
    return (
        kind if hasattr(kind, "from_dlpack") else sys.modules.get(kind.__module__.partition(".")[0])
    )


def name_of(dtype: Any) -> str:
    """The name of a dtype of any library, or of what NumPy takes for one."""
    if isinstance(dtype, str | type):
        return np.dtype(dtype).name
    return str(getattr(dtype, "name", str(dtype).rpartition(".")[2]))


def _result_dtype(x: Tensor, dtype: Any) -> Any:
    import torch

    if dtype is not None:
        return getattr(torch, name_of(dtype))
    return torch.uint64 if "uint" in str(x.dtype) else None
