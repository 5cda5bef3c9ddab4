"""From an input to an output, piece by piece, with a journal beside it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from cumsum.console import CommandError
from cumsum.files import finished, journal
from cumsum.files.disks import sync_folder
from cumsum.files.journal import Entry, Keeper
from cumsum.files.outputs import Partial, abandoned, refuse_existing, remove_abandoned
from cumsum.files.own import ForeignError
from cumsum.files.pieces import Piece, Walk
from cumsum.files.remote import Remote
from cumsum.files.store import Spec, Store, create_output, is_url, kind_of
from cumsum.files.way import Done, Way, carry_out


def dry_run(way: Way) -> Done:
    """Scan for the totals alone."""
    entry = way.begin()
    done = carry_out(way, way.walk(None, entry), entry, lambda *_: None, lambda: False)
    way.check_input(entry)
    return done


def run(way: Way, output: str) -> Done:
    """Scan into an output that appears when it is whole."""
    if way.resume and not is_url(output):
        done = finished.made(way, output)
        if done is not None:
            _release(abandoned(Path(output)))
            return done
        if not way.force:
            refuse_existing(output)
    return _make(way, output)


def _make(way: Way, output: str) -> Done:
    partial, entry = _find_or_begin(way, output)
    keeper: Keeper | None = None
    try:
        spec = Spec(output, way.job.shape, way.job.dtype, way.store, way.choice)
        if not entry.box and getattr(kind_of(output, way.choice), "FOLDER", False):
            partial.make_folder()
        with contextlib.closing(
            create_output(partial.place, spec, again=bool(entry.box))
        ) as target:
            partial.take()
            walk = way.walk(target, entry)
            if partial.journal is not None and way.goes_on(target):
                keeper = Keeper(partial.journal, target.sync)
                keeper.keep(replace(entry, box=walk.box))
                sync_folder(partial.journal.parent)
            done = _write_all(way, walk, entry, target, keeper)
            target.sync()
            way.check_input(entry)
        partial.publish(_record(way, done, partial, entry))
    except BaseException as error:  # an interrupt as well, wherever it comes
        kept = way.resume and (keeper is not None or bool(entry.box))
        if kept:
            partial.release()
        else:
            partial.discard()
        told = _told(error, output, kept=kept)
        if told is error:
            raise
        raise told from error
    return done


def _record(way: Way, done: Done, partial: Partial | Remote, entry: Entry) -> list[Any]:
    """What a retry will be told, where there may be one."""
    if not way.resume or isinstance(partial, Remote):
        return []
    return finished.record_of(way, done, partial.place, entry.fingerprint)


def _write_all(way: Way, walk: Walk, entry: Entry, target: Store, keeper: Keeper | None) -> Done:
    def put(piece: Piece, y: NDArray[Any], after: Entry | None) -> None:
        target.write(piece.where, y)
        if keeper is not None and after is not None:
            keeper.keep(after)

    return carry_out(way, walk, entry, put, lambda: keeper is not None and keeper.is_due)


def _find_or_begin(way: Way, output: str) -> tuple[Partial | Remote, Entry]:
    """What a dead process left of the same job, or a new place to write to."""
    begun = way.begin()
    if is_url(output):
        return Remote(output, kind_of(output, way.choice)), begun
    if way.resume and begun.fingerprint.get("input's state", "") is None:
        why = f"it cannot be told whether {way.job.path} has changed"
        raise CommandError(f"cannot resume {output}: {why}; leave out --resume")
    if not way.resume:
        remove_abandoned(Path(output))
        return Partial(Path(output)), begun
    left = abandoned(Path(output))
    try:
        for partial in left:
            entry = _entry_of(way, partial)
            if entry is None:  # it died before it had done anything
                partial.discard()
                continue
            journal.check(entry, begun.fingerprint, output)
            if not way.fits(entry) or not _can_go_on(way, output, partial):
                partial.discard()
                continue
            left.remove(partial)
            return partial, entry
    finally:
        _release(left)
    return Partial(Path(output)), begun


def _entry_of(way: Way, partial: Partial) -> Entry | None:
    """What stands in the journal beside a partial file."""
    with contextlib.suppress(FileNotFoundError, ForeignError):
        found = journal.read(partial.journal, way.room)
        return found and found[0]
    return None


def _can_go_on(way: Way, output: str, partial: Partial) -> bool:
    """Whether the kind of the output can take up what is left of it."""
    can: Callable[[Path], bool] | None
    can = getattr(kind_of(output, way.choice), "can_go_on", None)
    return can is None or can(partial.place)


def _release(partials: Iterable[Partial]) -> None:
    """Leave them to other processes."""
    for partial in partials:
        partial.release()


def _told(error: BaseException, output: str, *, kept: bool) -> BaseException:
    """An error as the user is told it."""
    hint = "; --resume goes on from what is done" if kept else ""
    if isinstance(error, OSError):
        return CommandError(f"cannot write {output}: {error.strerror or error}{hint}")
    if isinstance(error, CommandError) and error.__cause__ is not None:  # of a disk or a library
        return CommandError(f"{error}{hint}")
    if isinstance(error, KeyboardInterrupt) and kept:
        return type(error)(f"{str(error) or 'interrupted'}{hint}")
    return error
