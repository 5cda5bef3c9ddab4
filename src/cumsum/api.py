"""The public functions: find out whose array it is and hand the call to that library's module."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeVar, Unpack, overload

import numpy as np

from cumsum import dlpack, several, subclasses
from cumsum import numpy as numpy_door
from cumsum.options import NAMES

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray
    from torch import Tensor
    from torch import dtype as TorchDType

    from cumsum.typed import Every, InPlace

    BuiltinDType = type[int | float | complex]
    Dims = tuple[int, ...] | list[int]
    TensorT = TypeVar("TensorT", bound=Tensor)
    ArrayT = TypeVar("ArrayT", bound=NDArray[Any])

INPUT_NAMES = ("input", "a", "x")  # torch's name for the first argument and NumPy's
KEYWORDS = ("dtype", "out", *NAMES)
KEYWORDS_IN_PLACE = ("dtype", *(name for name in NAMES if name != "include_initial"))


@overload
def cumsum(
    input: Tensor,
    dim: int | np.integer[Any] | Dims,
    *,
    dtype: TorchDType | BuiltinDType | None = None,
    out: Tensor | None = None,
    **options: Unpack[Every],
) -> Tensor: ...
@overload
def cumsum(
    input: NDArray[Any],
    dim: SupportsIndex | Dims | None,
    *,
    dtype: DTypeLike | None = None,
    out: NDArray[Any] | None = None,
    **options: Unpack[Every],
) -> NDArray[Any]: ...
@overload
def cumsum(
    input: Tensor,
    *,
    axis: int | np.integer[Any] | Dims,
    dtype: TorchDType | BuiltinDType | None = None,
    out: Tensor | None = None,
    **options: Unpack[Every],
) -> Tensor: ...
@overload
def cumsum(
    input: NDArray[Any],
    *,
    axis: SupportsIndex | Dims | None,
    dtype: DTypeLike | None = None,
    out: NDArray[Any] | None = None,
    **options: Unpack[Every],
) -> NDArray[Any]: ...
def cumsum(*args: Any, **kwargs: Any) -> Any:
    """The running sum of `input` along dimension `dim`.

    Tensors follow ``torch.cumsum`` to the letter, arrays the conventions of ``numpy.cumsum``. Sums
    of float32 are carried in float64, those of 16-bit floats in float32, and rounded once; the bits
    of a sum depend on nothing but the elements up to it.

    Parameters
    ----------
    input : torch.Tensor or numpy.ndarray
        Of any shape and strides. The names `a` and `x` are understood as well. An array of Dask is
        scanned lazily, chunk by chunk; one of another library on a GPU, such as CuPy's, is as if it
        were NumPy's.
    dim : int or tuple of int
        In [-input.ndim, input.ndim). The name `axis` is understood as well; for an array,
        ``axis=None`` scans the flattened array. Several dims are scanned one after the other, in
        their order: a summed-area table.
    dtype : torch.dtype or numpy.dtype, optional
        Every element is cast to it before the sum. By default booleans and integers become int64
        (unsigned NumPy integers uint64) and other dtypes stay.
    out : torch.Tensor or numpy.ndarray, optional
        Where to write the result; it may be `input` itself.
    exclusive : bool, default False
        Whether each sum leaves out the element at its own place.
    reverse : bool, default False
        Whether sums run from the last element to the first.
    include_initial : bool, default False
        Whether the result is one longer along `dim` and begins with the sum of no elements; it ends
        with it if `reverse` is set.
    initial : number, torch.Tensor or array, optional
        What every sum begins with, instead of zero: one value, or as many as there are lines, in
        the shape of `input` without `dim` or any that broadcasts to it. It is cast to the dtype of
        the result, and may have a gradient.
    offsets : array of int, optional
        Cuts `dim` into segments that are scanned each by itself: n + 1 numbers, the first of them
        0, the last the length of `dim`, none less than the one before.
    lengths : array of int, optional
        The same by the length of each segment.
    reset : array of bool, optional
        The same by where a segment begins, for each element of `dim`.
    where : array of bool, optional
        Which elements count; of the shape of `input` or one that broadcasts to it. The others add
        nothing.
    skipna : bool, default False
        Whether elements that are NaN add nothing.
    missing : {"carry", "nan"}, default "carry"
        What stands where an element does not count: the sum so far, or NaN. It needs `where` or
        `skipna`.
    overflow : {"wrap", "raise", "saturate"}, optional
        What becomes of an integer sum that its dtype cannot hold. "wrap", as by default, keeps its
        lowest bits, "saturate" takes the nearest that it can hold, "raise" raises OverflowError.
        Both go by the exact sums of the elements as they are given. With any of the three the
        `dtype` of a tensor may be unsigned.
    decay : number, torch.Tensor or array, optional
        What each sum is multiplied by before the next element is added to it: one number, one for
        each line (in the shape of `input` with one element along `dim`), or one for each element,
        of any shape that broadcasts to `input`'s. It may have a gradient.
    precision : {None, "compensated"}, optional
        "compensated" carries each sum of float64 or complex128 as two numbers, the second of which
        collects what rounding takes from the first. Other dtypes are carried wider than they are
        stored, or exactly, and stay as they are. Graphs of torch keep it, compiled, exported or
        traced; what needs torch's own operators in the place of ours raises NotImplementedError.

    Returns
    -------
    torch.Tensor or numpy.ndarray
        Of the shape of `input`; `out` if that was given.

    Raises
    ------
    TypeError
        If `input` is neither, an argument has the wrong type, or `initial` is a fraction where
        sums are integers, or complex where they are real.
    IndexError
        If `dim` is out of range (``numpy.exceptions.AxisError`` for arrays).
    RuntimeError
        For tensors, whenever ``torch.cumsum`` raises it, with its words.
    ValueError
        For arrays, if `out` is read-only or has another shape. If `precision` names none, or
        `initial` has not the shape of the lines.
    OverflowError
        If `overflow` is "raise" and a sum does not fit; nothing is written.
    NotImplementedError
        For tensors that are sparse or the like, or on a device without kernels of ours, whose plain
        sums are torch's own: if anything is asked for that torch does not have.

    See Also
    --------
    cumsum_ : the same in place.
    cumulative_sum : the Array API standard's function.

    Examples
    --------
    >>> import cumsum, numpy as np
    >>> cumsum.cumsum(np.array([[1, 2, 3], [4, 5, 6]]), dim=1)
    array([[ 1,  3,  6],
           [ 4,  9, 15]])
    >>> cumsum.cumsum(np.array([True, True, False]), 0)
    array([1, 2, 2])
    >>> lengths = np.array([3, 1, 4])
    >>> cumsum.cumsum(lengths, 0, include_initial=True)  # where each begins, and where all end
    array([0, 3, 4, 8])
    >>> cumsum.cumsum(lengths, 0, exclusive=True, initial=100)
    array([100, 103, 104])
    >>> cumsum.cumsum(lengths, 0, reverse=True)
    array([8, 5, 4])
    >>> x = np.array([1e16, 1.0, -1e16])
    >>> cumsum.cumsum(x, 0)
    array([1.e+16, 1.e+16, 0.e+00])
    >>> cumsum.cumsum(x, 0, precision="compensated")
    array([1.e+16, 1.e+16, 1.e+00])
    >>> cumsum.cumsum(np.array([200, 100]), 0, dtype=np.uint8, overflow="saturate")
    array([200, 255], dtype=uint8)
    """
    return slow_cumsum(*args, **kwargs)


@overload
def cumsum_(
    input: TensorT,
    dim: int | np.integer[Any] | Dims,
    *,
    dtype: TorchDType | BuiltinDType | None = None,
    **options: Unpack[InPlace],
) -> TensorT: ...
@overload
def cumsum_(
    input: ArrayT,
    dim: SupportsIndex | Dims,
    *,
    dtype: DTypeLike | None = None,
    **options: Unpack[InPlace],
) -> ArrayT: ...
def cumsum_(*args: Any, **kwargs: Any) -> Any:
    """The running sum of `input` along dimension `dim`, written over `input`.

    Parameters
    ----------
    input : torch.Tensor or numpy.ndarray
        Of any shape and strides; its dtype stays, integers are not widened.
    dim : int or tuple of int
        In [-input.ndim, input.ndim). The name `axis` is understood as well.
    dtype : torch.dtype or numpy.dtype, optional
        If given, it must be that of `input`.
    exclusive, reverse, initial, precision : optional
        As for `cumsum`.
    offsets, lengths, reset, where, skipna, missing, overflow, decay : optional
        As for `cumsum`.

    Returns
    -------
    torch.Tensor or numpy.ndarray
        `input`.

    Raises
    ------
    TypeError, IndexError, RuntimeError, ValueError, OverflowError, NotImplementedError
        As `cumsum` does.

    Examples
    --------
    >>> import cumsum, numpy as np
    >>> x = np.array([1.0, 2.0, 3.0])
    >>> cumsum.cumsum_(x, 0) is x
    True
    >>> x
    array([1., 3., 6.])
    """
    return slow_cumsum_(*args, **kwargs)


def _input_of(function: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    if args:
        return args[0]
    for name in INPUT_NAMES:
        if name in kwargs:
            return kwargs[name]
    raise TypeError(f"{function}() missing 1 required positional argument: 'input'")


def is_tensor(x: object) -> bool:
    """Whether `x` is torch's to deal with; torch is not imported to find out."""
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    return isinstance(x, getattr(torch, "Tensor", ())) or hasattr(type(x), "__torch_function__")


def is_dask(x: object) -> bool:
    """Whether `x` is an array of Dask, which is not imported to find out."""
    return isinstance(x, getattr(sys.modules.get("dask.array"), "Array", ()))


def torch_door() -> ModuleType:
    """The module for tensors, imported when the first one arrives."""
    from cumsum import torch

    return torch


def refuse(function: str, x: object, also: str = "") -> TypeError:
    """The error for an input of a kind that is not served, with the way to one that is."""
    accepted = "a torch.Tensor or a numpy.ndarray" + (f" or {also}" if also else "")
    kind = f"{type(x).__module__}.{type(x).__qualname__}".removeprefix("builtins.")
    return TypeError(
        f"{function}(): argument 'input' (position 1) must be {accepted}, not {kind}{_way_from(x)}"
    )


def _way_from(x: object) -> str:
    """How to make an array of something else; nothing for what is none."""
    kind = type(x)
    if kind.__module__.partition(".")[0] == "xarray":
        return "; take cumsum.xarray.cumsum(x, dim)"
    if hasattr(kind, "to_numpy"):
        return "; take x.to_numpy()"
    if hasattr(kind, "__dlpack__"):
        return "; take numpy.from_dlpack(x)"
    is_array = hasattr(kind, "__array__") or hasattr(kind, "__array_interface__")
    if is_array or (
        isinstance(x, Sequence | int | float | complex | range) and not isinstance(x, str | bytes)
    ):
        return "; take numpy.asarray(x)"
    return ""


def has_several_dims(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether the dim of a call is a tuple of them."""
    dim = args[1] if len(args) > 1 else kwargs.get("dim", kwargs.get("axis"))
    return several.are_several(dim)


def bind_call(
    function: str, args: tuple[Any, ...], kwargs: dict[str, Any], allowed: Collection[str]
) -> tuple[Any, Any, dict[str, Any]]:
    """Input, dim and the rest of a call that torch has no part in, whatever the names used."""
    if len(args) > 2:
        raise TypeError(f"{function}() takes 2 positional arguments but {len(args)} were given")
    places = [INPUT_NAMES, ("dim", "axis")]
    values = []
    rest = dict(kwargs)
    for i, names in enumerate(places):
        given = [rest.pop(name) for name in names if name in rest] + list(args[i : i + 1])
        if len(given) != 1:
            problem = "multiple values for" if given else "missing 1 required positional"
            raise TypeError(f"{function}() {problem} argument: '{names[0]}'")
        values += given
    for name in rest:
        if name not in allowed:
            raise TypeError(f"{function}() got an unexpected keyword argument '{name}'")
    return values[0], values[1], rest


def slow_cumsum(*args: Any, **kwargs: Any) -> Any:
    """`cumsum` for every call that the core does not take by itself."""
    x = _input_of("cumsum", args, kwargs)
    if is_tensor(x) and not has_several_dims(args, kwargs):
        return torch_door().cumsum(*args, **kwargs)
    if is_dask(x):
        from cumsum import dask

        x, dim, rest = bind_call("cumsum", args, kwargs, KEYWORDS)
        return dask.cumsum(x, dim, **rest)
    x, dim, rest = bind_call("cumsum", args, kwargs, KEYWORDS)
    if not (isinstance(x, np.ndarray) or is_tensor(x)):
        if dlpack.is_served(x):
            return dlpack.cumsum(x, dim, **rest)
        if not subclasses.answers(x):
            raise refuse("cumsum", x)
    if several.are_several(dim):
        return several.cumsum(slow_cumsum, slow_cumsum_, x, dim, rest)
    return numpy_door.cumsum(x, dim, **rest)


def slow_cumsum_(*args: Any, **kwargs: Any) -> Any:
    """`cumsum_` for every call that the core does not take by itself."""
    x = _input_of("cumsum_", args, kwargs)
    if is_tensor(x) and not has_several_dims(args, kwargs):
        return torch_door().cumsum_(*args, **kwargs)
    if is_dask(x):
        raise TypeError("cumsum_(): an array of Dask cannot be written to; take cumsum()")
    if not (isinstance(x, np.ndarray) or is_tensor(x)):
        if dlpack.is_on_gpu(x):
            raise TypeError("cumsum_(): an array on a GPU is written to as a torch.Tensor alone")
        if dlpack.is_served(x):
            kind = type(x).__qualname__
            raise TypeError(f"cumsum_(): a {kind} is not written to; take cumsum()")
        raise refuse("cumsum_", x)
    x, dim, rest = bind_call("cumsum_", args, kwargs, KEYWORDS_IN_PLACE)
    if several.are_several(dim):
        return several.cumsum_(slow_cumsum, slow_cumsum_, x, dim, rest)
    return numpy_door.cumsum_(x, dim, **rest)
