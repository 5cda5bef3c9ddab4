"""What a disk is asked for besides reading and writing."""

from __future__ import annotations

import contextlib
import ctypes
import os
from pathlib import Path


def flush_disk(path: str) -> None:
    """Return when all that was written to the file system of `path` is on its disk.

    One call serves the thousands of files that chunks are written to.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
        if syncfs is None:
            os.sync()
        elif syncfs(fd):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), path)
    finally:
        os.close(fd)


def flush_file(path: str) -> None:
    """Return when all that was written to a file is on its disk."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder outlive a crash of the machine."""
    with contextlib.suppress(OSError):
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
