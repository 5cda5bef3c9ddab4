"""Zarr arrays, in a folder or at any URL that fsspec knows: sharded, compressed, of any chunks.

Boxes are read and written chunk by chunk (shard by shard) on some threads, because zarr needs more
memory for a box of many chunks, and a copy of each.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cumsum.console import CommandError
from cumsum.files import boxes, own, zarr_coordinates, zarr_remote
from cumsum.files.attributes import check_missing, check_packing, missing_values
from cumsum.files.coordinates import Coordinate
from cumsum.files.disks import flush_disk
from cumsum.files.failures import refuse, told
from cumsum.files.places import ROOTS
from cumsum.files.store import Choice, Spec, Where, is_url
from cumsum.files.zarr_like import (
    create_like,
    dims_of,
    finish_requests,
    library,
    quiet,
    with_fill_value,
)
from cumsum.files.zarr_members import find_array, named
from cumsum.threads import get_num_threads

FOLDER = ATTRIBUTES = True

# A chunk of this size keeps a thread busy for longer than the call takes; smaller ones go together.
TASK_BYTES = 1 << 20
# A chunk, its compressed bytes, and a copy of either.
COPIES = 3
# How many requests a distant store has at a time.
REQUESTS = 16


class Zarr:
    """An array of zarr."""

    in_order = False
    beside = 0

    def __init__(
        self, array: Any, path: str, member: str, name: str = "", group: Any = None
    ) -> None:
        self.array, self.path, self.member, self.group = array, path, member, group
        self.name = name or path  # the one to tell
        self.shape: tuple[int, ...] = array.shape
        self.dtype: np.dtype[Any] = array.dtype
        self.grid = tuple(max(1, extent) for extent in array.shards or array.chunks)
        self.chunks: tuple[int, ...] = array.chunks  # of a shard, too
        self.order = _order(array)
        self.dims = dims_of(array)
        self.attributes: dict[str, Any] = dict(array.attrs)
        self._missing = missing_values(with_fill_value(array), self.dtype)
        self._box = boxes.grown(self.grid, self.shape, TASK_BYTES // max(1, self.dtype.itemsize))
        self._threads = REQUESTS if is_url(path) else get_num_threads()
        self._pool: ThreadPoolExecutor | None = None

    @functools.cached_property
    def groups(self) -> list[tuple[str, dict[str, Any]]]:
        """The groups it lies in, from the root, and their attributes."""
        with told(f"read {self.path}"):
            if self.group is None:
                return []
            return zarr_coordinates.groups_of(self.group, self.member)

    @functools.cached_property
    def coordinates(self) -> list[Coordinate]:
        """What else in its groups xarray would call its coordinates."""
        if self.group is None:
            return []
        with told(f"read {self.path}"), quiet():
            return zarr_coordinates.find_coordinates(
                self.path, self.group, self.member, self.array, functools.partial(_check, self.path)
            )

    def limit(self, memory: int) -> int:
        """Take no more than so many bytes beside those of the boxes; what it takes, at least."""
        parts = [self._box, self.grid]
        if self.array.read_only:  # of a shard some chunks can be read, but not written
            parts.append(self.array.chunks)
        sizes = [COPIES * math.prod(part) * self.dtype.itemsize for part in parts]
        fitting = [i for i, size in enumerate(sizes) if size <= memory]
        chosen = fitting[0] if fitting else len(parts) - 1
        self._box, size = parts[chosen], max(1, sizes[chosen])
        self._threads = max(1, min(self._threads, memory // size))
        return int(self._threads * size)

    def read(self, where: Where, out: NDArray[Any]) -> None:
        """Read a box; chunks that the store does not have are the fill value, as zarr defines."""
        wrap = library("zarr.buffer.cpu").NDBuffer.from_numpy_array

        def work(part: Where) -> None:
            place = out[boxes.within(part, where)]
            self.array.get_basic_selection(part, out=wrap(place))
            check_missing(self.path, place, self._missing)

        with told(f"read {self.name}"):
            self._each(where, work)

    def write(self, where: Where, values: NDArray[Any]) -> None:
        """Write a box."""

        def work(part: Where) -> None:
            self.array[part] = values[boxes.within(part, where)]

        with told(f"write {self.name}"):
            self._each(where, work)

    def _each(self, where: Where, work: Callable[[Where], None]) -> None:
        """Do the work for each part of a box; after an error, finish what is under way."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, "cumsum-zarr")
        parts = boxes.cut(where, self.shape, self._box)
        futures = [self._pool.submit(work, part) for part in parts]
        try:
            for future in futures:
                future.result()
        except BaseException:
            for future in futures:
                future.cancel()
            wait(futures)
            finish_requests()
            raise

    def sync(self) -> None:
        """Wait for the disk; a distant store has taken what it was given."""
        if not is_url(self.path):
            flush_disk(self.path)

    def close(self) -> None:
        """Let go."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _order(array: Any) -> tuple[int, ...]:
    """The dims of a chunk as they lie."""
    dims = tuple(range(array.ndim))
    if array.metadata.zarr_format == 2:
        return dims[::-1] if array.order == "F" else dims
    for codec in reversed(array.filters):
        if type(codec).__name__ == "TransposeCodec":
            dims = tuple(codec.order)
    return dims


def open_input(path: str, choice: Choice) -> Zarr:
    """Open an array, or the one `choice.member` names in a group."""
    refuse(path, column=choice.columns)
    with told(f"read {path}"), quiet():
        _check(path)
        group, node, member = find_array(library("zarr"), path, (choice.member or "").strip("/"))
        if node.dtype.kind not in "biufc":
            raise CommandError(f"{named(path, member)} holds {node.dtype}, which has no sum")
        check_packing(named(path, member), node.attrs, node.dtype)
        return Zarr(node, path, member, group=group)


def _check(path: str, member: str = "") -> None:
    """Refuse a folder whose metadata are no files: to read a pipe would never end."""
    for root in () if is_url(path) else ROOTS:
        place = Path(path, member, root)
        if place.exists() and not place.is_file():
            raise CommandError(f"{path} is no zarr array or group: {place} is no regular file")


def create(path: str, spec: Spec) -> Zarr:
    """Create an array like the input, in a group with its coordinates if it has such."""
    member = _member_of(spec)
    with told(f"write {spec.name}"), quiet():
        if is_url(path):
            zarr_remote.clear(path)
        try:
            array = _create_all(path, member, spec) if member else create_like(path, "", spec)
        except BaseException:
            if is_url(path):
                zarr_remote.hide(path)
                zarr_remote.discard(path)
            raise
        if is_url(path):
            zarr_remote.hide(path)
        return Zarr(array, path, member, spec.name)


def _create_all(path: str, member: str, spec: Spec) -> Any:
    """Create the groups, the array and its coordinates; at a URL the root is hidden meanwhile."""
    like: Any = spec.like
    root = zarr_coordinates.write_groups(path, like)
    if is_url(path):
        zarr_remote.hide(path)
    array = create_like(path, member, spec)
    zarr_coordinates.write_coordinates(root, like.coordinates)
    if is_url(path):
        zarr_remote.publish(path)
    zarr_coordinates.consolidate(root, like)
    return array


def _member_of(spec: Spec) -> str:
    """The name of the array in its group; a group is made where the input has one or needs one."""
    like: Any = spec.like
    if isinstance(like, Zarr):
        return like.member
    return like.member.strip("/") if getattr(like, "coordinates", ()) else ""


def reopen(path: str, spec: Spec) -> Zarr:
    """Open the array that `create` made, and remove chunks that were half written."""
    member = _member_of(spec)
    for left in Path(path).rglob("*.partial"):
        own.forget(left)
    with told(f"write {spec.name}"), quiet():
        array = library("zarr").open_array(path, path=member, mode="r+")
        array = array.with_config({"write_empty_chunks": True})
        return Zarr(array, path, member, spec.name)


def exists(url: str) -> bool:
    """Whether an output would replace something."""
    with told(f"read {url}"):
        return zarr_remote.exists(url)


def publish(url: str) -> None:
    """Let an output at a URL be seen."""
    with told(f"write {url}"):
        zarr_remote.publish(url)


def discard(url: str) -> None:
    """Remove what was being written to a URL."""
    zarr_remote.discard(url)
