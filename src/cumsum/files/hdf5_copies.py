"""Parts of an HDF5 file that are copied as they are: attributes, groups, filters, scales."""

from __future__ import annotations

import contextlib
import functools
from typing import Any

import numpy as np

from cumsum.files.coordinates import Coordinate
from cumsum.files.failures import told

# How HDF5 and NetCDF tie datasets to the scales of their dims; new ties are made.
_TIES = {"DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME", "DIMENSION_LABELS"}
# Filters that change values, or are made for one dtype.
_LOSSY = {5, 6}
# What NetCDF knows a scale without values by.
NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable."


def plain_attributes(node: Any) -> dict[str, Any]:
    """The attributes of a dataset or group that say something to people."""
    return {name: value for name, value in node.attrs.items() if name not in _TIES}


def copy_attributes(attributes: dict[str, Any], node: Any) -> None:
    """Copy the attributes that can stand in another file: references cannot."""
    for name, value in attributes.items():
        with contextlib.suppress(TypeError, ValueError, OSError):
            node.attrs[name] = value


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


def dims_of(dataset: Any) -> tuple[str | None, ...]:
    """The names of dims: their labels, or those of their scales."""
    if dataset.is_scale:
        own = dataset.name.rpartition("/")[2]
        return (own,) if dataset.ndim == 1 else (own, *_numbered(dataset)[1:])
    scales = [next((s.name.rpartition("/")[2] for s in dim.values()), None) for dim in dataset.dims]
    return tuple(
        dim.label or scale or None for dim, scale in zip(dataset.dims, scales, strict=True)
    )


def is_own(group: Any, name: str) -> bool:
    """Whether a name is that of something here, and no link to another place or file."""
    return type(group.get(name, getlink=True)).__name__ == "HardLink"


def _numbered(scale: Any) -> list[str | None]:
    """The dims of a scale of several, such as those of letters: NetCDF has numbers for them."""
    names = {}
    for name in filter(functools.partial(is_own, scale.parent), scale.parent):
        node = scale.parent[name]
        if getattr(node, "is_scale", False) and "_Netcdf4Dimid" in node.attrs:
            names[int(node.attrs["_Netcdf4Dimid"])] = name
    numbers = np.ravel(scale.attrs.get("_Netcdf4Coordinates", ()))
    found = [names.get(int(number)) for number in numbers]
    return found if len(found) == scale.ndim else [None] * scale.ndim


def has_no_values(scale: Any) -> bool:
    """Whether a scale is there for its length alone."""
    return _scale_name(scale).startswith(NO_VARIABLE.rstrip("."))


def _scale_name(scale: Any) -> str:
    name = scale.attrs.get("NAME", "")
    return name.decode(errors="replace") if isinstance(name, bytes | np.bytes_) else str(name)


def copy_dataset(h5py: Any, source: Any, file: Any) -> Any:
    """Copy a dataset, part by part: it may be as long as the scanned one; and its scales."""
    if source.name in file:
        return file[source.name]
    copy_groups(source.file, file, source.name)
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    if source.chunks:
        copy_filters(source, properties)
    copied = file.create_dataset(
        source.name,
        source.shape,
        source.dtype,
        chunks=source.chunks,
        maxshape=source.maxshape if source.chunks else None,
        fillvalue=source.fillvalue if source.dtype.kind in "biufc" else None,
        dcpl=properties,
        track_times=False,
    )
    copy_attributes(plain_attributes(source), copied)
    is_scale = source.is_scale
    if not (is_scale and has_no_values(source)):
        whole = Coordinate(source.file.filename, source.name.strip("/"), (), source, {})
        for where, values in whole.parts(source.chunks or (1,) * source.ndim):
            copied[where] = values
    if is_scale:
        copied.make_scale(_scale_name(source))
        for name in dims_of(source)[1:]:
            if name and is_own(source.parent, name):
                copy_dataset(h5py, source.parent[name], file)
    else:
        attach_scales(h5py, source, copied)
    return copied


def attach_scales(h5py: Any, source: Any, dataset: Any) -> None:
    """Give the dims the labels and scales of those of `source`, where they are of that length."""
    with told(f"read {source.file.filename}{source.name}"):
        held = [(dim.label, list(dim.values())) for dim in source.dims]
    for dim, (label, scales) in enumerate(held):
        if label:
            dataset.dims[dim].label = label
        for scale in scales:
            if scale.shape and not scale.external and scale.shape[0] == dataset.shape[dim]:
                copied = copy_dataset(h5py, scale, dataset.file)
                if copied != dataset:
                    dataset.dims[dim].attach_scale(copied)
