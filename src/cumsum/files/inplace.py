"""Scans in place: the sums of a file take the place of its elements.

A crash must leave neither elements lost nor sums taken for elements. So the results of a piece are
put on the disk twice: first in one of two *redo* files, with all that the scan remembers after it,
then over the elements. A redo file is written again only when the results of its piece are on the
disk. After a crash, the redo file of the latest piece is written over its elements again, and the
scan goes on with the next piece. At the end a record tells so, before the journal is removed: a
retry finds one of the two.

    .NAME.inplace               what the job is; while it is there, NAME is half scanned
    .NAME.redo0, .NAME.redo1    an entry of the journal, and the results of its piece
    .NAME.done                  which scans in place are finished: see `records`
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cumsum import numpy as arrays
from cumsum.console import CommandError
from cumsum.files import finished, journal, own
from cumsum.files.disks import sync_folder
from cumsum.files.halfway import Names
from cumsum.files.journal import Entry
from cumsum.files.pieces import Piece, Walk
from cumsum.files.places import resolved
from cumsum.files.plain import PlainStore, bytes_of
from cumsum.files.store import Store, kind_of
from cumsum.files.way import Done, Way, carry_out


def run(way: Way) -> Done:
    """Scan a file in place, or go on with it."""
    job, names = way.job, Names(resolved(way.job.path))
    if arrays.native(job.source) != job.dtype:
        both = f"its elements are of {job.source}, the sums of {job.dtype}"
        raise CommandError(f"{job.path} cannot be scanned in place: {both}")
    try:
        with _opened(way) as target, locked(names.path):
            return _run(way, target, names)
    except KeyboardInterrupt as error:
        half = names.journal.exists()
        if not half:
            raise
        told = f"{job.path} is half scanned: go on with --in-place --resume"
        raise type(error)(f"{str(error) or 'interrupted'}; {told}") from error
    except OSError as error:
        raise CommandError(f"cannot write {job.path}: {error.strerror or error}") from error


def _opened(way: Way) -> contextlib.closing[Any]:
    return contextlib.closing(
        kind_of(way.job.path, way.choice).open_update(way.job.path, way.choice)
    )


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep another process from scanning the same file in place."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CommandError(f"{path} is being scanned in place by another process") from None
        yield


def _run(way: Way, target: PlainStore, names: Names) -> Done:
    status = names.path.stat()
    fingerprint = way.job.fingerprint() | way.place()
    fingerprint |= {"size": status.st_size, "inode": status.st_ino, "bytes": list(target.span)}
    entry = _left(way, names) if way.resume else None
    if entry is None and way.resume:
        done = finished.scanned(way, names, fingerprint)
        if done is not None:
            names.remove_redo()
            return done
    if entry is None:
        runs = {"token": secrets.token_hex(8), "before": finished.valid_token(names)}
        entry = replace(way.begin(), fingerprint=fingerprint | runs)
        walk = way.walk(target, entry)
        names.remove_redo()  # what another run left is no part of this one
        journal.write(names.journal, replace(entry, box=walk.box))
        sync_folder(names.path.parent)
    else:
        again = f"give what was given before, or restore the file and remove {names.journal}"
        journal.check(entry, fingerprint, way.job.path, again)
        if not way.fits(entry):
            raise _damaged(way, names)
        walk = way.walk(target, entry)
        entry = recover(way, walk, entry, target, names)
    return _finish(way, walk, entry, target, names)


def _left(way: Way, names: Names) -> Entry | None:
    """What stands in the journal of a scan that was stopped."""
    try:
        found = journal.read(names.journal, way.room)
    except FileNotFoundError:
        return None
    if found is None or not {"token", "before"} <= found[0].fingerprint.keys():
        raise _damaged(way, names)
    return found[0]


def _damaged(way: Way, names: Names) -> CommandError:
    advice = "restore the file and remove it"
    return CommandError(f"cannot resume {way.job.path}: {names.journal} is damaged; {advice}")


def _finish(way: Way, walk: Walk, entry: Entry, target: Store, names: Names) -> Done:
    """Scan all pieces that are left, and note that it is done."""
    with contextlib.closing(Redo(walk, target, names)) as redo:
        try:
            done = carry_out(way, walk, entry, redo.put, lambda: True)
            target.sync()
        except BaseException:
            if entry.done == 0 and not redo.begun:  # nothing was written over
                names.remove()
            raise
    finished.note_scanned(names, done, entry.fingerprint)
    names.remove()
    return done


class Redo:
    """Writes results, first where they can be found again."""

    def __init__(self, walk: Walk, target: Store, names: Names) -> None:
        self._walk, self._target, self._names = walk, target, names
        self._files: dict[int, int] = {}
        self.begun = False

    def put(self, piece: Piece, y: NDArray[Any], after: Entry | None) -> None:
        """Write the results of a piece."""
        assert after is not None
        self._target.sync()
        fd = self._file(piece.index % 2)
        os.lseek(fd, 0, os.SEEK_SET)
        for part in journal.pack(after, bytes_of(y.transpose(self._walk.order))):
            _write_whole(fd, memoryview(part))
        os.ftruncate(fd, os.lseek(fd, 0, os.SEEK_CUR))
        os.fsync(fd)
        self.begun = True
        self._target.write(piece.where, y)

    def _file(self, index: int) -> int:
        """One of the two files, open for writing."""
        if index not in self._files:
            self._files[index] = own.open_or_create(self._names.redo(index))
            sync_folder(self._names.path.parent)
        return self._files[index]

    def close(self) -> None:
        """Close the files."""
        while self._files:
            os.close(self._files.popitem()[1])


def _write_whole(fd: int, memory: memoryview) -> None:
    while memory:
        memory = memory[os.write(fd, memory) :]


def recover(way: Way, walk: Walk, entry: Entry, target: Store, names: Names) -> Entry:
    """Write the results of the latest pieces again; what stands after the last of them."""
    found, torn = [], False
    room = way.room + math.prod(walk.box) * target.dtype.itemsize
    for index in (0, 1):
        with contextlib.suppress(FileNotFoundError):
            held = journal.read(names.redo(index), room)
            if held is None:
                torn = True
            elif held[0].fingerprint == entry.fingerprint and _is_redo(way, walk, *held):
                found.append(held)
    found.sort(key=lambda held: held[0].done)
    results = [_results(walk, after, data, target) for after, data in found]
    if found and (torn or len(found) > 1):  # the next redo file was begun: this one is done with
        _check_written(*results[0], target, names)
    for piece, values in results:
        target.write(piece.where, values)
    target.sync()
    return found[-1][0] if found else entry


def _is_redo(way: Way, walk: Walk, after: Entry, data: memoryview) -> bool:
    """Whether an entry and data are those of a piece."""
    if after.box != walk.box or not after.done or not way.fits(after):
        return False
    elements = math.prod(walk.piece(after.done - 1).shape)
    return len(data) == elements * way.job.dtype.itemsize


def _results(
    walk: Walk, after: Entry, data: memoryview, target: Store
) -> tuple[Piece, NDArray[Any]]:
    """A piece, and its results as a redo file has them."""
    piece = walk.piece(after.done - 1)
    dtype = arrays.native(target.dtype)
    lying = np.frombuffer(data, dtype).reshape([piece.shape[dim] for dim in walk.order])
    return piece, lying.transpose([walk.order.index(dim) for dim in range(len(walk.order))])


def _check_written(piece: Piece, values: NDArray[Any], target: Store, names: Names) -> None:
    """Refuse a file that lacks results that were put into it: it was restored, or written to."""
    held = np.empty(piece.shape, target.dtype)
    target.read(piece.where, held)
    if bytes_of(held.astype(values.dtype)) != bytes_of(values):
        advice = f"restore it and remove {names.journal} to begin anew"
        raise CommandError(
            f"cannot resume {names.path}: it is not as the scan left it, but was restored or "
            f"changed; {advice}"
        )
