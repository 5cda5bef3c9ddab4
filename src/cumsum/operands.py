"""What stands beside a tensor in a call - numbers, lists, arrays - as tensors.

Dynamo looks into this code: it knows tuples of types, and no unions of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.masked import MaskedTensor

from cumsum.overflow import show
from cumsum.subclasses import array_of, check, integers_in
from cumsum.tensors import are_at_hand

NUMBERS = (int, float, complex, torch.SymInt, torch.SymFloat)
_LEAST, _MOST, _TOP = -(2**63), 2**63 - 1, 2**64  # of 64 bits; the last is one too many


def as_values(name: str, given: Any, device: torch.device, like: Tensor | None = None) -> Tensor:
    """Numbers as a tensor; those of Python are as wide as they are there.

    Integers that 64 bits cannot hold become floats. One number becomes a fake if `like` is one.
    """
    if isinstance(given, MaskedTensor):
        raise TypeError(f"cumsum(): {name} is a MaskedTensor, whose mask would be lost: fill it")
    if isinstance(given, Tensor):
        return given
    if not torch.compiler.is_dynamo_compiling():
        check("cumsum", name, given)
        given = array_of(name, given) if isinstance(given, np.ndarray) else given
    try:
        if isinstance(given, NUMBERS):
            return _filled(given, torch.full if like is None else like.new_full, device)
        if torch.compiler.is_dynamo_compiling():
            return _traced(given, device)
        return torch.as_tensor(_plain(given), device=device)
    except OverflowError as error:
        raise OverflowError(f"cumsum(): {name} is beyond the range of floats") from error
    except (TypeError, ValueError, RuntimeError) as error:
        wanted, kind = "bool" if name in ("where", "reset") else "numbers", type(given).__name__
        raise TypeError(f"cumsum(): {name} must be {wanted}, got {kind} {given!r}") from error


def as_mask(given: Any, device: torch.device) -> Tensor:
    """The argument `where` as a tensor of bool."""
    mask = as_values("where", given, device)
    if not (mask.numel() or isinstance(given, Tensor)):  # an empty list
        mask = mask.to(torch.bool)
    if mask.dtype != torch.bool:
        kind = mask.dtype if isinstance(given, Tensor) else str(mask.dtype).removeprefix("torch.")
        raise TypeError(f"cumsum(): argument 'where' must be of torch.bool, not {kind}")
    return mask


def _filled(number: Any, full: Callable[..., Tensor], device: torch.device) -> Tensor:
    """A number on a device that is not made to wait for it, as a copy would make it."""
    if isinstance(number, bool):
        dtype = torch.bool
    elif isinstance(number, (int, torch.SymInt)):
        dtype = torch.int64 if number <= _MOST else torch.uint64
        if not _LEAST <= number < _TOP:
            number, dtype = float(number), torch.float64
    else:
        dtype = torch.complex128 if isinstance(number, complex) else torch.float64
    return full((), number, dtype=dtype, device=device)


def _traced(given: Any, device: torch.device) -> Tensor:
    """Lists as Dynamo has them, or what it takes for arrays."""
    values = torch.as_tensor(given, device=device)
    wide = {torch.float32: torch.float64, torch.complex64: torch.complex128}.get(values.dtype)
    if wide is not None and isinstance(given, (list, tuple)):
        values = torch.as_tensor(given, dtype=wide, device=device)
    return values


def _plain(given: Any) -> np.ndarray[Any, Any]:
    """An array that torch can share the memory of, copied if need be."""
    array = np.asarray(given)
    if array.dtype.kind == "O":  # integers of Python that 64 bits cannot hold, or no numbers
        if not all(isinstance(value, (int, float, complex)) for value in array.flat):
            raise TypeError
        wide = any(isinstance(value, complex) for value in array.flat)
        array = array.astype(np.complex128 if wide else np.float64)
    numbers = integers_in(given) if array.dtype.kind == "f" else []
    if 0 < len(numbers) == array.size and min(numbers) >= 0 and max(numbers) < _TOP:
        array = np.asarray(given, np.uint64)  # NumPy makes floats of integers around 2^63
    dtype = array.dtype.newbyteorder("=")
    if dtype.kind in "iu":  # NumPy has two of as many bits, of which torch knows one
        array = array.astype(dtype, copy=False)
        dtype = np.dtype(f"{dtype.kind}{dtype.itemsize}")
        array = array.view(dtype)
    if dtype.name == "bfloat16":
        dtype = np.dtype(np.float32)
    elif dtype in (np.longdouble, np.clongdouble):  # wider than torch has
        dtype = np.dtype(np.complex128 if dtype.kind == "c" else np.float64)
    if array.flags.carray and array.dtype == dtype:
        return array
    return np.array(array, dtype, order="C")


def check_fit(name: str, given: Any, dtype: torch.dtype, way_out: str = "") -> None:
    """Raise an error for an integer that an integer dtype cannot hold.

    It may be one of Python, alone or in lists, or an element of a tensor that can be read now.
    """
    if dtype == torch.bool:
        return
    least, most = torch.iinfo(dtype).min, torch.iinfo(dtype).max
    numbers = _ends_of(given, dtype) if isinstance(given, Tensor) else integers_in(given)
    for number in numbers:
        if not least <= number <= most:
            kind = str(dtype).removeprefix("torch.")
            raise OverflowError(
                f"cumsum(): {name} is {show(number)}, but {kind} holds {least} to {most}{way_out}"
            )


def _ends_of(values: Tensor, dtype: torch.dtype) -> list[int]:
    """The least and the greatest of integers of which `dtype` may not hold all."""
    if values.dtype == torch.bool or values.is_floating_point() or values.is_complex():
        return []
    own, other = torch.iinfo(values.dtype), torch.iinfo(dtype)
    if (other.min <= own.min and own.max <= other.max) or not are_at_hand(values):
        return []
    elements = values.detach().cpu().numpy()
    return [int(elements.min()), int(elements.max())] if elements.size else []


def as_words(given: Any, device: torch.device) -> Tensor | None:
    """Integers of Python as pairs of 64-bit words, the lower first, if one word cannot hold each.

    What is beyond 2^126 is that: no sum of elements of 64 bits comes back from there.
    """
    numbers = integers_in(given)
    if all(number <= _MOST for number in numbers):
        if all(number >= _LEAST for number in numbers):
            return None
    elif all(0 <= number < _TOP for number in numbers):
        return None
    shape = _shape_of(given)
    words = []
    for number in numbers:
        kept = min(max(number, -(2**126)), 2**126)
        low = kept % _TOP
        words.append([low - _TOP if low > _MOST else low, kept // _TOP])
    return torch.tensor(words, dtype=torch.int64, device=device).reshape(*shape, 2)


def _shape_of(given: Any) -> list[int]:
    """The shape of nested lists of numbers."""
    shape = []
    while isinstance(given, (list, tuple)):
        shape.append(len(given))
        given = given[0]
    return shape
