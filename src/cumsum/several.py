"""Scans along several dims, one after the other: summed-area tables.

F. C. Crow, Summed-area tables for texture mapping, SIGGRAPH 1984.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cumsum import subclasses
from cumsum.numpy import default_dtype, dtype_of_sums
from cumsum.options import EXACT, NAMES, take

Function = Callable[..., Any]
# What has a meaning for each dim, and what for the elements, before the first.
EACH = ("exclusive", "reverse", "precision", "overflow")
FIRST = ("where", "skipna")


def are_several(dim: object) -> bool:
    """Whether the dim of a call is a tuple of them."""
    return isinstance(dim, (tuple, list))


def cumsum(scan: Function, scan_: Function, x: Any, dims: Any, rest: dict[str, Any]) -> Any:
    """`scan` of `x` along each of `dims` in turn; `scan_` is the same in place.

    There is no other array than the result, unless a gradient is recorded or torch traces the call.
    """
    axes = _checked(x, dims, rest)
    out = rest.get("out")
    if isinstance(x, np.ma.MaskedArray) or isinstance(out, np.ma.MaskedArray):
        options = take("cumsum", {name: value for name, value in rest.items() if name in NAMES})

        def scan_plain(values: Any, kept: Any, target: Any) -> Any:
            return cumsum(scan, scan_, values, axes, rest | {"where": kept, "out": target})

        return subclasses.scan_masked(scan_plain, x, axes, out, options)
    if rest.get("overflow") in EXACT:
        return _scan_exactly(scan, x, axes, rest)
    each = {name: rest[name] for name in EACH if name in rest}
    first = each | {name: rest[name] for name in (*FIRST, "dtype") if name in rest}
    if not rest.get("include_initial", False):
        y = scan(x, axes[0], **first, **({} if out is None else {"out": out}))
        for axis in axes[1:]:
            y = scan_(y, axis, **each)
        return y
    if out is None and not _can_write(x):
        y = scan(x, axes[0], include_initial=True, **first)
        for axis in axes[1:]:
            y = scan(y, axis, include_initial=True, **each)
        return y
    y = _with_room(scan, x, axes, rest, out)
    _scan_within_border(scan, scan_, x, y, axes, first, each)
    return y


def cumsum_(scan: Function, scan_: Function, x: Any, dims: Any, rest: dict[str, Any]) -> Any:
    """The same, written over `x`."""
    axes = _checked(x, dims, rest)
    each = {name: rest[name] for name in EACH if name in rest}
    first = each | {name: rest[name] for name in (*FIRST, "dtype") if name in rest}
    y = x
    if isinstance(x, np.ma.MaskedArray):
        first["where"] = subclasses.kept_of(x, rest.get("where"))
        y = np.ma.getdata(x, subok=False)
    if rest.get("overflow") in EXACT:
        y[...] = _scan_exactly(scan, y, axes, rest | first | {"dtype": y.dtype})
        return x
    for i, axis in enumerate(axes):
        y = scan_(y, axis, **(each if i else first))
    return x if isinstance(x, np.ndarray) else y


def _scan_exactly(scan: Function, x: Any, axes: list[int], rest: dict[str, Any]) -> Any:
    """Sums that the result's dtype holds, or is the nearest to."""
    for axis, keywords in exact_steps(x.dtype, axes, rest):
        x = scan(x, axis, **keywords)
    return x


def exact_steps(
    dtype: Any, axes: list[int], rest: dict[str, Any]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each dim and the keywords of its scan, where sums are exact.

    What is scanned along another dim later has 64 bits, and it is an error if that is too few.
    """
    *early, last = axes
    each = {name: rest[name] for name in (*EACH, "include_initial") if name in rest}
    first = each | {name: rest[name] for name in FIRST if name in rest}
    end = {name: rest[name] for name in ("dtype", "out") if name in rest}
    wide, usual = _dtypes(dtype)
    end = end or {"dtype": usual}
    for axis in early:
        yield axis, first | {"dtype": wide, "overflow": "raise"}
        first = each
    yield last, first | end


def _dtypes(dtype: Any) -> tuple[Any, Any]:
    """The 64 bits that sums of whole numbers are kept in, and the dtype of a result by default."""
    if isinstance(dtype, np.dtype):
        return np.dtype(np.uint64 if dtype == np.uint64 else np.int64), default_dtype(dtype)
    import torch

    from cumsum.kernels import tensor

    wide = torch.uint64 if dtype == torch.uint64 else torch.int64
    return wide, tensor.default_dtype(dtype)


def _checked(x: Any, dims: Any, rest: dict[str, Any]) -> list[int]:
    """`dims` made non-negative; an error for what cannot be asked of several."""
    if not (isinstance(x, np.ndarray) or _is_ordinary(x)):
        message = f"cumsum(): several dims not available for a {type(x).__name__}"
        raise NotImplementedError(message)
    for name, value in (("input", x), ("out", rest.get("out"))):
        subclasses.check("cumsum", name, value)
    check_options(rest)
    axes = []
    for dim in dims:
        try:
            axis = operator.index(dim)
        except TypeError:
            kind = type(dim).__name__
            message = f"cumsum(): argument 'dim' must be a tuple of int, but holds a {kind}"
            raise TypeError(message) from None
        if not -x.ndim <= axis < x.ndim:
            if isinstance(x, np.ndarray):
                raise np.exceptions.AxisError(axis, x.ndim)
            message = f"cumsum(): dim {axis} of {tuple(dims)} is not in [-{x.ndim}, {x.ndim})"
            raise IndexError(message)
        axes.append(axis % x.ndim)
    check_axes(axes, dims)
    return axes


def check_options(rest: dict[str, Any]) -> None:
    """Raise an error for keywords that have no meaning for several dims."""
    options = take("cumsum", dict(rest))
    for name in options.asked():
        if name not in {*EACH, *FIRST, "include_initial"}:
            raise ValueError(f"cumsum(): {name} cannot be combined with several dims")


def check_axes(axes: list[int], dims: Any) -> None:
    """Raise an error unless there is one, and none is there twice."""
    if not axes or len(set(axes)) < len(axes):
        message = f"cumsum(): dim is {tuple(dims)}, but must name one dim at least, and none twice"
        raise ValueError(message)


def _is_ordinary(x: Any) -> bool:
    """Whether a tensor is neither masked nor nested nor sparse; in a graph, nobody knows."""
    import torch

    from cumsum.tensors import is_strided

    return torch.compiler.is_dynamo_compiling() or is_strided(x)


def _can_write(x: Any) -> bool:
    """Whether a result for `x` can be written piece by piece, with nobody to see it."""
    if isinstance(x, np.ndarray):
        return True
    from cumsum.autograd import is_recording
    from cumsum.tensors import are_at_hand

    return are_at_hand(x) and not is_recording(x)


def _with_room(scan: Function, x: Any, axes: list[int], rest: dict[str, Any], out: Any) -> Any:
    """A result for `x`, one longer along each of `axes`: `out`, or a new one."""
    shape = tuple(n + (d in axes) for d, n in enumerate(x.shape))
    if out is not None:
        _fit(out, shape)
        return out
    if isinstance(x, np.ndarray):
        return np.empty_like(x, dtype=dtype_of_sums(x, rest.get("dtype")), shape=shape)
    nothing = x[tuple(slice(0) for _ in x.shape)]
    dtype = scan(nothing, axes[0], dtype=rest.get("dtype"), overflow=rest.get("overflow")).dtype
    return x.new_empty(shape, dtype=dtype)


def _fit(out: Any, shape: tuple[int, ...]) -> None:
    """See to it that `out` has this shape, as its library does."""
    if tuple(out.shape) == shape:
        return
    if not isinstance(out, np.ndarray):
        from cumsum.writing import resize

        resize(out, shape)
        return
    raise ValueError(f"cumsum(): out has shape {out.shape}, but the result has shape {shape}")


def _scan_within_border(
    scan: Function,
    scan_: Function,
    x: Any,
    y: Any,
    axes: list[int],
    first: dict[str, Any],
    each: dict[str, Any],
) -> None:
    inner, border = (
        (slice(None, -1), slice(-1, None))
        if each.get("reverse", False)
        else (slice(1, None), slice(None, 1))
    )

    def view(ends: dict[int, slice]) -> Any:
        return y[tuple(ends.get(d, slice(None)) for d in range(x.ndim))]

    part = view(dict.fromkeys(axes, inner))
    scan(x, axes[0], out=part, **first)
    for axis in axes[1:]:
        scan_(part, axis, **each)
    for axis in axes:
        view({axis: border})[...] = 0
