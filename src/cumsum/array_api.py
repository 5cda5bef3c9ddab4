"""The Array API standard's `cumulative_sum`, for every kind of array on the CPU."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from cumsum import api, fast
from cumsum.precision import Precision, is_compensated


def cumulative_sum(
    x: Any,
    /,
    *,
    axis: int | None = None,
    dtype: Any = None,
    include_initial: bool = False,
    precision: Precision = None,
) -> Any:
    """The running sum of `x` along `axis`, as the Array API standard defines it.

    Parameters
    ----------
    x : array
        A torch tensor, a NumPy array, or any CPU array with ``__array_namespace__`` or DLPack, of
        one dimension or more.
    axis : int, optional
        In [-x.ndim, x.ndim). May be left out for one dimension only.
    dtype : dtype of the array's own library, optional
        Every element is cast to it before the sum. By default booleans and integers become 64-bit
        integers and other dtypes stay.
    include_initial : bool, optional
        Whether the result begins with the sum of no elements, zero, and is one longer along `axis`.
    precision : {None, "compensated"}, optional
        As for `cumsum`.

    Returns
    -------
    array
        Of the same kind as `x`.

    Raises
    ------
    ValueError
        If `axis` is left out and `x` has not one dimension, or `x` has none, or `precision` names
        none.
    TypeError
        If `x` is no such array.
    IndexError
        If `axis` is out of range.

    Notes
    -----
    Defined by the Python array API standard, 2023.12, `cumulative_sum`; `precision` is ours.

    Examples
    --------
    >>> import cumsum, numpy as np
    >>> cumsum.cumulative_sum(np.array([1, 2, 3]), include_initial=True)
    array([0, 1, 3, 6])
    """
    is_compensated(precision)
    if not (isinstance(x, np.ndarray) or api.is_tensor(x) or api.is_dask(x)):
        return _of_other_kind(x, axis, dtype, include_initial, precision)
    if axis is None:
        if x.ndim != 1:
            message = f"cumulative_sum(): axis is needed for an array of {x.ndim} dimensions"
            raise ValueError(message)
        axis = 0
    if x.ndim == 0:
        raise ValueError("cumulative_sum(): x must have at least one dimension")
    return fast.cumsum(x, axis, dtype=dtype, include_initial=include_initial, precision=precision)


def _of_other_kind(
    x: Any, axis: int | None, dtype: Any, include_initial: bool, precision: Precision
) -> Any:
    """By DLPack to NumPy and back."""
    if not hasattr(x, "__dlpack__"):
        raise api.refuse("cumulative_sum", x, "an array with __array_namespace__ or __dlpack__")
    if x.__dlpack_device__()[0] != 1:
        raise TypeError("cumulative_sum(): x must lie on the CPU")
    name = None if dtype is None else getattr(dtype, "name", str(dtype).rpartition(".")[2])
    result = cumulative_sum(
        np.from_dlpack(x),
        axis=axis,
        dtype=None if name is None else np.dtype(name),
        include_initial=include_initial,
        precision=precision,
    )
    if hasattr(x, "__array_namespace__"):
        return x.__array_namespace__().from_dlpack(result)
    home: Any = type(x)
    if not hasattr(home, "from_dlpack"):
        home = sys.modules[home.__module__.partition(".")[0]]
    return home.from_dlpack(result)
