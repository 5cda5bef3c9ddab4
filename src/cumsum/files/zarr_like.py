"""A zarr array for the sums, like the one that was scanned."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from cumsum.console import require
from cumsum.files.attributes import XARRAY_DIMS, kept
from cumsum.files.store import Spec


def library(name: str) -> Any:
    """zarr or a part of it."""
    return require(name, "zarr", "files")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Leave out zarr's warnings of codecs and dtypes that its specification lacks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def finish_requests() -> None:
    """Wait for what zarr has under way: after an error it would go on and write to a folder."""

    async def others() -> None:
        if tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(tasks, timeout=10)

    library("zarr.core.sync").sync(others())


def create_like(path: str, member: str, spec: Spec) -> Any:
    """Create an array with the chunks, shards, compression, names and attributes of the input.

    Of the filters only those stay that change no value, whatever it is: an input may have been
    rounded, or stored as differences, in ways made for its own dtype.
    """
    zarr, like = library("zarr"), spec.like
    source = getattr(like, "array", None)
    how: dict[str, Any] = {"chunks": like.grid if max(like.grid, default=1) > 1 else "auto"}
    if isinstance(source, zarr.Array):
        how = _layout(zarr, source, spec.dtype)
    elif any(dims := getattr(like, "dims", ())):
        how["dimension_names"] = dims
    if any(extent == 0 for extent in spec.shape):
        how["chunks"], how["shards"] = tuple(max(1, extent) for extent in spec.shape), None
    dtype = spec.dtype
    attributes = plain_json(kept(getattr(like, "attributes", {})))
    return zarr.create_array(
        path,
        storage_options={"auto_mkdir": True} if path.startswith("file://") else None,
        name=member or None,
        shape=spec.shape,
        dtype=dtype,
        attributes=attributes,
        config={"write_empty_chunks": True},
        **how,
    )


def dims_of(array: Any) -> tuple[str | None, ...]:
    """The names of dims, or none of them."""
    if array.metadata.zarr_format == 2:
        names = array.attrs.get(XARRAY_DIMS) or ()
    else:
        names = array.metadata.dimension_names or ()
    if not isinstance(names, list | tuple) or not all(isinstance(n, str | None) for n in names):
        return ()
    return tuple(names) if len(names) == array.ndim else ()


def with_fill_value(array: Any) -> dict[str, Any]:
    """The attributes, among them the one that xarray has elsewhere in format 2."""
    held = dict(array.attrs)
    if _fill_is_missing(array) and array.fill_value is not None:
        held.setdefault("_FillValue", array.fill_value)
    return held


def _fill_is_missing(array: Any) -> bool:
    """Whether the fill value stands for a missing one, by the convention of xarray."""
    return array.metadata.zarr_format == 2 and XARRAY_DIMS in array.attrs


def _layout(zarr: Any, source: Any, dtype: np.dtype[Any]) -> dict[str, Any]:
    """How the chunks of an array like `source` lie, and how they are stored."""
    metadata = source.metadata
    how: dict[str, Any] = {
        "zarr_format": metadata.zarr_format,
        "chunks": source.chunks,
        "shards": source.shards,
        "compressors": [_for_size(codec, dtype.itemsize) for codec in source.compressors] or None,
        "fill_value": None if _fill_is_missing(source) else _fill_value(source.fill_value, dtype),
    }
    if metadata.zarr_format == 2:
        return how | {"filters": None, "order": source.order}
    how["filters"] = [c for c in source.filters if isinstance(c, zarr.codecs.TransposeCodec)]
    how["dimension_names"] = metadata.dimension_names
    how["chunk_key_encoding"] = metadata.chunk_key_encoding
    endian = getattr(source.serializer, "endian", None)
    how["serializer"] = zarr.codecs.BytesCodec(endian=endian or "little")
    return how


def _for_size(codec: Any, itemsize: int) -> Any:
    """A codec for elements of another size: blosc shuffles their bytes."""
    if dataclasses.is_dataclass(codec) and hasattr(codec, "typesize"):
        return dataclasses.replace(codec, typesize=itemsize)  # type: ignore[type-var]
    return codec


def _fill_value(value: Any, dtype: np.dtype[Any]) -> Any:
    """The fill value in another dtype, zero where that cannot hold it."""
    if value is None:
        return None
    with np.errstate(all="ignore"):
        held = np.asarray(value).astype(dtype)
    same = held == value or held != held  # noqa: PLR0124 - nan
    return held[()] if same else dtype.type(0)


def plain_json(attributes: dict[str, Any]) -> dict[str, Any]:
    """Those of attributes that JSON can hold; those of HDF5 are NumPy's."""
    held = {}
    for name, value in attributes.items():
        if name.startswith(("_Netcdf4", "_NCProperties")):  # of the other file
            continue
        plain = _plain(value)
        with contextlib.suppress(TypeError, ValueError):
            json.dumps(plain)
            held[name] = plain
    return held


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.shape == (1,) and value.dtype.kind in "biuf":
        value = value[0]  # NetCDF has no other numbers
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value.decode(errors="replace") if isinstance(value, bytes) else value
