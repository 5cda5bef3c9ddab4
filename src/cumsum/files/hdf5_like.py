"""An HDF5 dataset for the sums, like the one that was scanned."""

from __future__ import annotations

from typing import Any

from cumsum.console import CommandError
from cumsum.files.attributes import UNWRITTEN, XARRAY_DIMS, kept
from cumsum.files.hdf5_coordinates import write_coordinates
from cumsum.files.hdf5_copies import (
    attach_scales,
    copy_attributes,
    copy_filters,
    copy_groups,
    plain_attributes,
)
from cumsum.files.store import Spec, suffix_of


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
    """Create a dataset with the input's layout, attributes and coordinates; its name."""
    like, member = spec.like, member_of(spec)
    source = getattr(like, "dataset", None)
    if isinstance(source, h5py.Dataset):
        copy_groups(source.file, file, member)
    else:
        for place, attributes in getattr(like, "groups", ()):
            copy_attributes(attributes, file.require_group(place or "/"))
    dataset = _create(h5py, file, spec)
    attributes = kept(getattr(like, "attributes", {}))
    attributes.pop(XARRAY_DIMS, None)
    copy_attributes(attributes, dataset)
    dims, coordinates = getattr(like, "dims", ()), getattr(like, "coordinates", [])
    scales = suffix_of(spec.name) == ".nc"
    if isinstance(source, h5py.Dataset):
        attach_scales(h5py, source, dataset)
        scales = scales or source.is_scale
    else:
        scales = scales or bool(coordinates)
    write_coordinates(h5py, dataset, dims, coordinates, scales=scales)
    return member


def _create(h5py: Any, file: Any, spec: Spec) -> Any:
    """Create the dataset, with the chunks, filters and limits of growth of the input."""
    like = spec.like
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
    if chunks and maxshape is None and 0 in spec.shape:
        chunks = None
    elif chunks and maxshape is None:
        chunks = tuple(max(1, min(c, n)) for c, n in zip(chunks, spec.shape, strict=True))
    if spec.dtype.name == "bfloat16":
        raise CommandError(f"{spec.name}: HDF5 holds no bfloat16; give --dtype")
    return file.create_dataset(
        member_of(spec),
        spec.shape,
        spec.dtype,
        chunks=chunks,
        maxshape=maxshape,
        dcpl=properties,
        track_times=False,
    )
