"""Files that are found by their names, in folders that others may write to.

At such a name may be a link to something precious, a pipe that never ends, or a file that was made
to look like one of ours. So what is new is created where nothing is; what is there is opened
without following a link or waiting for a writer, and looked at before a byte of it is read.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cumsum.console import CommandError

FOUND = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

# What lies beside an input or an output says something of its values.
PRIVATE = 0o600

PROBLEMS = {
    errno.ELOOP: "a link",
    errno.ENXIO: "a pipe or a socket",
    errno.EISDIR: "a directory",
    errno.EEXIST: "of another process",
    errno.EACCES: "of another user",
    errno.EPERM: "of another user",
}


class ForeignError(CommandError):
    """What lies at a name of ours is not ours."""

    def __init__(self, path: str | Path, what: str) -> None:
        super().__init__(f"{path} is in the way, it is {what}: remove it")


def create(path: str | Path, rights: int = PRIVATE) -> int:
    """Create a file where nothing is."""
    with _told(path):
        return os.open(path, NEW, rights)


def open_found(path: str | Path, flags: int = os.O_RDONLY, *, folder: bool = False) -> int:
    """Open a file of this user that has no other name, or also a folder of this user.

    Raises `ForeignError` if anything else is there, FileNotFoundError if nothing is.
    """
    with _told(path):
        fd = os.open(path, flags | FOUND)
    problem = _problem(os.fstat(fd), os.path.dirname(path) or ".", folder)  # noqa: PTH120
    if problem:
        os.close(fd)
        raise ForeignError(path, problem)
    return fd


def open_or_create(path: str | Path) -> int:
    """Open a file of this user to write to it, or create it."""
    try:
        return open_found(path, os.O_RDWR)
    except FileNotFoundError:
        return create(path)


def read(path: str | Path, limit: int) -> bytes | None:
    """What is in a file of this user; None if that is more than `limit` bytes."""
    with open(open_found(path), "rb") as file:
        content = file.read(limit + 1)
    return content if len(content) <= limit else None


def replace(path: Path, parts: Iterable[Any], new: Path | None = None) -> None:
    """Give a file a name when it is on the disk, in the place of an older one.

    It is written to `new`, by default PATH.new.
    """
    new = path.with_name(f"{path.name}.new") if new is None else new
    remove(new)
    fd = create(new)
    try:
        with open(fd, "wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        with _told(path):
            new.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


def remove(path: Path) -> None:
    """Remove what has a name that is needed, whatever it is: links are not followed."""
    with _told(path):
        path.unlink(missing_ok=True)


def forget(path: Path) -> None:
    """Remove a file of this user; leave all else that has its name."""
    with contextlib.suppress(OSError, ForeignError):
        os.close(open_found(path))
        path.unlink()


def owns_folder(path: Path) -> bool:
    """Whether a name is that of a folder of this user."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and _is_user(status.st_uid, str(path.parent))


@contextlib.contextmanager
def _told(path: str | Path) -> Any:
    """Say of some errors that a name is taken."""
    try:
        yield
    except OSError as error:
        if error.errno in PROBLEMS:
            raise ForeignError(path, PROBLEMS[error.errno]) from error
        raise


def _problem(status: os.stat_result, parent: str, folder: bool) -> str:
    """What is wrong with what was opened, if anything is."""
    if not stat.S_ISREG(status.st_mode) and not (folder and stat.S_ISDIR(status.st_mode)):
        return PROBLEMS[errno.EISDIR] if stat.S_ISDIR(status.st_mode) else "no regular file"
    if not _is_user(status.st_uid, parent):
        return PROBLEMS[errno.EPERM]
    if stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
        return "a file with several names"
    return ""


def _is_user(owner: int, parent: str) -> bool:
    return owner == os.geteuid() or owner == _owner_of_new(parent, os.geteuid())


@functools.lru_cache(maxsize=16)
def _owner_of_new(folder: str, _user: int) -> int:
    """Whose a file is that this process creates in a folder.

    Some file systems (of other machines, or of other systems) say the same of all files.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            return os.fstat(file.fileno()).st_uid
    except OSError:
        return -1
