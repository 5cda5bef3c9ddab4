"""Outputs that appear whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from cumsum.console import CommandError


def check_output(path: Path, source: Path | None, *, force: bool) -> None:
    """Refuse, before any work, an output that could not or must not be written."""
    if not path.parent.is_dir():
        raise CommandError(f"cannot write {path}: no such directory {path.parent}")
    if path.is_dir():
        raise CommandError(f"cannot write {path}: it is a directory")
    if not path.exists():
        return
    if not path.is_file():
        raise CommandError(f"cannot write {path}: it is not a regular file")
    if source is not None and source.exists() and path.samefile(source):
        raise CommandError(f"the output {path} is the input")
    if not force:
        raise CommandError(f"{path} exists; give --force to replace it")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Yield a new file that takes the name `path` when the block ends well, and vanishes if not.

    The file is `.NAME.RANDOM.partial` beside the output. The writer holds a lock on it, which ends
    with the process however that ends: a partial file that can be locked was left by a dead
    process, and the next run to the same output removes it.
    """
    path = path.resolve()
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        remove_abandoned(path)
        with open(partial, "x+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield file
            file.flush()
            os.fsync(file.fileno())
            partial.replace(path)
    except BaseException as error:  # an interrupt as well, wherever it comes
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise CommandError(f"cannot write {path}: {error.strerror or error}") from error
        raise


def remove_abandoned(path: Path) -> None:
    """Remove the partial files that dead processes left beside `path`."""
    for name in os.listdir(path.parent):  # noqa: PTH208 - a glob would need the name escaped
        if name.startswith(f".{path.name}.") and name.endswith(".partial"):
            with contextlib.suppress(OSError), (path.parent / name).open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                (path.parent / name).unlink()


def claim(fd: int, size: int) -> None:
    """Take `size` bytes of the disk, or fail now."""
    if not size:
        return
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, size)
        return
    zeros = bytes(1 << 20)
    for start in range(0, size, len(zeros)):
        os.pwrite(fd, zeros[: size - start], start)
