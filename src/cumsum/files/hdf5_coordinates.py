"""Coordinates and the names of dims in HDF5 and NetCDF files."""

from __future__ import annotations

from typing import Any

import numpy as np

from cumsum.files.attributes import XARRAY_DIMS, fill_number
from cumsum.files.coordinates import Coordinate, find
from cumsum.files.hdf5_copies import (
    NO_VARIABLE,
    copy_attributes,
    copy_dataset,
    dims_of,
    has_no_values,
    is_own,
    plain_attributes,
)


def groups_of(file: Any, member: str) -> list[tuple[str, dict[str, Any]]]:
    """The groups that a dataset lies in, from the root, and their attributes."""
    names = member.strip("/").split("/")[:-1]
    places = ["/".join(names[:depth]) for depth in range(len(names) + 1)]
    return [(place, plain_attributes(file[place or "/"])) for place in places]


def find_coordinates(h5py: Any, path: str, dataset: Any) -> list[Coordinate]:
    """The coordinates of a dataset that can stand in another file."""
    file = dataset.file

    def look(place: str) -> Coordinate | None:
        if not is_own(file, place):
            return None
        node = file[place]
        if not isinstance(node, h5py.Dataset) or not _is_plain(h5py, node):
            return None
        return _coordinate(path, node)

    groups = [attributes for _, attributes in groups_of(file, dataset.name)]
    return find(_coordinate(path, dataset), dataset.shape, groups, look)


def _coordinate(path: str, node: Any) -> Coordinate:
    return Coordinate(path, node.name.strip("/"), dims_of(node), node, plain_attributes(node))


def _is_plain(h5py: Any, node: Any) -> bool:
    """Whether a dataset holds numbers or texts, in its own file."""
    if node.shape is None or node.external or (node.is_scale and has_no_values(node)):
        return False
    return node.dtype.kind in "biufcS" or h5py.check_string_dtype(node.dtype) is not None


def write_coordinates(
    h5py: Any, dataset: Any, dims: tuple[str | None, ...], held: list[Coordinate], *, scales: bool
) -> None:
    """Write coordinates beside a dataset, and name the dims of all: by scales, or by labels."""
    file, made = dataset.file, [(dataset, dims)]
    for coordinate in held:
        if isinstance(coordinate.source, h5py.Dataset):
            copy_dataset(h5py, coordinate.source, file)
        elif coordinate.source.dtype.kind not in "mM":  # HDF5 has no dates
            made.append(_make(h5py, file, coordinate))
    for node, names in made:
        if scales and names == (node.name.rpartition("/")[2],) and not len(node.dims[0]):
            node.make_scale(names[0])
    for node, names in made:
        name_dims(node, names, scales=scales)


def _make(h5py: Any, file: Any, held: Coordinate) -> tuple[Any, tuple[str | None, ...]]:
    """Write an array of zarr."""
    source = held.source
    attributes = {name: value for name, value in held.attributes.items() if name != XARRAY_DIMS}
    fill = fill_number(attributes.pop("_FillValue", None), source.dtype)
    if fill is not None:
        attributes["_FillValue"] = np.array([fill], source.dtype)
    if source.dtype.kind == "b":  # as xarray has it in NetCDF, which has no bools
        attributes["dtype"] = "bool"
    shape, dtype, dims = _as_netcdf(h5py, held)
    made = file.create_dataset(held.place, shape, dtype, track_times=False)
    for where, values in held.parts(source.shards or source.chunks):
        part = values.astype(object) if values.dtype.kind == "U" else values
        if part.dtype.kind == "S":
            rest = shape[len(where) :]
            part = np.ascontiguousarray(part).view(dtype).reshape(*part.shape[: made.ndim], *rest)
        made[where[: made.ndim]] = part
    copy_attributes(attributes, made)
    return made, dims


def _as_netcdf(h5py: Any, held: Coordinate) -> tuple[tuple[int, ...], Any, tuple[str | None, ...]]:
    """A shape, dtype and dims: NetCDF has no texts of a fixed length, but dims of letters."""
    shape, dims, dtype = held.source.shape, held.dims, np.dtype(held.source.dtype)
    is_scale = dims[:1] == (held.place.rpartition("/")[2],)
    if dtype.kind in "UTO":
        return shape, h5py.string_dtype(), dims
    if dtype.kind == "b":
        return shape, np.dtype("i1"), dims
    if is_scale and dtype == "S1" and len(shape) == 2:  # a scale has one dim
        return shape[:1], np.dtype(f"S{max(1, shape[1])}"), dims[:1]
    if dtype.kind == "S" and dtype.itemsize > 1 and not is_scale:
        letters = dtype.itemsize
        return (*shape, letters), np.dtype("S1"), (*dims, f"string{letters}")
    return shape, dtype, dims


def name_dims(dataset: Any, dims: tuple[str | None, ...], *, scales: bool) -> None:
    """Name dims that have no scales yet: by scales, or by labels."""
    for dim, name in enumerate(dims):
        if not name or "/" in name or len(dataset.dims[dim]) or dataset.is_scale:
            continue
        if not scales:
            dataset.dims[dim].label = name
            continue
        length = dataset.shape[dim]
        scale = _nearest(dataset, name)
        if scale is None:
            scale = dataset.file.create_dataset(name, (length,), ">f4", track_times=False)
            scale.make_scale(f"{NO_VARIABLE}{length:10}")
        if getattr(scale, "is_scale", False) and scale.shape == (length,):
            dataset.dims[dim].attach_scale(scale)


def _nearest(dataset: Any, name: str) -> Any:
    """What has a name in the group of a dataset, or in the next one above that has it."""
    group = dataset.parent
    while name not in group:
        if group.name == "/":
            return None
        group = group.parent
    return group[name]
