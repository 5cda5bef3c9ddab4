"""What a run writes down, so that another process can go on where it was killed.

A journal says what the job is (its *fingerprint*), how many pieces are on the disk, and what the
scan remembers of the lines after the last of them. It is written to a new file, put on the disk and
renamed: it is always whole, and what it speaks of is on the disk already.

    MAGIC, the length of the head, the head in JSON, records, data of a redo file, CRC 32
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
from cumsum.files import own
from cumsum.files.places import resolved, state_of
from cumsum.files.store import is_url

MAGIC = b"cumsum journal 1\n"
START = len(MAGIC) + 8

# No head is longer; the names of all columns of a table are in it.
HEAD_BYTES = 16 << 20

# Of the order of additions: counted up when results get other bits.
ORDER = 1

# Seconds between two journals at least, and of the run's time the part they may take.
SECONDS = 1.0
PART = 0.02

NOTHING = np.empty(0, np.uint8)


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


# Of what type each field of a head is.
FORM = {"fingerprint": dict, "box": list, "done": int, "position": int, "seen": dict, "bytes": int}


def told(entry: Entry) -> dict[str, Any]:
    """An entry without its records, for JSON."""
    held = {f.name: getattr(entry, f.name) for f in fields(entry) if f.name != "records"}
    return held | {"bytes": entry.records.size}


def entry_of(told: Any, rest: memoryview) -> Entry | None:
    """The entry of a head, whose records `rest` begins with; None if it cannot be one."""
    if not isinstance(told, dict) or told.keys() != FORM.keys():
        return None
    if any(type(told[name]) is not kind for name, kind in FORM.items()):
        return None
    numbers = [*told["box"], told["done"], told["position"], told["bytes"]]
    if any(type(number) is not int or not 0 <= number < 2**63 for number in numbers):
        return None
    held = {**told, "box": tuple(told["box"])}
    size = held.pop("bytes")
    if size > len(rest):
        return None
    return Entry(**held, records=np.frombuffer(rest[:size], np.uint8) if size else NOTHING)


def seal(head: dict[str, Any], *parts: Any) -> list[Any]:
    """What is told, and bytes that follow it, as parts of a file; the last is their check sum."""
    text = json.dumps(head).encode()
    sealed: list[Any] = [MAGIC, len(text).to_bytes(8, "little"), text, *parts]
    total = 0
    for part in sealed:
        total = zlib.crc32(part, total)
    return [*sealed, total.to_bytes(4, "little")]


def unseal(content: bytes | None) -> tuple[dict[str, Any], memoryview] | None:
    """What was sealed, and the bytes after it; None if it is not whole."""
    if content is None or len(content) < START + 4 or not content.startswith(MAGIC):
        return None
    held, total = memoryview(content)[:-4], int.from_bytes(content[-4:], "little")
    end = START + int.from_bytes(held[len(MAGIC) : START], "little")
    if end > len(held) or zlib.crc32(held) != total:
        return None
    head = _json(bytes(held[START:end]))
    return None if head is None else (head, held[end:])


def _json(text: bytes) -> dict[str, Any] | None:
    """An object in JSON; None if it is none."""
    try:
        head = json.loads(text) if len(text) <= HEAD_BYTES else None
    except (ValueError, RecursionError):
        return None
    return head if isinstance(head, dict) else None


def pack(entry: Entry, data: memoryview | None = None) -> list[Any]:
    """An entry, and data that belongs to it, as parts of a file."""
    return seal(told(entry), entry.records.data, b"" if data is None else data)


def unpack(content: bytes | None) -> tuple[Entry, memoryview] | None:
    """What was packed; None if it is not whole."""
    found = unseal(content)
    entry = None if found is None else entry_of(*found)
    return None if found is None or entry is None else (entry, found[1][entry.records.size :])


def write(path: Path, entry: Entry) -> None:
    """Write a journal, in the place of an older one."""
    own.replace(path, pack(entry))


def read(path: Path, room: int) -> tuple[Entry, memoryview] | None:
    """Read a journal, or a redo file; None if it is not whole, or has more than `room` bytes.

    That is the room of its records and data. Raises FileNotFoundError if there is none.
    """
    return unpack(own.read(path, START + HEAD_BYTES + room + 4))


def inode_of(path: Path) -> Any:
    """The number of the file that a journal is of, as its head has it, all of it unchecked."""
    with open(own.open_found(path), "rb") as file:
        start = file.read(START)
        length = int.from_bytes(start[len(MAGIC) :], "little")
        if not start.startswith(MAGIC) or length > HEAD_BYTES:
            return None
        head = _json(file.read(length))
    fingerprint = None if head is None else head.get("fingerprint")
    return fingerprint.get("inode") if isinstance(fingerprint, dict) else None


def check(
    entry: Entry,
    fingerprint: dict[str, Any],
    output: str,
    again: str = "run without --resume to begin anew",
) -> None:
    """Refuse to go on with what another job left."""
    what = difference(entry.fingerprint, fingerprint)
    if what:
        raise CommandError(f"cannot resume {output}: {what}; {again}")


def difference(before: dict[str, Any], now: dict[str, Any]) -> str:
    """The first thing that is another one now."""
    for name, value in now.items():
        if before.get(name) != value:
            return f"{name} was {before.get(name)}, is {value}"
    return ""


def fingerprint_of(path: str) -> dict[str, Any]:
    """What tells whether an input has changed: sizes and times, of all files in a folder."""
    if is_url(path):
        return {"input": path, "input's state": state_of(path)}
    place = resolved(path)
    stats = [_status(file) for file in (place, *(place.rglob("*") if place.is_dir() else ()))]
    return {
        "input": str(place),
        "input's size": sum(stat.st_size for stat in stats),
        "input's time": max(stat.st_mtime_ns for stat in stats),
    }


def _status(file: Path) -> os.stat_result:
    """Of what a link leads to, or of one that leads nowhere."""
    try:
        return file.stat()
    except OSError:
        return file.lstat()


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
