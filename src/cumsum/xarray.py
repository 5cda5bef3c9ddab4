"""Running sums of labelled arrays: dims by name; coordinates, names and attributes stay."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, TypeVar

import xarray as xr

from cumsum import fast
from cumsum.numpy import code_of
from cumsum.options import SEGMENTS

Labelled = TypeVar("Labelled", xr.DataArray, xr.Dataset)

_SPREAD = ("where", "initial", "decay", "reset")  # may lie along other dims than the scanned one


def cumsum(
    obj: Labelled, dim: Hashable | Iterable[Hashable] | None, *, dtype: Any = None, **options: Any
) -> Labelled:
    """The running sum of a labelled array along a dim, lazily if it is one of Dask.

    Parameters
    ----------
    obj : xarray.DataArray or xarray.Dataset
        Of a dataset, each variable of numbers, booleans or durations that has the dim is scanned;
        others, such as texts, dates and objects, stay as they are.
    dim : hashable, iterable of hashable, None or ...
        The name of a dim. Several names are scanned one after the other; None and ``...`` stand for
        all dims.
    dtype : numpy.dtype, optional
        As for ``cumsum.cumsum``.
    **options : object
        Those of ``cumsum.cumsum``. Where they are arrays they may be labelled too: they are then
        matched by the names of their dims, and their labels must be those of `obj`.

    Returns
    -------
    xarray.DataArray or xarray.Dataset
        With the dims, coordinates, names and attributes of `obj`. With ``include_initial`` the
        coordinates along `dim` are dropped, as the first sum has no label, and so is of a dataset
        what has the dim and cannot be summed.

    Raises
    ------
    ValueError
        If `obj` has no such dim, or the labels of an option are not those of `obj`.
    TypeError, NotImplementedError, OverflowError
        As ``cumsum.cumsum`` does; of a dataset, with a note that names the variable.

    Notes
    -----
    NaN is a number here unless ``skipna=True`` says otherwise, which xarray's own method does for
    floats.

    Examples
    --------
    >>> import cumsum.xarray
    >>> import xarray as xr
    >>> rain = xr.DataArray([3.0, 1.0, 4.0], {"day": [1, 2, 3]}, name="rain")
    >>> cumsum.xarray.cumsum(rain, "day")
    <xarray.DataArray 'rain' (day: 3)> Size: 24B
    array([3., 4., 8.])
    Coordinates:
      * day      (day) int64 24B 1 2 3
    """
    if not isinstance(obj, xr.DataArray | xr.Dataset):
        kind = f"{type(obj).__module__}.{type(obj).__qualname__}".removeprefix("builtins.")
        raise TypeError(f"cumsum(): obj must be an xarray.DataArray or Dataset, not {kind}")
    dims = _named(dim, tuple(obj.dims))
    missing = [name for name in dims if name not in obj.dims]
    if missing:
        raise ValueError(f"cumsum(): there is no dim {missing[0]!r}, only {tuple(obj.dims)}")
    if isinstance(obj, xr.DataArray):
        if not dims:
            return obj.copy()
        return _scan(obj, dims, dtype, options)
    scanned = {}
    for name, part in obj.data_vars.items():
        along = [name for name in dims if name in part.dims]
        if along and _has_sums(part.dtype):
            try:
                scanned[name] = _scan(part, along, dtype, options)
            except (TypeError, ValueError, OverflowError, NotImplementedError) as error:
                error.add_note(f"in the variable {name!r} of the Dataset")
                raise
    kept = obj.drop_dims(dims) if options.get("include_initial", False) else obj
    result = kept.assign(scanned)
    return result[[name for name in obj.data_vars if name in result]]


def _named(dim: Any, dims: tuple[Hashable, ...]) -> list[Hashable]:
    """The names that are asked for; one may itself be a tuple."""
    if dim is None or dim is ...:
        return list(dims)
    is_one = isinstance(dim, str) or not isinstance(dim, Iterable)
    return [dim] if is_one or (isinstance(dim, Hashable) and dim in dims) else list(dim)


def _has_sums(dtype: Any) -> bool:
    """Whether a variable of a dataset is summed: of numbers or durations."""
    return dtype.kind in "biufcm" or code_of(dtype) is not None


def _scan(
    x: xr.DataArray, dims: list[Hashable], dtype: Any, options: dict[str, Any]
) -> xr.DataArray:
    given = {name: _unlabelled(name, value, x, dims) for name, value in options.items()}
    axes = tuple(x.dims.index(name) for name in dims)
    sums = fast.cumsum(x.data, axes if len(axes) > 1 else axes[0], dtype=dtype, **given)
    if sums.shape == x.shape:
        return x.copy(data=sums)
    kept = {name: c for name, c in x.coords.items() if not set(dims) & set(c.dims)}
    return xr.DataArray(sums, kept, x.dims, x.name, x.attrs)


def _unlabelled(name: str, value: Any, x: xr.DataArray, along: list[Hashable]) -> Any:
    """An option without labels, along dims in the order of those of `x`."""
    if not isinstance(value, xr.DataArray):
        return value
    if name in SEGMENTS and name != "reset":
        return value.data
    _, value = xr.align(x, value, join="exact", copy=False)
    others = [dim for dim in value.dims if dim not in x.dims]
    if others:
        raise ValueError(f"cumsum(): {name} has the dim {others[0]!r}, which the input has not")
    spread = [dim for dim in x.dims if dim in value.dims]
    if name == "reset":  # along the scanned dim, or of every element
        sizes = dict(value.sizes if list(value.dims) == along else x.sizes)
    else:
        sizes = dict.fromkeys(x.dims, 1) | dict(value.sizes)
    return value.transpose(*spread).variable.set_dims(sizes).data
