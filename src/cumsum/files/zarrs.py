"""Zarr arrays, in a folder or at any URL that fsspec knows: sharded, compressed, of any chunks.

Boxes are read and written chunk by chunk (shard by shard) on some threads, because zarr needs more
memory for a box of many chunks, and a copy of each.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cumsum.console import CommandError
from cumsum.files import boxes, own, zarr_remote
from cumsum.files.attributes import check_missing, check_packing, missing_values
from cumsum.files.disks import flush_disk
from cumsum.files.failures import among, refuse, told
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

    def __init__(self, array: Any, path: str, member: str, name: str = "") -> None:
        self.array, self.path, self.member = array, path, member
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
        _check_metadata(path)
        node, member = _node(library("zarr"), path, (choice.member or "").strip("/"))
        if node.dtype.kind not in "biufc":
            raise CommandError(f"{_named(path, member)} holds {node.dtype}, which has no sum")
        check_packing(_named(path, member), node.attrs, node.dtype)
        return Zarr(node, path, member)


def _check_metadata(path: str) -> None:
    """Refuse a folder whose metadata are no files: to read a pipe would never end."""
    for root in () if is_url(path) else ROOTS:
        place = Path(path, root)
        if place.exists() and not place.is_file():
            raise CommandError(f"{path} is no zarr array or group: {place} is no regular file")


def _node(zarr: Any, path: str, member: str) -> tuple[Any, str]:
    """The array, and its name in its group."""
    node = _open(zarr, path)
    if isinstance(node, zarr.Group):
        member = member or _only_member(zarr, path, node)
        return _member(zarr, path, node, member), member
    if member:
        raise CommandError(f"{path} is one array, without members: leave out --member")
    return node, ""


def _named(path: str, member: str) -> str:
    return f"{path}/{member}" if member else path


def _open(zarr: Any, path: str) -> Any:
    if not is_url(path) and not Path(path).exists():
        raise CommandError(f"{path}: no such file")
    with told(f"read {path}"):
        try:
            return zarr.open(path, mode="r")
        except FileNotFoundError:
            raise CommandError(f"{path} is no zarr array or group") from None


def _arrays(zarr: Any, group: Any) -> list[str]:
    """The names of all arrays below a group, or none where its store cannot tell."""
    with contextlib.suppress(Exception):
        members = group.members(max_depth=None)
        return sorted(name for name, node in members if isinstance(node, zarr.Array))
    return []


def _only_member(zarr: Any, path: str, group: Any) -> str:
    names = _arrays(zarr, group)
    if len(names) != 1:
        held = f"{len(names)} arrays" if names else "no arrays that can be listed"
        raise CommandError(f"{path} holds {held}: choose --member{among(names)}")
    return names[0]


def _member(zarr: Any, path: str, group: Any, member: str) -> Any:
    with told(f"read {path}"), contextlib.suppress(KeyError, FileNotFoundError):
        node = group[member]
        if isinstance(node, zarr.Array):
            return node
    raise CommandError(f"{path} has no array {member!r}{among(_arrays(zarr, group))}")


def create(path: str, spec: Spec) -> Zarr:
    """Create an array like the input; one of a group has the same name in a group of its own."""
    member = spec.like.member if isinstance(spec.like, Zarr) else ""
    with told(f"write {spec.name}"), quiet():
        if is_url(path):
            zarr_remote.clear(path)
        store = Zarr(create_like(path, member, spec), path, member, spec.name)
        if is_url(path):
            zarr_remote.hide(path)
    return store


def reopen(path: str, spec: Spec) -> Zarr:
    """Open the array that `create` made, and remove chunks that were half written."""
    member = spec.like.member if isinstance(spec.like, Zarr) else ""
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
