"""An HDF5 dataset for the sums, like the one that was scanned."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from cumsum.console import CommandError
from cumsum.files.attributes import UNWRITTEN, XARRAY_DIMS, kept
from cumsum.files.store import Spec, suffix_of

# How HDF5 and NetCDF tie datasets to the scales of their dims; new ties are made.
_TIES = {"DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME", "DIMENSION_LABELS"}
# Filters that change values, or are made for one dtype.
_LOSSY = {5, 6}
# What NetCDF knows a scale without values by.
_NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable."
# Scales are copied in parts of so many elements.
_PART = 1 << 20


def plain_attributes(node: Any) -> dict[str, Any]:
    """The attributes of a dataset or group that say something to people."""
    return {name: value for name, value in node.attrs.items() if name not in _TIES}


def with_fill_value(dataset: Any, path: str) -> dict[str, Any]:
    """The attributes, among them the fill value that a NetCDF variable has without one."""
    held = plain_attributes(dataset)
    usual = UNWRITTEN.get(dataset.dtype.str[1:])
    if suffix_of(path) == ".nc" and usual is not None:
        held.setdefault("_FillValue", usual)
    return held


def member_of(spec: Spec) -> str:
    """The name of the dataset in the output: that of the input's, else `cumsum`."""
    member: str = getattr(spec.like, "member", "") or "cumsum"
    return "/" + member.strip("/")


def create_like(h5py: Any, file: Any, spec: Spec) -> str:
    """Create a dataset with the input's chunks, filters, attributes and scales; its name."""
    like, member = spec.like, member_of(spec)
    source = getattr(like, "dataset", None)
    held = tuple(getattr(like, "chunks", like.grid))
    chunks = held if max(held, default=1) > 1 else None
    maxshape = None
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    if isinstance(source, h5py.Dataset):
        maxshape = source.maxshape if source.shape == spec.shape and chunks else None
        if chunks:
            copy_filters(source, properties)
        copy_groups(source.file, file, member)
    if chunks and maxshape is None and 0 in spec.shape:
        chunks = None
    elif chunks and maxshape is None:
        chunks = tuple(max(1, min(c, n)) for c, n in zip(chunks, spec.shape, strict=True))
    if spec.dtype.name == "bfloat16":
        raise CommandError(f"{spec.name}: HDF5 holds no bfloat16; give --dtype")
    dataset = file.create_dataset(
        member,
        spec.shape,
        spec.dtype,
        chunks=chunks,
        maxshape=maxshape,
        dcpl=properties,
        track_times=False,
    )
    attributes = kept(getattr(like, "attributes", {}))
    attributes.pop(XARRAY_DIMS, None)
    copy_attributes(attributes, dataset)
    if isinstance(source, h5py.Dataset):
        attach_scales(h5py, source, dataset)
    else:
        name_dims(dataset, getattr(like, "dims", ()), netcdf=suffix_of(spec.name) == ".nc")
    return member


def copy_filters(source: Any, properties: Any) -> None:
    """Pack chunks as those of `source` are packed."""
    held = source.id.get_create_plist()
    for i in range(held.get_nfilters()):
        code, flags, values, _ = held.get_filter(i)
        if code == 1:
            properties.set_deflate(values[0])
        elif code not in _LOSSY:
            properties.set_filter(code, flags, values)


def copy_groups(source: Any, file: Any, member: str) -> None:
    """Create the groups above a dataset, with their attributes."""
    copy_attributes(plain_attributes(source), file)
    path = ""
    for name in member.strip("/").split("/")[:-1]:
        path += f"/{name}"
        copy_attributes(plain_attributes(source[path]), file.require_group(path))


def copy_attributes(attributes: dict[str, Any], node: Any) -> None:
    """Copy the attributes that can stand in another file: references cannot."""
    for name, value in attributes.items():
        with contextlib.suppress(TypeError, ValueError, OSError):
            node.attrs[name] = value


def attach_scales(h5py: Any, source: Any, dataset: Any) -> None:
    """Give the dims the labels and scales of those of `source`, where they are of that length."""
    for dim, held in enumerate(source.dims):
        if held.label:
            dataset.dims[dim].label = held.label
        for scale in held.values():
            if scale.ndim == 1 and len(scale) == dataset.shape[dim]:
                copied = copy_scale(h5py, scale, dataset.file)
                if copied != dataset:
                    dataset.dims[dim].attach_scale(copied)


def dims_of(dataset: Any) -> tuple[str | None, ...]:
    """The names of dims: their labels, or those of their scales."""
    if dataset.is_scale and dataset.ndim == 1:
        return (dataset.name.rpartition("/")[2],)
    scales = [next((s.name.rpartition("/")[2] for s in dim.values()), None) for dim in dataset.dims]
    return tuple(
        dim.label or scale or None for dim, scale in zip(dataset.dims, scales, strict=True)
    )


def name_dims(dataset: Any, dims: tuple[str | None, ...], *, netcdf: bool) -> None:
    """Name dims: by labels, in NetCDF by scales without values."""
    file = dataset.file
    for dim, name in enumerate(dims):
        if not name or "/" in name:
            continue
        if not netcdf:
            dataset.dims[dim].label = name
            continue
        length = dataset.shape[dim]
        if name not in file:
            scale = file.create_dataset(name, (length,), ">f4", track_times=False)
            scale.make_scale(f"{_NO_VARIABLE}{length:10}")
        if file[name] == dataset and dataset.ndim == 1:
            dataset.make_scale(name)
        elif getattr(file[name], "is_scale", False) and len(file[name]) == length:
            dataset.dims[dim].attach_scale(file[name])


def copy_scale(h5py: Any, scale: Any, file: Any) -> Any:
    """Copy a scale, part by part: it may be as long as the longest dim."""
    if scale.name in file:
        return file[scale.name]
    copy_groups(scale.file, file, scale.name)
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    if scale.chunks:
        copy_filters(scale, properties)
    copied = file.create_dataset(
        scale.name,
        scale.shape,
        scale.dtype,
        chunks=scale.chunks,
        maxshape=scale.maxshape if scale.chunks else None,
        dcpl=properties,
        track_times=False,
    )
    for start in range(0, len(scale), _PART):
        copied[start : start + _PART] = scale[start : start + _PART]
    copy_attributes(plain_attributes(scale), copied)
    name = scale.attrs.get("NAME", "")
    copied.make_scale(name.decode() if isinstance(name, bytes | np.bytes_) else name)
    return copied
