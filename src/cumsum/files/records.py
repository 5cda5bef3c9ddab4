"""Records of finished jobs: a retry of one is told so, and scans nothing.

A record lies beside the file that a job wrote, and has the *signs* of that file as the job left it:
its number on the disk, its size, its time and a digest of its ends. A file that has them all is
taken for the same.

    .NAME.done    the scans in place of NAME, one or one for each part of it
    .NAME.made    the scan of another file that made NAME
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cumsum.files import journal, own
from cumsum.files.journal import Entry

# Of the first bytes of a file and of its last ones there is a digest.
ENDS = 64 << 10

NONE = memoryview(b"")


@dataclass(frozen=True)
class Record:
    """Jobs that are finished, the signs of what they left, and a name of the latest of them."""

    signs: dict[str, Any]
    token: str
    jobs: tuple[Entry, ...]


def pack(record: Record) -> list[Any]:
    """A record as parts of a file."""
    jobs = [journal.told(job) for job in record.jobs]
    return journal.seal({"signs": record.signs, "token": record.token, "jobs": jobs})


def read(path: Path) -> Record | None:
    """Read a record; None if it is not whole. Raises FileNotFoundError if there is none."""
    found = journal.unseal(own.read(path, journal.HEAD_BYTES))
    head = found[0] if found else {}
    signs, token, told = (head.get(name) for name in ("signs", "token", "jobs"))
    if not (isinstance(signs, dict) and isinstance(token, str) and isinstance(told, list)):
        return None
    jobs = [job for job in (journal.entry_of(each, NONE) for each in told) if job is not None]
    return Record(signs, token, tuple(jobs)) if len(jobs) == len(told) else None


def signs_of(path: Path) -> dict[str, Any]:
    """By what a file is known again, or a folder."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(fd)
        if stat.S_ISDIR(status.st_mode):
            return {"inode": status.st_ino, "content": _content(path)}
        ends = hashlib.sha256(os.pread(fd, ENDS, 0))
        ends.update(os.pread(fd, ENDS, max(0, status.st_size - ENDS)))
    finally:
        os.close(fd)
    return {
        "inode": status.st_ino,
        "size": status.st_size,
        "time": status.st_mtime_ns,
        "content": ends.hexdigest(),
    }


def _content(folder: Path) -> str:
    """A digest of the names, the sizes and the times of all that is in a folder."""
    digest = hashlib.sha256()
    for place in sorted(folder.rglob("*")):
        status = place.lstat()
        told: Sequence[Any] = (place.relative_to(folder), status.st_size, status.st_mtime_ns)
        digest.update(repr(tuple(map(str, told))).encode(errors="surrogateescape"))
    return digest.hexdigest()
