"""Whether a job has been done already: what `--resume` looks at first, to be retried safely."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from cumsum.console import CommandError
from cumsum.files import journal, own, records
from cumsum.files.disks import sync_folder
from cumsum.files.halfway import Names
from cumsum.files.journal import Entry
from cumsum.files.own import ForeignError
from cumsum.files.places import resolved
from cumsum.files.records import Record, signs_of
from cumsum.files.report import Seen
from cumsum.files.way import Done, Way


def may_be_made(output: str) -> bool:
    """Whether there is a record of how an output was made."""
    return Names(resolved(output)).made.exists()


def made(way: Way, output: str) -> Done | None:
    """The job, if it has made the output, and neither that nor the input has changed."""
    names = Names(resolved(output))
    with contextlib.suppress(OSError, ForeignError):
        record = records.read(names.made)
        if record is None or len(record.jobs) != 1 or record.signs != signs_of(names.path):
            return None
        (job,) = record.jobs
        if not journal.difference(job.fingerprint, way.fingerprint()) and way.fits(job):
            own.forget(names.done)  # of what had the name before
            return _done(way, job)
    return None


def record_of(way: Way, done: Done, place: Path, fingerprint: dict[str, Any]) -> list[Any]:
    """The record of a job that made what is at `place`."""
    return records.pack(Record(signs_of(place), "", (done.entry(fingerprint),)))


def scanned(way: Way, names: Names, fingerprint: dict[str, Any]) -> Done | None:
    """The job, if it has been done in place; None if the file has no record, or not of this part.

    What has changed since, the file or the options, is refused: the file may hold sums.
    """
    out = f"remove {names.done} or leave out --resume to scan what is there"
    try:
        record = records.read(names.done)
    except FileNotFoundError:
        return None
    if record is None:
        raise CommandError(f"cannot resume {way.job.path}: {names.done} is damaged; {out}")
    for what, before, now in (
        ("it", record.signs, signs_of(names.path)),
        *(("the job", job.fingerprint, fingerprint) for job in _same_part(record, fingerprint)),
    ):
        if found := journal.difference(before, now):
            told = f"{what} is not as when it was scanned in place, {found}"
            raise CommandError(f"cannot resume {way.job.path}: {told}; {out}")
    job = next(iter(_same_part(record, fingerprint)), None)
    return None if job is None or not way.fits(job) else _done(way, job)


def valid_token(names: Names) -> str:
    """The name of the record of a file, if the file is as that says."""
    record = _read(names)
    return record.token if record is not None and record.signs == signs_of(names.path) else ""


def note_scanned(names: Names, done: Done, fingerprint: dict[str, Any]) -> None:
    """Put on the disk that a scan in place is done, beside those of other parts of the file."""
    record, jobs = _read(names), [done.entry(fingerprint)]
    if record is not None and record.token in {fingerprint["before"], fingerprint["token"]}:
        same = _same_part(record, fingerprint)
        jobs += [job for job in record.jobs if job not in same]
    content = Record(signs_of(names.path), fingerprint["token"], tuple(jobs))
    own.replace(names.done, records.pack(content))
    own.forget(names.made)
    sync_folder(names.path.parent)


def _read(names: Names) -> Record | None:
    with contextlib.suppress(FileNotFoundError):
        return records.read(names.done)
    return None


def _same_part(record: Record, fingerprint: dict[str, Any]) -> list[Entry]:
    """The jobs of a record that were on some of the same bytes of the file."""
    start, stop = fingerprint["bytes"]
    found = []
    for job in record.jobs:
        match job.fingerprint.get("bytes"):
            case [int(first), int(last)] if last <= start or stop <= first:
                pass
            case _:
                found.append(job)
    return found


def _done(way: Way, job: Entry) -> Done:
    walk = way.walk_of(job)
    seen = Seen(walk, way.job.dtype, job.seen or None)
    return way.done(walk, seen, len(walk), already=True)
