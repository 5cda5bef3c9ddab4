"""Arrays of other libraries on a GPU, such as CuPy's: by DLPack to torch and back.

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


def cumsum(x: Any, dim: Any, **keywords: Any) -> Any:
    """`cumsum.cumsum` of an array on a GPU, as an array of its library.

    By NumPy's conventions, as CuPy has them: without a dim the array is flattened, and sums of
    unsigned integers are unsigned.
    """
    from cumsum.api import slow_cumsum

    if keywords.get("out") is not None:
        kind = type(x).__qualname__
        raise NotImplementedError(f"cumsum(): out not available for a {kind} on a GPU")
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
    if hasattr(x, "__array_namespace__"):
        return x.__array_namespace__().from_dlpack(y)
    home: Any = type(x)
    if not hasattr(home, "from_dlpack"):
        home = sys.modules[home.__module__.partition(".")[0]]
    return home.from_dlpack(y)


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
