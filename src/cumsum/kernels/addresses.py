"""Where tensors lie, to be read.

`Tensor.data_ptr` and `Tensor.numpy` are for writing as well: they copy a copy-on-write tensor, such
as torch._lazy_clone makes, first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

_C: Any = torch._C  # whose stubs lack these


def address_of(x: Tensor) -> int:
    """The address of the first element of memory that is only read."""
    address: int = _C._data_address(x) + x.storage_offset() * x.itemsize
    return address


def array_of(x: Tensor) -> np.ndarray[Any, Any]:
    """The elements of a tensor on the CPU as an array, which must not be written to."""
    return np.asarray(_Lent(x)) if _C._is_cow_tensor(x) else x.numpy()


class _Lent:
    """A tensor's memory by NumPy's protocol; whoever asks keeps the tensor."""

    def __init__(self, x: Tensor) -> None:
        self.tensor = x
        self.__array_interface__ = {
            "version": 3,
            "typestr": torch.empty(0, dtype=x.dtype).numpy().dtype.str,
            "shape": tuple(x.shape),
            "strides": tuple(step * x.itemsize for step in x.stride()),
            "data": (address_of(x), True),
        }
