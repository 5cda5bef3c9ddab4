"""The call of a tensor as torch's parser reads it, and torch's own answer to it."""

from __future__ import annotations

import threading
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from cumsum.kernels import gpu, tensor
from cumsum.kernels.tensor import How
from cumsum.operands import as_values, as_words, check_fit
from cumsum.options import NAMES, PLAIN, SEGMENTS, Options, take
from cumsum.overflow import is_exact
from cumsum.tensors import is_distributed

# Python's own types that torch takes for dtypes.
BUILTIN_DTYPES: dict[Any, torch.dtype] = {
    bool: torch.bool,
    int: torch.int64,
    float: torch.float64,
    complex: torch.complex128,
}
_HAS_NAMES = hasattr(Tensor, "names")  # before torch 2.13


class _Answering(threading.local):
    """Whether this thread is in `torchs_own`; see `cumsum.dispatcher`."""

    now = False


answering = _Answering()


class Call(NamedTuple):
    """The arguments of a call."""

    input: Tensor
    dim: int
    dtype: torch.dtype | None
    out: Tensor | None
    options: Options = PLAIN


def torchs_own(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """torch's answer to a call that our kernels have none for; as a rule, its error."""
    before, answering.now = answering.now, True
    try:
        return function(*args, **without_options(kwargs))
    finally:
        answering.now = before


def without_options(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The keywords that torch's own function knows."""
    return {name: value for name, value in kwargs.items() if name not in NAMES}


def bind(args: tuple[Any, ...], kwargs: dict[str, Any], *, in_place: bool) -> Call | None:
    """The arguments by name; None if torch's parser would refuse them."""
    if in_place and kwargs.get("include_initial", False):
        raise TypeError("cumsum_() got an unexpected keyword argument 'include_initial'")
    rest = dict(kwargs)
    options = take("cumsum_" if in_place else "cumsum", rest)
    positional = list(args)
    values = []
    for names in (("input", "a", "x"), ("dim", "axis")):
        given = [rest.pop(name) for name in names if name in rest]
        given += [positional.pop(0)] if positional else []
        if len(given) != 1:
            return None
        values += given
    dtype = rest.pop("dtype", None)
    out = None if in_place else rest.pop("out", None)
    dim = _as_dim(values[1])
    if positional or rest or dim is None or not _is_tensor_like(values[0]):
        return None
    dtype = BUILTIN_DTYPES.get(dtype, dtype) if isinstance(dtype, type) else dtype
    if not (dtype is None or isinstance(dtype, torch.dtype)):
        return None
    if not (out is None or _is_tensor_like(out)):
        return None
    return Call(values[0], dim, dtype, out, options)


def _is_tensor_like(x: Any) -> bool:
    return isinstance(x, Tensor) or hasattr(type(x), "__torch_function__")


def _as_dim(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer, Tensor, torch.SymInt)):
        return None
    if isinstance(value, Tensor):
        integer = not (value.dtype == torch.bool or value.is_floating_point() or value.is_complex())
        return int(value) if integer and value.dim() == 0 else None
    return int(value)


def is_named(x: Any) -> bool:
    """Whether a dim of `x` has a name, which torch would hand on to the result."""
    return _HAS_NAMES and x.has_names()


def result_dtype(call: Call) -> torch.dtype:
    """The dtype that the elements are cast to, before they are added up."""
    if call.dtype is not None:
        return call.dtype
    if call.out is not None:
        return call.out.dtype
    if _is_widened(call.input):
        return torch.float32
    return tensor.default_dtype(call.input.dtype)


def _is_widened(x: Tensor) -> bool:
    """Whether torch's autocast has sums of `x` in float32; it has not on the CPU."""
    kind = x.device.type
    if kind not in gpu.KEYS or not x.is_floating_point() or x.dtype == torch.float64:
        return False
    return torch.is_autocast_enabled(kind)


def normalized(dim: int, x: Tensor) -> int | None:
    """`dim` made non-negative, None if it is out of range; a 0-d tensor has the one dim 0."""
    dims = max(x.dim(), 1)
    return dim % dims if -dims <= dim < dims else None


def how(call: Call, dim: int, dtype: torch.dtype) -> How:
    """The manner of a call whose `dim` is non-negative and whose sums are of `dtype`."""
    options = call.options
    orientation = options.exclusive, options.reverse, options.include_initial
    return How(dim, dtype, *orientation, options.compensated)


def check_devices(call: Call) -> None:
    """Raise an error if an option is a tensor whose elements the input's device cannot read."""
    if call.options is PLAIN or not gpu.is_served(call.input.device):
        return
    for name, value in zip(call.options._fields, call.options, strict=True):
        if is_distributed(value):
            raise TypeError(f"cumsum(): {name} is a DTensor, but the input is none")
        if _is_elsewhere(name, value, call.input.device):
            raise RuntimeError(
                "cumsum(): expected all tensors to be on the same device, but input is on "
                f"{call.input.device} and {name} on {value.device}"
            )


def _is_elsewhere(name: str, value: Any, device: torch.device) -> bool:
    """Whether an option is a tensor that must not be where it is.

    Segments and numbers may be the CPU's, as they are brought to the device.
    """
    if not isinstance(value, Tensor) or value.device == device:
        return False
    number = name == "decay" and value.dim() == 0
    return value.device.type != "cpu" or not (number or name in SEGMENTS)


def _category(dtype: torch.dtype) -> int:
    """Integers, floats, complex numbers: each hold those before them."""
    return 2 * dtype.is_complex + dtype.is_floating_point


def first_values(call: Call, dim: int, dtype: torch.dtype) -> Tensor | None:
    """What the sums begin with, for every line; with one element along `dim`.

    Of `dtype`, or where exact sums are asked for, of 64 bits: pairs of them, in a dim more at the
    end, where an integer is too great for one.
    """
    x, initial = call.input, call.options.initial
    if initial is None:
        return None
    pair: tuple[int, ...] = ()
    if is_exact(call.options) and not tensor.has_gradient(dtype):
        words = as_words(initial, x.device)
        pair = () if words is None else (2,)
        values = as_values("initial", initial, x.device) if words is None else words
        of = torch.uint64 if values.dtype == torch.uint64 else torch.int64
    else:
        if not tensor.has_gradient(dtype):
            check_fit("initial", initial, dtype, "; set dtype, or overflow='saturate'")
        values, of = as_values("initial", initial, x.device), dtype
        if not tensor.has_gradient(dtype):
            check_fit("initial", values, dtype, "; set dtype, or overflow='saturate'")
    if _category(values.dtype) > _category(of):
        raise TypeError(f"cumsum(): initial of {values.dtype} cannot be a sum of dtype {dtype}")
    lines = (*x.shape[:dim], *x.shape[dim + 1 :])
    if values.dim() - len(pair) == x.dim() and values.size(dim) == 1:
        values = values.squeeze(dim)
    try:
        return values.to(of).expand((*lines, *pair)).unsqueeze(dim)
    except RuntimeError:
        shape = tuple(values.shape[: values.dim() - len(pair)])
        message = f"cumsum(): initial has shape {shape}, but there are lines of {lines}"
        raise ValueError(message) from None


def check_plain(call: Call) -> None:
    """Raise an error if anything is asked for that torch's own function does not have."""
    if not call.options.is_plain:
        x, names = call.input, ", ".join(call.options.asked())
        raise NotImplementedError(
            f"cumsum(): {names} not available for a {type(x).__name__} of layout {x.layout} on "
            f"{x.device}{_without_kernels(x.device)}"
        )


def _without_kernels(device: torch.device) -> str:
    """Why there are none for a GPU."""
    if device.type not in gpu.KEYS or gpu.is_served(device):
        return ""
    if find_spec("triton") is None:
        return ": GPUs need Triton, pip install 'cumsum[gpu]'"
    return ", which Triton has no kernels for"
