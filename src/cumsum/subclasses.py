"""Arrays that are more than their memory: masked ones, and those that answer for themselves.

An array answers for itself if its type has a say in NumPy's functions, by ``__array_function__`` or
``__array_ufunc__``: it has units, weights or a mask of its own. Such an input or `out` is asked for
plain sums by these protocols, as NumPy would ask it; what else is wanted of it, or of any argument
like it, is refused. Nothing of the kind is ever read as bare memory.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cumsum.options import Options

Array = np.ndarray[Any, Any]

_FUNCTION, _UFUNC = "__array_function__", "__array_ufunc__"
_ORDINARY = {
    getattr(kind, name) for kind in (np.ndarray, np.ma.MaskedArray) for name in (_FUNCTION, _UFUNC)
}


def answers(x: object) -> bool:
    """Whether `x` has rules of its own for what NumPy's functions make of it."""
    kind = type(x)
    if kind is np.ndarray:
        return False
    if isinstance(x, np.ndarray):
        return not {getattr(kind, _FUNCTION), getattr(kind, _UFUNC)} <= _ORDINARY
    return hasattr(kind, _FUNCTION)


def check(function: str, name: str, value: object) -> None:
    """Raise an error for an argument that answers for itself."""
    if answers(value):
        raise TypeError(
            f"{function}(): {name} is a {_name_of(value)}, which has rules of its own for NumPy's "
            f"functions that are not known here; np.asarray({name}) has its elements alone"
        )


def array_of(name: str, value: Any, function: str = "cumsum") -> Array:
    """An argument as an array that is nothing but its elements, or an error that names it."""
    if type(value) is np.ndarray:
        return value
    check(function, name, value)
    held = value if isinstance(value, list | tuple) else ()
    if any(np.ma.is_masked(part) for part in (value, *held) if isinstance(part, np.ma.MaskedArray)):
        raise ValueError(
            f"{function}(): {name} has masked elements, and nobody knows what they are; "
            f"{name}.filled(...) says it"
        )
    if isinstance(value, np.ndarray) or not hasattr(type(value), "__dlpack__"):
        array = np.asarray(value)
        numbers = integers_in(value) if array.dtype.kind in "fO" else []
        if not 0 < len(numbers) == array.size:
            return array
        if name in ("offsets", "lengths"):
            greatest = f"an integer of {max(number.bit_length() for number in numbers)} bits"
            raise OverflowError(f"{function}(): {name} has {greatest}, more than int64 holds")
        return np.asarray(value, object)  # NumPy makes floats of integers around 2^63
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        value = _elements_of(function, name, value)
    try:
        return np.from_dlpack(value)
    except (BufferError, RuntimeError, TypeError) as error:
        message = f"{function}(): {name} is a {_name_of(value)} that NumPy cannot read: {error}"
        raise TypeError(message) from None


def integers_in(given: Any) -> list[int]:
    """The integers of Python that are given, alone or in lists; those of arrays have a dtype."""
    if isinstance(given, (list, tuple)):
        return [number for part in given for number in integers_in(part)]
    return [given] if isinstance(given, int) else []


def _elements_of(function: str, name: str, value: Any) -> Any:
    """A tensor whose memory holds its elements as they are; DLPack asks for neither."""
    from cumsum.tensors import has_memory

    if not has_memory(value):
        raise TypeError(f"{function}(): {name} is a {_name_of(value)}, which has no memory to read")
    return value.resolve_conj().resolve_neg()


def _name_of(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def ask(function: str, x: Any, dim: Any, dtype: Any, out: Any, options: Options) -> Any:
    """The plain sums of `x` by whichever of `x` and `out` answers for itself."""
    given = [("input", x), ("out", out)]
    if not options.is_plain or options.compensated:
        for name, value in given:
            check(function, name, value)
    keywords = {"dtype": dtype, "out": out}
    keywords = {name: value for name, value in keywords.items() if value is not None}
    types = tuple({type(value) for _, value in given if value is not None})
    for _, value in given:
        if not answers(value):
            continue
        result: Any = NotImplemented
        if getattr(type(value), _FUNCTION) not in _ORDINARY:
            result = value.__array_function__(np.cumsum, types, (x,), keywords | {"axis": dim})
        elif value.__array_ufunc__ is not None:
            result = _ask_ufunc(value, x, dim, keywords)
        if result is not NotImplemented:
            return result
    names = " and ".join(_name_of(value) for _, value in given if answers(value))
    raise TypeError(f"{function}(): a {names} has no running sum; np.asarray(x) has its elements")


def _ask_ufunc(value: Any, x: Any, dim: Any, keywords: dict[str, Any]) -> Any:
    if "out" in keywords:
        keywords = keywords | {"out": (keywords["out"],)}
    line = x.reshape(-1) if dim is None or x.ndim == 0 else x
    axis = 0 if dim is None else dim
    return value.__array_ufunc__(np.add, "accumulate", line, axis=axis, **keywords)


def kept_of(x: Any, where: Any) -> Any:
    """The mask `where` of a masked array's scan: what is masked adds nothing."""
    mask = np.ma.getmask(x)
    if mask is np.ma.nomask:
        return where
    if where is None:
        return ~mask
    from cumsum.missing.arrays import mask_of

    return mask_of(where, x.shape) & ~mask


def scan_masked(
    scan: Callable[[Array, Any, Any], Array],
    x: Any,
    axes: Sequence[int] | None,
    out: Any,
    options: Options,
) -> Any:
    """The scan of `x` along `axes` where it or `out` is masked; None scans the flattened array.

    `scan` is that of an array, with what is to count of it, into a plain `out`. As in NumPy, masked
    elements add nothing, and the sums are masked where they are.
    """
    target = np.ma.getdata(out) if isinstance(out, np.ma.MaskedArray) else out
    sums = scan(np.ma.getdata(x, subok=False), kept_of(x, options.where), target)
    mask: Any = np.ma.getmask(x)
    if mask is not np.ma.nomask:
        own, mask = mask, np.zeros(sums.shape, bool)
        inner = mask
        if options.include_initial:
            beside = slice(None, -1) if options.reverse else slice(1, None)
            bordered = {axis % sums.ndim for axis in axes or (0,)}
            inner = mask[tuple(beside if d in bordered else slice(None) for d in range(sums.ndim))]
        inner[...] = own.reshape(inner.shape)
    if out is None:
        result: Any = sums.view(type(x))
        result.__setmask__(mask)
        return result
    if isinstance(out, np.ma.MaskedArray):
        out.__setmask__(mask)
    return out
