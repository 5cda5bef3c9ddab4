"""Coordinates in groups of zarr, and the groups themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cumsum.files.attributes import fill_text
from cumsum.files.coordinates import Coordinate, find
from cumsum.files.failures import told
from cumsum.files.zarr_like import dims_of, library, plain_json, with_fill_value

# Numbers, texts and dates.
_KINDS = "biufcSUOTmM"
_AS_GIVEN = {"write_empty_chunks": True}


def groups_of(root: Any, member: str) -> list[tuple[str, dict[str, Any]]]:
    """The groups that an array lies in, from the root, and their attributes."""
    names = member.split("/")[:-1]
    places = ["/".join(names[:depth]) for depth in range(len(names) + 1)]
    return [(place, dict((root[place] if place else root).attrs)) for place in places]


def find_coordinates(
    path: str, root: Any, member: str, array: Any, check: Callable[[str], None]
) -> list[Coordinate]:
    """The coordinates of an array in a group; `check` looks at the files of their metadata."""
    zarr = library("zarr")

    def look(place: str) -> Coordinate | None:
        check(place)
        with told(f"read {path}/{place}"):
            node = root.get(place)
            if not isinstance(node, zarr.Array) or node.dtype.kind not in _KINDS:
                return None
            return Coordinate(path, place, dims_of(node), node, with_fill_value(node))

    groups = [attributes for _, attributes in groups_of(root, member)]
    scanned = Coordinate(path, member, dims_of(array), array, dict(array.attrs))
    return find(scanned, array.shape, groups, look)


def write_groups(path: str, like: Any) -> Any:
    """Create the groups that the input lies in, with their attributes; the root."""
    zarr = library("zarr")
    source = getattr(like, "group", None)
    form = 3 if source is None else source.metadata.zarr_format
    root: Any = None
    for place, attributes in like.groups:
        held = plain_json(attributes)
        if root is None:
            root = zarr.create_group(
                path,
                zarr_format=form,
                attributes=held,
                storage_options={"auto_mkdir": True} if path.startswith("file://") else None,
            )
        else:
            root.create_group(place, attributes=held)
    return root


def write_coordinates(root: Any, held: list[Coordinate]) -> None:
    """Copy coordinates, as they lie where they are arrays of zarr."""
    zarr = library("zarr")
    for coordinate in held:
        source, create = coordinate.source, _create
        if isinstance(source, zarr.Array):
            create = _create_like
        made = create(zarr, root, coordinate)
        for where, values in coordinate.parts(made.shards or made.chunks):
            made[where or ...] = values


def _create_like(zarr: Any, root: Any, held: Coordinate) -> Any:
    """Create an array that has all but the values of another one."""
    return zarr.from_array(
        root.store,
        data=held.source,
        write_data=False,
        name=f"{root.path}/{held.place}".strip("/"),
        fill_value=held.source.fill_value,
        attributes=dict(held.source.attrs),
        config=_AS_GIVEN,
    )


def _create(zarr: Any, root: Any, held: Coordinate) -> Any:
    """Create an array for a dataset of HDF5; its texts are objects."""
    source, attributes = held.source, dict(held.attributes)
    fill = fill_text(attributes.pop("_FillValue", None), source.dtype)
    if fill is not None:
        attributes["_FillValue"] = fill
    return root.create_array(
        held.place,
        shape=source.shape,
        dtype=str if source.dtype.kind == "O" else np.dtype(source.dtype.str),
        chunks=source.chunks or ("auto" if all(source.shape) else (1,) * source.ndim),
        dimension_names=held.dims,
        attributes=plain_json(attributes),
        config=_AS_GIVEN,
    )


def consolidate(root: Any, like: Any) -> None:
    """Gather the metadata of each group where the input's are, and in format 2, as xarray asks."""
    zarr, source = library("zarr"), getattr(like, "group", None)
    for place, _ in reversed(like.groups):
        held = source[place] if source is not None and place else source
        if held is None or root.metadata.zarr_format == 2 or held.metadata.consolidated_metadata:
            zarr.consolidate_metadata(root.store, path=f"{root.path}/{place}".strip("/"))
