"""Chunks of HDF5, packed and unpacked here: shuffle, gzip, or neither.

HDF5 would do it under its one lock; what goes through that lock is the packed bytes.
"""

from __future__ import annotations

import math
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHUFFLE, GZIP = 2, 1


def codec_of(dataset: Any, dtype: np.dtype[Any]) -> Codec | None:
    """What packs the chunks of a dataset; None where HDF5 has to do it."""
    if dataset.chunks is None or math.prod(dataset.shape) == 0:
        return None
    properties = dataset.id.get_create_plist()
    filters = [properties.get_filter(i) for i in range(properties.get_nfilters())]
    known = [code for code, *_ in filters]
    if known not in ([], [SHUFFLE], [GZIP], [SHUFFLE, GZIP]) or not is_plain(dataset, dtype):
        return None
    level = filters[-1][2][0] if GZIP in known else None
    return Codec(dataset, dtype, shuffle=SHUFFLE in known, level=level)


def is_plain(dataset: Any, dtype: np.dtype[Any]) -> bool:
    """Whether the bytes of an element are those that NumPy has."""
    import h5py

    held, plain = dataset.id.get_type(), h5py.h5t.py_create(dtype, logical=True)
    return bool(held.equal(plain))


class Codec:
    """Packs and unpacks whole chunks; several threads may use it."""

    def __init__(
        self, dataset: Any, dtype: np.dtype[Any], *, shuffle: bool, level: int | None
    ) -> None:
        self._id = dataset.id
        self._file_size: int = dataset.file.id.get_filesize()
        self._chunk: tuple[int, ...] = dataset.chunks
        self._dtype = dtype
        self._shuffle = shuffle and dtype.itemsize > 1
        self._level = level

    def read(self, start: tuple[int, ...]) -> NDArray[Any] | None:
        """The chunk that begins there; None where HDF5 has to say what is in it."""
        info = self._id.get_chunk_info_by_coord(start)
        if info.byte_offset is None:
            return None
        if info.byte_offset + info.size > self._file_size:
            raise ValueError(f"the chunk at {start} lies past the end of the file")
        mask, packed = self._id.read_direct_chunk(start)
        if mask:  # a filter was left out
            return None
        size = math.prod(self._chunk) * self._dtype.itemsize
        data = packed if self._level is None else zlib.decompressobj().decompress(packed, size + 1)
        if len(data) != size:
            raise ValueError(f"the chunk at {start} has {len(data)} bytes, not {size}")
        values = np.frombuffer(data, np.uint8)
        if self._shuffle:
            values = np.ascontiguousarray(values.reshape(self._dtype.itemsize, -1).T)
        return values.reshape(-1).view(self._dtype).reshape(self._chunk)

    def write(self, start: tuple[int, ...], values: NDArray[Any]) -> None:
        """Write the chunk that begins there, of which the array may end before it does."""
        if values.shape != self._chunk:
            held = np.zeros(self._chunk, self._dtype)
            held[tuple(slice(0, n) for n in values.shape)] = values
            values = held
        data = np.ascontiguousarray(values, self._dtype).reshape(-1).view(np.uint8)
        if self._shuffle:
            data = np.ascontiguousarray(data.reshape(-1, self._dtype.itemsize).T).reshape(-1)
        packed = data.tobytes() if self._level is None else zlib.compress(data.data, self._level)
        self._id.write_direct_chunk(start, packed)
