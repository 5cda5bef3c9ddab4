"""Plain files: .npy, and raw files that are elements alone."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cumsum.console import CommandError, count, require
from cumsum.files import npy_header, own
from cumsum.files.outputs import claim
from cumsum.files.store import Choice, Spec, Where, checked_shape, suffix_of

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

# Pages that are not in the cache of the system are dropped as soon as they are read or written.
# A file larger than memory gains nothing by it, and pushes out all else that is there; and what is
# written is on its way to the disk at once. Linux 6.14 and newer. 1 GB beside `cp` and `sync`, that
# take 0.6 to 3.0 s: 0.6 to 0.9 s with it, 1.2 to 5 s without, as fresh pages of memory are slow.
DONT_CACHE = 0x80
UNKNOWN_FLAG = {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}

# Runs of a box at least this long are read by several threads: the system does not see what comes
# next. 512 MB in runs of 1 MB, cold: 0.4 to 0.5 s by four, 0.8 to 1.3 s by one.
SCATTERED = 64 << 10
READERS = 4

# An output in another order than its input is written in runs of at least so many elements, through
# the cache: 60 MB in 0.2 s; past it 1.5 s, and 0.06 s in the order of the input.
RUN_ELEMENTS = 512


class PlainStore:
    """Elements side by side in a file, in C or Fortran order, from the byte `offset` on."""

    in_order = False

    def __init__(
        self,
        fd: int,
        path: str,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        *,
        order: tuple[int, ...] | None = None,
        offset: int = 0,
    ) -> None:
        self.shape, self.dtype = shape, dtype
        self.grid = (1,) * len(shape)
        self.order = tuple(range(len(shape))) if order is None else order
        self.fd, self._path, self._offset = fd, path, offset
        self._flags = DONT_CACHE
        self._pool: ThreadPoolExecutor | None = None

    beside = 0
    unread = 0  # elements of a raw file after those of its shape

    @property
    def span(self) -> tuple[int, int]:
        """The bytes of the file that its elements are, from the first to after the last."""
        return self._offset, self._offset + math.prod(self.shape) * self.dtype.itemsize

    def limit(self, _memory: int) -> int:
        """Nothing is taken beside the boxes."""
        return 0

    def read(self, where: Where, out: NDArray[Any]) -> None:
        """Read a box."""
        lying = out.transpose(self.order)
        held = lying if lying.flags.c_contiguous else np.empty(lying.shape, self.dtype)
        runs = list(self._runs(where, bytes_of(held)))
        if len(runs) > 1 and len(runs[0][1]) >= SCATTERED:
            list(self._readers().map(self._read_run, *zip(*runs, strict=True)))
        else:
            for place, part in runs:
                self._read_run(place, part)
        if held is not lying:
            lying[...] = held

    def _readers(self) -> ThreadPoolExecutor:
        """Threads that read at the same time."""
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(READERS, "cumsum reader")
        return self._pool

    def _read_run(self, place: int, memory: memoryview) -> None:
        while memory:
            done = self._call(os.preadv, memory, place)
            if not done:
                size = count(os.fstat(self.fd).st_size, "byte")
                raise CommandError(
                    f"{self._path} became shorter while it was read: {size} are left"
                )
            place, memory = place + done, memory[done:]

    def write(self, where: Where, values: NDArray[Any]) -> None:
        """Write a box."""
        lying = np.asarray(values, self.dtype).transpose(self.order)  # in the file's byte order
        for place, part in self._runs(where, bytes_of(lying)):
            self._write_run(place, part)

    def _write_run(self, place: int, memory: memoryview) -> None:
        while memory:
            done = self._call(os.pwritev, memory, place)
            place, memory = place + done, memory[done:]

    def _call(self, function: Callable[..., int], memory: memoryview, place: int) -> int:
        """Read or write, past the cache of the system where that can be asked for."""
        if not self._flags:
            return function(self.fd, [memory], place)
        try:
            return function(self.fd, [memory], place, self._flags)
        except OSError as error:
            if error.errno not in UNKNOWN_FLAG:
                raise
            self._flags = 0
            return function(self.fd, [memory], place)

    def _runs(self, where: Where, memory: memoryview) -> Iterator[tuple[int, memoryview]]:
        """Where each run of neighbours begins in the file, and its part of a box in memory."""
        ranges = [where[dim].indices(self.shape[dim])[:2] for dim in self.order]
        sizes = [self.shape[dim] for dim in self.order]
        strides = [math.prod(sizes[i + 1 :]) * self.dtype.itemsize for i in range(len(sizes))]
        start = self._offset + sum(a * s for (a, _), s in zip(ranges, strides, strict=True))
        cut = len(sizes)  # the dims from here on are read in one run
        while cut and ranges[cut - 1] == (0, sizes[cut - 1]):
            cut -= 1
        cut = max(cut - 1, 0)
        extents = [b - a for a, b in ranges]
        length = math.prod(extents[cut:]) * self.dtype.itemsize
        if not length:
            return
        for i, index in enumerate(np.ndindex(*extents[:cut])):
            place = start + sum(k * s for k, s in zip(index, strides[:cut], strict=True))
            yield place, memory[i * length : (i + 1) * length]

    def sync(self) -> None:
        """Wait for the disk."""
        os.fsync(self.fd)

    def close(self) -> None:
        """Close the file."""
        if self._pool is not None:
            self._pool.shutdown()
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


def bytes_of(values: NDArray[Any]) -> memoryview:
    """The memory of an array in C order, or that of a copy."""
    lying: Any = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
    return memoryview(lying)


def open_input(path: str, choice: Choice) -> PlainStore:
    """Open a .npy file, or a raw one of the dtype and shape of `choice`."""
    return _open(path, choice, os.O_RDONLY)


def open_update(path: str, choice: Choice) -> PlainStore:
    """Open a file to read from it and write to it."""
    return _open(path, choice, os.O_RDWR)


def _open(path: str, choice: Choice, flags: int) -> PlainStore:
    if choice.member is not None or choice.columns:
        raise CommandError(f"{path} holds one array: there is no member or column to choose")
    return (open_npy if suffix_of(path) == ".npy" else open_raw)(path, choice, flags)


def open_npy(path: str, choice: Choice, flags: int) -> PlainStore:
    """Open a .npy file."""
    fd = os.open(path, flags | os.O_CLOEXEC)
    try:
        header = npy_header.read_header(fd, path)
        dtype = _named_or_held(path, choice, header.dtype)
    except BaseException:
        os.close(fd)
        raise
    order = tuple(range(len(header.shape)))
    if header.is_fortran:
        order = order[::-1]
    return PlainStore(fd, path, header.shape, dtype, order=order, offset=header.offset)


def _named_or_held(path: str, choice: Choice, held: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype that was given for elements whose own has no name, or their own."""
    dtype = held if choice.dtype is None else named_dtype(choice.dtype)
    if dtype.itemsize != held.itemsize:
        raise CommandError(f"{path} holds {held}, not {choice.dtype}")
    return dtype


def open_raw(path: str, choice: Choice, flags: int) -> PlainStore:
    """Open a file of elements alone; without a shape it is 1-D and as long as the file."""
    if choice.dtype is None:
        raise CommandError(f"{path}: a raw file needs --raw-dtype")
    dtype = named_dtype(choice.dtype)
    if dtype.kind not in "biufc" and dtype.name != "bfloat16":
        raise CommandError(f"--raw-dtype {choice.dtype} has no sum")
    size = Path(path).stat().st_size
    held, rest = divmod(size - choice.offset, dtype.itemsize)
    shape = choice.shape
    if choice.offset < 0 or held < 0:
        raise CommandError(f"--raw-offset {choice.offset} is not within {path}: {size} bytes")
    if shape is None:
        if rest:
            whole = f"{size - choice.offset} bytes are not a whole number of {choice.dtype}"
            raise CommandError(f"{path}: {whole}; give --raw-shape")
        shape = (held,)
    if math.prod(checked_shape(path, shape, dtype.itemsize)) > held:
        wanted = f"{count(size, 'byte')} are fewer than {choice.dtype} of shape {shape} take"
        raise CommandError(f"{path} is truncated: {wanted}")
    fd = os.open(path, flags | os.O_CLOEXEC)
    store = PlainStore(fd, path, shape, dtype, offset=choice.offset)
    store.unread = held - math.prod(shape)
    return store


def named_dtype(name: Any) -> np.dtype[Any]:
    """A dtype by its name, bfloat16 among them where ml_dtypes is installed."""
    try:
        known = require("ml_dtypes", "bfloat16").bfloat16 if name == "bfloat16" else name
        dtype: np.dtype[Any] = np.dtype(known)
    except (TypeError, ValueError, SyntaxError):  # "a,b" and its like
        raise CommandError(f"{name} is not the name of a dtype") from None
    return dtype


def create(path: str, spec: Spec) -> PlainStore:
    """Create a file and claim its space, so that a full disk is known now."""
    head = _header_of(spec)
    store = _stored(path, spec, own.create(path, 0o666), len(head))
    try:
        claim(store.fd, store.span[1])
        os.pwrite(store.fd, head, 0)
    except BaseException:
        store.close()
        raise
    return store


def reopen(path: str, spec: Spec) -> PlainStore:
    """Open the file that `create` made."""
    return _stored(path, spec, own.open_found(path, os.O_RDWR), len(_header_of(spec)))


def _header_of(spec: Spec) -> bytes:
    return npy_header.header_of(spec) if suffix_of(spec.name) == ".npy" else b""


def _stored(path: str, spec: Spec, fd: int, start: int) -> PlainStore:
    if start:
        order = spec.like.order
        return PlainStore(fd, path, spec.shape, spec.dtype, order=order, offset=start)
    store = PlainStore(fd, path, spec.shape, spec.dtype)  # nothing in it says another order than C
    if store.order != spec.like.order:
        store._flags = 0  # short runs would go to the disk one by one
        store.grid = (*store.grid[:-1], min(RUN_ELEMENTS, max(1, spec.shape[-1])))
    return store
