"""Outputs that appear whole or not at all.

An output is written to `.NAME.TOKEN.partial` beside it and takes its name when every byte is on the
disk. The writer holds a lock on that, which ends with the process however that ends: a partial file
(or folder) that can be locked was left by a dead process. A journal, `.NAME.TOKEN.journal`, may lie
beside it: then a run can go on with it. Any other run to the same output removes both.

What is found beside an output is looked at and removed only if it is this user's own: see `own`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from cumsum.console import CommandError
from cumsum.files import own
from cumsum.files.disks import sync_folder
from cumsum.files.halfway import Names, refuse_half_done
from cumsum.files.own import ForeignError
from cumsum.files.places import resolved

# What may lie beside a partial file, and is of no use without it.
LEFTOVERS = ("journal", "journal.new", "flushing", "made")


def check_output(path: Path, source: Path | None, *, force: bool, folder: bool = False) -> None:
    """Refuse, before any work, an output that could not or must not be written."""
    resolved(path)
    if not path.parent.is_dir():
        raise CommandError(f"cannot write {path}: no such directory {path.parent}")
    if path.is_dir() and not folder:
        raise CommandError(f"cannot write {path}: it is a directory")
    if not path.exists():
        return
    if not path.is_file() and not folder:
        raise CommandError(f"cannot write {path}: it is not a regular file")
    if source is not None and source.exists() and path.samefile(source):
        raise CommandError(f"the output {path} is the input")
    if not force:
        refuse_existing(path)
    refuse_half_done(path)


def refuse_existing(path: str | Path) -> None:
    """Refuse to replace what is there."""
    if Path(path).exists():
        raise CommandError(f"{path} exists; give --force to replace it")


class Partial:
    """What becomes the output `path`, until it does."""

    def __init__(self, path: Path, token: str | None = None) -> None:
        self.path = resolved(path)
        self.token = token or secrets.token_hex(4)
        self._lock = -1

    @property
    def place(self) -> Path:
        """Where it is written."""
        return self._beside("partial")

    @property
    def journal(self) -> Path:
        """Where its journal is."""
        return self._beside("journal")

    def _beside(self, suffix: str) -> Path:
        return self.path.with_name(f".{self.path.name}.{self.token}.{suffix}")

    def lock(self) -> bool:
        """Take the lock on what is there; False if another process has it.

        Raises `ForeignError` if that is not this user's.
        """
        if self._lock >= 0:
            return True
        lock = own.open_found(self.place, folder=True)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return False
        self._lock = lock
        return True

    def take(self) -> None:
        """Take the lock, which no other process can have."""
        if not self.lock():
            raise CommandError(f"cannot write {self.path}: another process took what is written")

    def release(self) -> None:
        """Give the lock back: another process may go on, or clean up."""
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)

    def make_folder(self) -> None:
        """Make a folder with a lock on it: another process may take a new one for an abandoned."""
        while True:
            self.place.mkdir()
            with contextlib.suppress(FileNotFoundError):
                if self.lock() and self.place.exists():
                    return
            self.release()
            self.token = secrets.token_hex(4)

    def publish(self, record: Sequence[Any] = ()) -> None:
        """Give it its name, and the rights of what had it before.

        `record`, parts of a file, tells which job made it: it is there before the name is.
        """
        names = Names(self.path)
        with contextlib.suppress(FileNotFoundError):
            os.fchmod(self._lock, stat.S_IMODE(self.path.stat().st_mode))
        if record:
            own.replace(names.made, record, self._beside("made"))
            sync_folder(self.path.parent)
        if self.path.is_dir():
            old = self._beside("old")
            self.path.rename(old)
            self.place.rename(self.path)
            shutil.rmtree(old, ignore_errors=True)
        else:
            self.place.replace(self.path)
        sync_folder(self.path.parent)
        own.forget(self.journal)
        own.forget(names.done)  # they speak of what had the name before
        if not record:
            own.forget(names.made)
        self.release()

    def discard(self) -> None:
        """Remove it, and its journal."""
        if own.owns_folder(self.place):
            shutil.rmtree(self.place, ignore_errors=True)
        own.forget(self.place)
        for leftover in map(self._beside, LEFTOVERS):
            own.forget(leftover)
        self.release()


def _beside(path: Path) -> list[tuple[Path, str, str]]:
    """What runs put beside the output `path`: each place, its token, and what it is."""
    form = re.compile(re.escape(f".{path.name}.") + r"([0-9a-f]{8})\.(.+)", re.DOTALL)
    found = map(form.fullmatch, os.listdir(path.parent))  # noqa: PTH208 - names, not paths
    return [(path.with_name(held[0]), held[1], held[2]) for held in found if held]


def abandoned(path: Path) -> list[Partial]:
    """What dead processes left beside `path`, locked; what is of no use to anyone is removed."""
    path = resolved(path)
    beside = _beside(path)
    whole = {token for _, token, kind in beside if kind == "partial"}
    found = []
    for place, token, kind in beside:
        if kind == "partial":
            partial = Partial(path, token)
            with contextlib.suppress(OSError, ForeignError):
                if partial.lock():
                    found.append(partial)
        elif kind in LEFTOVERS and token not in whole:  # killed when it had given the name
            own.forget(place)
    return found


def restore(path: Path) -> None:
    """Give a folder its name again that was being replaced when a process died, or remove it."""
    path = resolved(path)
    if not path.parent.is_dir():
        return
    for place, token, kind in _beside(path):
        partial = Partial(path, token)
        if kind != "old" or not own.owns_folder(place) or _is_written(partial):
            continue
        if path.exists():
            shutil.rmtree(place, ignore_errors=True)
        else:
            place.rename(path)
        partial.release()


def _is_written(partial: Partial) -> bool:
    """Whether another process is at work on it."""
    try:
        return not partial.lock()
    except FileNotFoundError:
        return False
    except ForeignError:
        return True


def remove_abandoned(path: Path) -> None:
    """Remove what dead processes left beside `path`."""
    for partial in abandoned(path):
        partial.discard()


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Yield a new file that takes the name `path` when the block ends well, and vanishes if not."""
    partial = Partial(path)
    try:
        remove_abandoned(path)
        with open(partial.place, "x+b") as file:
            partial.take()
            yield file
            file.flush()
            os.fsync(file.fileno())
            partial.publish()
    except BaseException as error:  # an interrupt as well, wherever it comes
        partial.discard()
        if isinstance(error, OSError):
            raise CommandError(f"cannot write {path}: {error.strerror or error}") from error
        raise


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
