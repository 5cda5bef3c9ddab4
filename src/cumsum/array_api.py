"""The Array API standard's `cumulative_sum`, for every kind of array."""

from __future__ import annotations

from typing import Any

import numpy as np

from cumsum import api, dlpack, fast, subclasses
from cumsum.precision import Precision, is_compensated


def cumulative_sum(
    x: Any,
    /,
    *,
    axis: int | None = None,
    dtype: Any = None,
    include_initial: bool = False,
    out: Any = None,
    precision: Precision = None,
) -> Any:
    """The running sum of `x` along `axis`, as the Array API standard defines it.

    Parameters
    ----------
    x : array
        A torch tensor, a NumPy array, or any array with ``__array_namespace__`` or DLPack, on the
        CPU or a GPU that torch knows, of one dimension or more.
    axis : int, optional
        In [-x.ndim, x.ndim). May be left out for one dimension only.
    dtype : dtype of the array's own library, optional
        Every element is cast to it before the sum. By default booleans and integers become 64-bit
        integers and other dtypes stay.
    include_initial : bool, optional
        Whether the result begins with the sum of no elements, zero, and is one longer along `axis`.
    out : torch.Tensor or numpy.ndarray, optional
        Where to write the result, as for `cumsum`; for tensors and NumPy arrays.
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
        If `x` is no such array, or its library cannot be given a result.
    IndexError
        If `axis` is out of range.

    Notes
    -----
    Defined by the Python array API standard, 2023.12, `cumulative_sum`; `out` is NumPy's and
    `precision` is ours.

    Examples
    --------
    >>> import cumsum, numpy as np
    >>> cumsum.cumulative_sum(np.array([1, 2, 3]), include_initial=True)
    array([0, 1, 3, 6])
    """
    is_compensated(precision)
    if isinstance(x, np.ndarray) or api.is_tensor(x) or api.is_dask(x):
        ndim = x.ndim
    elif dlpack.is_served(x) or subclasses.answers(x):
        ndim = dlpack.ndim_of(x)
    else:
        raise api.refuse("cumulative_sum", x, "an array whose library has from_dlpack")
    given = {"dtype": dtype, "out": out, "precision": precision}
    return fast.cumsum(x, _checked(axis, ndim), include_initial=include_initial, **given)


def _checked(axis: int | None, ndim: int) -> int:
    """The axis of an array of so many dims."""
    if axis is None:
        if ndim != 1:
            message = f"cumulative_sum(): axis is needed for an array of {ndim} dimensions"
            raise ValueError(message)
        axis = 0
    if ndim == 0:
        raise ValueError("cumulative_sum(): x must have at least one dimension")
    return axis
