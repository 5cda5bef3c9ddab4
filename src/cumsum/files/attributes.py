"""What the attributes of an array say of its values, by the conventions of NetCDF (CF)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cumsum.console import CommandError

# Values that stand for a missing one. No sum is missing, but one could be such a value by chance.
_MISSING = ("_FillValue", "missing_value")
# True of the values, not of their sums.
_OF_VALUES = {*_MISSING, "valid_min", "valid_max", "valid_range", "actual_range"}

# What has the names of dims in zarr 2, by the convention of xarray.
XARRAY_DIMS = "_ARRAY_DIMENSIONS"

# What NetCDF has where nothing was written, unless a variable says otherwise; bytes have none.
UNWRITTEN = {
    "i2": -(2**15) + 1,
    "i4": -(2**31) + 1,
    "i8": -(2**63) + 2,
    "u2": 2**16 - 1,
    "u4": 2**32 - 1,
    "u8": 2**64 - 2,
    **dict.fromkeys(("f4", "f8"), float.fromhex("0x1.ep+122")),
}


def kept(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that hold for the sums too."""
    return {name: value for name, value in attributes.items() if name not in _OF_VALUES}


def check_packing(path: str, attributes: Mapping[str, Any], dtype: np.dtype[Any]) -> None:
    """Refuse values that stand for others in a way that sums of them do not."""
    unsigned = attributes.get("_Unsigned")
    said = unsigned.decode() if isinstance(unsigned, bytes) else str(unsigned)
    if (said.lower(), dtype.kind) in (("true", "i"), ("false", "u")):
        raise CommandError(f"{path} holds {dtype} with _Unsigned {said}: convert it first")
    added = attributes.get("add_offset")
    if added is not None and np.any(np.asarray(added) != 0):
        said = np.asarray(added).ravel()[0]
        raise CommandError(f"{path} is packed with add_offset {said}: unpack it first")


def check_scale(name: str, output: str, attributes: Mapping[str, Any]) -> None:
    """Refuse packed values where the sums could not say that they are packed."""
    scale = attributes.get("scale_factor")
    if scale is not None and np.any(np.asarray(scale) != 1):
        said = np.asarray(scale).ravel()[0]
        raise CommandError(
            f"{name} is packed with scale_factor {said}, which {output} cannot hold: "
            "unpack it first, or write .nc, .h5 or .zarr"
        )


def missing_values(attributes: Mapping[str, Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The numbers that stand for a missing value; nan is a number."""
    found = [_number(attributes[name], dtype) for name in _MISSING if name in attributes]
    values = np.unique(np.concatenate([np.empty(0, dtype), *found]))
    return np.asarray(values[values == values])  # noqa: PLR0124 - all but nan


def _number(value: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """An attribute in the dtype of the values; xarray writes floats to zarr as text."""
    if isinstance(value, str) and dtype.kind == "f" and value != "NaN":
        try:
            value = np.frombuffer(base64.b64decode(value, validate=True), "<f8")
        except ValueError:
            value = ()
    held = np.asarray(value).ravel()
    if held.dtype.kind not in "biufc":
        return np.empty(0, dtype)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        held = held[(held >= limits.min) & (held <= limits.max)]
    return held.astype(dtype)


def fill_number(value: Any, dtype: np.dtype[Any]) -> Any:
    """A fill value as a number of that dtype, or None; letters are no numbers."""
    found = np.empty(0) if value is None or dtype.kind not in "biufc" else _number(value, dtype)
    return found[0] if found.size == 1 else None


def fill_text(value: Any, dtype: np.dtype[Any]) -> Any:
    """A fill value as xarray writes it to zarr 3, or None: floats are base64 of their bytes."""
    number = fill_number(value, dtype)
    if number is None or dtype.kind not in "iuf":
        return None
    if dtype.kind == "f":
        return base64.b64encode(np.array(number, "<f8").tobytes()).decode()
    return int(number)


def check_missing(path: str, values: NDArray[Any], missing: NDArray[Any]) -> None:
    """Refuse values that stand for missing ones: every later sum would be unknown."""
    for value in missing:
        if found := int(np.count_nonzero(values == value)):
            raise CommandError(
                f"{path} has missing values ({value}, {found:,} in the part at hand); "
                "fill them first"
            )
