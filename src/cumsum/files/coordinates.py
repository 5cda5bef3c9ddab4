"""What a file has beside the scanned array that xarray would call its coordinates.

By the conventions of NetCDF (CF), which xarray has for zarr as well: the arrays with the names of
dims, those that an attribute `coordinates` names, their bounds, and the mapping of the grid. A name
is looked for in the group of the array and in those above it, and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cumsum.console import CommandError
from cumsum.files import boxes
from cumsum.files.failures import told

# Each name is looked up, maybe at a URL.
MOST = 1000
# Copied at once: numbers, and texts of any length.
_BYTES, _TEXTS = 1 << 20, 1 << 14
# Corners of a cell, letters of a text.
_MORE = 1 << 16
# Elements in a chunk that an array of few may have: more is a waste of memory, or an attack.
_CHUNK = 1 << 24


@dataclass(frozen=True)
class Coordinate:
    """An array of h5py or zarr, by its full name."""

    path: str
    place: str
    dims: tuple[str | None, ...]
    source: Any
    attributes: dict[str, Any]

    def parts(self, grid: Sequence[int]) -> Iterator[tuple[boxes.Where, Any]]:
        """Each part, and its values; a chunk is read once, however many there are."""
        shape, dtype = self.source.shape, self.source.dtype
        target = _TEXTS if dtype.kind in "OT" else _BYTES // max(1, dtype.itemsize)
        if math.prod(grid) > max(2 * math.prod(shape), _CHUNK):
            raise CommandError(f"{self.path}/{self.place} is in chunks much larger than itself")
        box = boxes.grown([max(1, step) for step in grid], shape, target)
        for where in boxes.cut(tuple(slice(0, n) for n in shape), shape, box):
            with told(f"read {self.path}/{self.place}"):
                yield where, self._read(where)

    def _read(self, where: boxes.Where) -> NDArray[Any]:
        texts = getattr(self.source, "asstr", None)
        source = texts() if texts and self.source.dtype.kind == "O" else self.source
        held = source[where] if where else source[()]
        return np.asarray(held, object if self.source.dtype.kind in "OT" else None)


# What is at a place in a file, or nothing.
Look = Callable[[str], Coordinate | None]


def find(
    array: Coordinate, shape: Sequence[int], groups: Sequence[Mapping[str, Any]], look: Look
) -> list[Coordinate]:
    """The coordinates of an array; `groups` are the attributes of those it lies in."""
    names = [*array.dims, *_names(array, array.attributes, "coordinates")]
    for attributes in groups:
        names += _names(array, attributes, "coordinates")
    sizes: dict[str | None, int] = dict(zip(array.dims, shape, strict=False))
    found: dict[str, Coordinate] = {}

    def take(near: Coordinate, name: str | None, *, more: int) -> None:
        held = _nearest(near, name, look)
        if held is None or held.place == array.place or not _fits(held, sizes, more):
            return
        found.setdefault(held.place, held)

    for name in dict.fromkeys(names):
        take(array, name, more=0)
    for held in list(found.values()):
        for name in _names(held, held.attributes, "bounds", "climatology"):
            take(held, name, more=1)
    for name in _names(array, array.attributes, "grid_mapping"):
        take(array, name, more=1)
    return list(found.values())


def _names(array: Coordinate, attributes: Mapping[str, Any], *which: str) -> list[str]:
    """The names that attributes hold; those of a mapping may end with a colon."""
    texts = [_text(attributes.get(attribute)) for attribute in which]
    names = [name.rstrip(":") for text in texts for name in text.split()]
    if len(names) > MOST:
        raise CommandError(
            f"{array.path}/{array.place} has {len(names):,} coordinates, {MOST:,} at most"
        )
    return names


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    return value if isinstance(value, str) else ""


def _nearest(near: Coordinate, name: str | None, look: Look) -> Coordinate | None:
    """What has a name in the group of an array, or in the next one above that has it."""
    if not name or name[0] == "." or name == "zarr.json" or set(name) & {"/", "\\", "\0"}:
        return None  # no name within a group
    folders = near.place.split("/")[:-1]
    for depth in range(len(folders), -1, -1):
        if (held := look("/".join([*folders[:depth], name]))) is not None:
            return held
    return None


def _fits(held: Coordinate, sizes: dict[str | None, int], more: int) -> bool:
    """Whether its dims are those of the scanned array, and as long, but for so many `more`."""
    shape, dims = held.source.shape, held.dims
    if len(dims) != len(shape) or not all(dims):
        return False
    if held.source.dtype == "S1" and len(dims) > 1:
        more += 1  # letters of a text
    new = [dim for dim in dims if dim not in sizes]
    return len(new) <= more and all(
        n == sizes[dim] if dim in sizes else n <= _MORE for dim, n in zip(dims, shape, strict=True)
    )
