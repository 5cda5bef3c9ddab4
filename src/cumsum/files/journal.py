"""What a run writes down, so that another process can go on where it was killed.

A journal says what the job is (its *fingerprint*), how many pieces are on the disk, and what the
scan remembers of the lines after the last of them. It is written to a new file, put on the disk and
renamed: it is always whole, and what it speaks of is on the disk already.
"""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cumsum.console import CommandError
from cumsum.files.places import state_of
from cumsum.files.store import is_url

MAGIC = b"cumsum journal 1\n"

# Of the order of additions: counted up when results get other bits.
ORDER = 1

# Seconds between two journals at least, and of the run's time the part they may take.
SECONDS = 1.0
PART = 0.02


@dataclass(frozen=True)
class Entry:
    """How far a run has come.

    `done` pieces of extents `box` are on the disk; `records` (bytes) and `position` are the state
    of the lines of the last of them where they go on; `seen` is what a summary will tell.
    """

    fingerprint: dict[str, Any]
    box: tuple[int, ...]
    done: int
    position: int
    seen: dict[str, Any]
    records: NDArray[np.uint8]


def pack(entry: Entry, data: memoryview | None = None) -> list[Any]:
    """An entry, and data that belongs to it, as parts of a file; the last is their check sum."""
    told = {f.name: getattr(entry, f.name) for f in fields(entry) if f.name != "records"}
    head = json.dumps(told | {"bytes": entry.records.size}).encode()
    parts: list[Any] = [MAGIC, len(head).to_bytes(8, "little"), head, entry.records.data]
    parts.append(data if data is not None else b"")
    total = 0
    for part in parts:
        total = zlib.crc32(part, total)
    return [*parts, total.to_bytes(4, "little")]


def unpack(content: bytes) -> tuple[Entry, memoryview] | None:
    """What was packed; None if it is not whole."""
    held, total = memoryview(content)[:-4], int.from_bytes(content[-4:], "little")
    if not content.startswith(MAGIC) or zlib.crc32(held) != total:
        return None
    start = len(MAGIC) + 8
    end = start + int.from_bytes(held[len(MAGIC) : start], "little")
    told = json.loads(bytes(held[start:end]))
    size = told.pop("bytes")
    told["box"] = tuple(told["box"])
    records = np.frombuffer(held[end : end + size], np.uint8)
    return Entry(**told, records=records), held[end + size :]


def write(path: Path, entry: Entry) -> None:
    """Write a journal, in the place of an older one."""
    new = path.with_name(f"{path.name}.new")
    try:
        with open(new, "wb") as file:
            file.writelines(pack(entry))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def read(path: Path) -> Entry | None:
    """Read a journal; None if there is none, or not a whole one."""
    try:
        found = unpack(path.read_bytes())
    except FileNotFoundError:
        return None
    return found and found[0]


def check(
    entry: Entry,
    fingerprint: dict[str, Any],
    output: str,
    again: str = "run without --resume to begin anew",
) -> None:
    """Refuse to go on with what another job left."""
    for name, value in fingerprint.items():
        before = entry.fingerprint.get(name)
        if before != value:
            what = f"{name} was {before}, is {value}"
            raise CommandError(f"cannot resume {output}: {what}; {again}")


def fingerprint_of(path: str) -> dict[str, Any]:
    """What tells whether an input has changed: sizes and times, of all files in a folder."""
    if is_url(path):
        return {"input": path, "input's state": state_of(path)}
    place = Path(path)
    files = [place, *place.rglob("*")] if place.is_dir() else [place]
    stats = [file.stat() for file in files]
    return {
        "input": str(place.resolve()),
        "input's size": sum(stat.st_size for stat in stats),
        "input's time": max(stat.st_mtime_ns for stat in stats),
    }


class Keeper:
    """Writes the journal of a run now and then: every second, and no longer than 2 % of the time.

    `sync` puts on the disk what was written.
    """

    def __init__(self, path: Path, sync: Callable[[], object]) -> None:
        self._path, self._sync = path, sync
        self._next = time.monotonic() + SECONDS

    @property
    def is_due(self) -> bool:
        """Whether it is time for the next one."""
        return time.monotonic() >= self._next

    def keep(self, entry: Entry) -> None:
        """Write a journal."""
        start = time.monotonic()
        self._sync()
        write(self._path, entry)
        end = time.monotonic()
        self._next = end + max(SECONDS, (end - start) / PART)
