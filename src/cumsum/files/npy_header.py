"""What stands before the elements of a .npy file; anyone may have written it."""

from __future__ import annotations

import io
import math
import os
import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.lib import format as npy

from cumsum.console import CommandError, count
from cumsum.files.failures import reason
from cumsum.files.store import Spec, checked_shape

# NumPy reads no longer header; before it come a magic string, a version and its length.
HEADER_BYTES = 10_000
BEFORE = 12


class Header(NamedTuple):
    """What a .npy file holds, and where."""

    shape: tuple[int, ...]
    is_fortran: bool
    dtype: np.dtype[Any]
    offset: int


def read_header(fd: int, path: str) -> Header:
    """Read the header of an open file, which is as long as that says, or longer."""
    problem = f"{path} is not a .npy file that can be read"
    start = os.pread(fd, BEFORE + HEADER_BYTES, 0)
    return checked_header(path, problem, start, os.fstat(fd).st_size)


def checked_header(path: str, problem: str, content: bytes, size: int) -> Header:
    """The header that content of so many bytes starts with; what it promises is there."""
    start = io.BytesIO(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read = {1: npy.read_array_header_1_0}.get(_version(start), npy.read_array_header_2_0)
            shape, is_fortran, dtype = read(start, max_header_size=HEADER_BYTES)
    except Exception as error:  # the header is an expression of any kind
        raise CommandError(f"{problem}: {reason(error)}") from error
    header = Header(checked_shape(path, shape, dtype.itemsize), is_fortran, dtype, start.tell())
    if header.offset + math.prod(header.shape) * dtype.itemsize > size:
        fewer = f"{count(size, 'byte')} are fewer than its header promises"
        raise CommandError(f"{problem}: it is truncated: {fewer}")
    return header


def _version(file: io.BytesIO) -> int:
    major, minor = npy.read_magic(file)
    if (major, minor) not in {(1, 0), (2, 0), (3, 0)}:
        raise ValueError(f"it is of version {major}.{minor}")
    return major


def header_of(spec: Spec) -> bytes:
    """What stands before the elements of an output."""
    ndim = len(spec.shape)
    header = {
        "descr": npy.dtype_to_descr(spec.dtype),
        "fortran_order": ndim > 1 and spec.like.order == tuple(range(ndim))[::-1],
        "shape": spec.shape,
    }
    file = io.BytesIO()
    npy.write_array_header_1_0(file, header)
    return file.getvalue()
