"""When HDF5 writes its index of the chunks: when it is told to, and at no other time.

Chunks are written at the end of the file, each once, and the index stays in memory. So the file on
the disk is as the last `flush` left it, with bytes after that which nothing speaks of: a process
may be killed at any other time, and another one goes on. `Marker` tells if it died within `flush`.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cumsum.files import own
from cumsum.files.own import ForeignError

BOOT = Path("/proc/sys/kernel/random/boot_id")
WHOLE, WRITING = b"whole", b"writing"
STATE_BYTES = 64  # no state is longer


def keep_in_memory(file: Any) -> None:
    """Let HDF5 write nothing of its index but in `flush`."""
    config = file.id.get_mdc_config()
    config.incr_mode = config.flash_incr_mode = config.decr_mode = 0
    config.evictions_enabled = False
    file.id.set_mdc_config(config)


def abandon(file: Any) -> None:
    """Close a file as the last `flush` left it; what HDF5 still holds goes nowhere.

    Where a disk is full it could not be written, and HDF5 crashes some time after a failed close.
    """
    with tempfile.TemporaryFile() as nowhere:
        os.dup2(nowhere.fileno(), file.id.get_vfd_handle())
    with contextlib.suppress(RuntimeError, OSError):
        file.close()


class Marker:
    """A small file beside the output that says whether the index on the disk is whole."""

    def __init__(self, path: str) -> None:
        self.path = Path(path.removesuffix(".partial") + ".flushing")

    def is_whole(self) -> bool:
        """Whether the index in the file cannot be half written; without a marker it was closed."""
        try:
            return own.read(self.path, STATE_BYTES) in {WHOLE, _boot()}
        except FileNotFoundError:
            return True
        except ForeignError:
            return False

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Mark the index as half written while the block writes it."""
        self._set(WRITING, sync=True)
        yield
        self._set(_boot())  # whole as long as this machine runs

    def _set(self, state: bytes, *, sync: bool = False) -> None:
        fd = own.open_or_create(self.path)
        try:
            os.pwrite(fd, state, 0)
            os.ftruncate(fd, len(state))
            if sync:
                os.fsync(fd)
        finally:
            os.close(fd)

    def written(self) -> None:
        """Mark the index as whole on the disk."""
        self._set(WHOLE)

    def remove(self) -> None:
        """The file is closed."""
        own.forget(self.path)


def _boot() -> bytes:
    """A name for the time since this machine was started."""
    try:
        return BOOT.read_bytes()
    except OSError:
        return b"started"
