"""HDF5 datasets and NetCDF variables, through h5py.

HDF5 does one thing at a time, so of chunks with the usual filters (shuffle, gzip) only the bytes
are moved through it, and packed and unpacked on some threads: see `hdf5_chunks`.

An output can be taken up after a crash: see `hdf5_index`.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cumsum.console import CommandError, require
from cumsum.files import boxes, hdf5_chunks, hdf5_coordinates, hdf5_index, hdf5_like
from cumsum.files.attributes import check_missing, check_packing, missing_values
from cumsum.files.coordinates import Coordinate
from cumsum.files.disks import flush_file
from cumsum.files.failures import among, refuse, told
from cumsum.files.hdf5_copies import dims_of, plain_attributes
from cumsum.files.store import Choice, Spec, Where
from cumsum.threads import get_num_threads

ATTRIBUTES = True

# A chunk, its packed bytes, and a copy of either.
COPIES = 3
# Where HDF5 packs, many small chunks are moved at once.
COPY_BYTES = 4 << 20


class HDF5:
    """A dataset of an HDF5 file."""

    in_order = False
    beside = 0

    def __init__(self, file: Any, member: str, path: str, name: str = "") -> None:
        self.file, self.member, self.path = file, member, path
        self.name = name or path  # the one to tell
        self.dataset = dataset = file[member]
        self.shape: tuple[int, ...] = dataset.shape
        self.dtype: np.dtype[Any] = np.dtype(dataset.dtype.str)
        if dataset.dtype.kind == "b":
            self.dtype = np.dtype(np.bool_)
        self.grid: tuple[int, ...] = dataset.chunks or (1,) * len(self.shape)
        self.order = tuple(range(len(self.shape)))
        self.dims = dims_of(dataset)
        self.attributes = plain_attributes(dataset)
        self._missing = missing_values(hdf5_like.with_fill_value(dataset, path), self.dtype)
        self._codec = hdf5_chunks.codec_of(dataset, self.dtype)
        self._box, self._threads = self.grid, get_num_threads()
        if self._codec is None:  # no more than one thread at a time, and a copy of what it moves
            self._box = boxes.grown(self.grid, self.shape, COPY_BYTES // self.dtype.itemsize)
            self._threads = 1
        self._pool: ThreadPoolExecutor | None = None
        self._marker = hdf5_index.Marker(path)
        self._whole = False  # on the disk

    @property
    def groups(self) -> list[tuple[str, dict[str, Any]]]:
        """The groups it lies in, from the root, and their attributes."""
        return hdf5_coordinates.groups_of(self.file, self.dataset.name)

    @functools.cached_property
    def coordinates(self) -> list[Coordinate]:
        """What else in the file xarray would call its coordinates."""
        with told(f"read {self.path}"):
            return hdf5_coordinates.find_coordinates(library(), self.path, self.dataset)

    def limit(self, memory: int) -> int:
        """Take no more than so many bytes beside those of the boxes; what it takes, at least."""
        element = COPIES * self.dtype.itemsize
        if self._codec is None:
            held = min(memory // element, COPY_BYTES // self.dtype.itemsize)
            self._box = boxes.grown(self.grid, self.shape, held)
        size = element * math.prod(self._box)
        self._threads = max(1, min(self._threads, memory // max(1, size)))
        return self._threads * size

    def read(self, where: Where, out: NDArray[Any]) -> None:
        """Read a box."""
        codec = self._codec

        def work(part: Where) -> None:
            place = out[boxes.within(part, where)]
            chunk = boxes.around(part, self.grid)
            held = None if codec is None else codec.read(tuple(c.start for c in chunk))
            place[...] = self.dataset[part] if held is None else held[boxes.within(part, chunk)]
            check_missing(self.path, place, self._missing)

        with told(f"read {self.name}"):
            self._each(where, work)

    def write(self, where: Where, values: NDArray[Any]) -> None:
        """Write a box."""
        codec, self._whole = self._codec, False

        def work(part: Where) -> None:
            held = values[boxes.within(part, where)]
            if codec is None or not self._is_whole(part):
                self.dataset[part] = held
            else:
                codec.write(tuple(p.start for p in part), held)

        with told(f"write {self.name}"):
            self._each(where, work)

    def _is_whole(self, part: Where) -> bool:
        """Whether a part of a chunk is all that the array has of it."""
        return all(
            p.start % step == 0 and p.stop == min(p.start + step, extent)
            for p, step, extent in zip(part, self.grid, self.shape, strict=True)
        )

    def _each(self, where: Where, work: Callable[[Where], None]) -> None:
        """Do the work for each chunk of a box; after an error, finish what is under way."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, "cumsum-hdf5")
        parts = boxes.cut(where, self.shape, self._box)
        futures = [self._pool.submit(work, part) for part in parts]
        try:
            for future in futures:
                future.result()
        except BaseException:
            for future in futures:
                future.cancel()
            wait(futures)
            raise

    def sync(self) -> None:
        """Write the index of the chunks, and wait for the disk."""
        with told(f"write {self.name}"):
            with self._marker.writing():
                self.file.flush()
            os.fsync(self.file.id.get_vfd_handle())
            self._marker.written()
        self._whole = True

    def close(self) -> None:
        """Close the file."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        if not self.file:
            return
        if self.file.mode == "r":
            self.file.close()
        elif not self._whole:
            hdf5_index.abandon(self.file)
        else:
            with told(f"write {self.name}"):
                self.file.close()
                flush_file(self.path)
                self._marker.remove()


def library() -> Any:
    """h5py, with the filters of hdf5plugin where that is installed."""
    with contextlib.suppress(ImportError):
        import hdf5plugin  # noqa: F401
    return require("h5py", "HDF5 and NetCDF", "files")


def open_input(path: str, choice: Choice) -> HDF5:
    """Open the dataset `choice.member` names, or the only one that holds numbers."""
    refuse(path, column=choice.columns)
    h5py = library()
    if not Path(path).is_file():
        raise CommandError(
            f"{path}: {'not a regular file' if Path(path).exists() else 'no such file'}"
        )
    with open(path, "rb") as file:
        if file.read(3) == b"CDF":
            raise CommandError(f"{path} is a classic NetCDF file; convert it: nccopy -k nc4")
    with told(f"read {path}"):
        held = h5py.File(path, "r", rdcc_nbytes=0)
    try:
        with told(f"read {path}"):
            member = _find(h5py, path, held, choice.member)
            _check_numbers(f"{path}{member}", held[member])
            return HDF5(held, member, path)
    except BaseException:
        held.close()
        raise


def _find(h5py: Any, path: str, file: Any, member: str | None) -> str:
    """The full name of a dataset."""
    names: list[str] = []

    def note(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset) and node.dtype.kind in "biufc":
            names.append(name)

    if member is not None:
        if isinstance(file.get(member), h5py.Dataset):
            return str(file[member].name)
        file.visititems(note)
        raise CommandError(f"{path} has no dataset {member!r}{among(names)}")
    file.visititems(note)
    variables = [name for name in names if not file[name].is_scale] if len(names) > 1 else names
    if len(variables) != 1:
        raise CommandError(f"{path} holds {len(names)} datasets: choose --member{among(names)}")
    return str(file[variables[0]].name)


def _check_numbers(name: str, dataset: Any) -> None:
    if dataset.dtype.kind not in "biufc" or dataset.shape is None:
        raise CommandError(f"{name} holds {dataset.dtype}, which has no sum")
    check_packing(name, dataset.attrs, dataset.dtype)


def create(path: str, spec: Spec) -> HDF5:
    """Create a file with one dataset like the input, and its coordinates."""
    h5py = library()
    with told(f"write {spec.name}"):
        file = h5py.File(path, "x", rdcc_nbytes=0, locking=False)
        try:
            hdf5_index.keep_in_memory(file)
            member = hdf5_like.create_like(h5py, file, spec)
            return HDF5(file, member, path, spec.name)
        except BaseException:
            hdf5_index.abandon(file)
            raise


def can_go_on(place: Path) -> bool:
    """Whether what a process left can be opened again: not if it died within `sync`."""
    return hdf5_index.Marker(str(place)).is_whole()


def reopen(path: str, spec: Spec) -> HDF5:
    """Open the file that `create` made."""
    h5py = library()
    with told(f"write {spec.name}"):
        file = h5py.File(path, "r+", rdcc_nbytes=0, locking=False)
        hdf5_index.keep_in_memory(file)
        return HDF5(file, hdf5_like.member_of(spec), path, spec.name)
