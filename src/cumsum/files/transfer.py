"""From an input to an output, piece by piece, with a journal beside it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from cumsum.console import CommandError, size
from cumsum.files import journal, memory, pieces
from cumsum.files.curves import Curves
from cumsum.files.disks import sync_folder
from cumsum.files.job import Job
from cumsum.files.journal import Entry, Keeper
from cumsum.files.losses import lost, may_lose
from cumsum.files.outputs import Partial, Remote, abandoned, remove_abandoned
from cumsum.files.pieces import SLOTS, Piece, Walk
from cumsum.files.pipeline import Flow, Slot
from cumsum.files.report import Report, Seen, SeenGroups
from cumsum.files.scanner import NOTHING
from cumsum.files.store import Choice, Spec, Store, create_output, is_url, kind_of
from cumsum.files.sums import sums_of
from cumsum.files.tables.grouped import GROUP_BYTES

Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class Way:
    """A job, where its elements come from, and what it may take."""

    job: Job
    store: Store
    choice: Choice
    memory: int | None
    resume: bool
    progress: Progress | None
    curves: Curves | None = None

    @property
    def goes_on(self) -> bool:
        """Whether another process could go on: not with sums of groups."""
        return getattr(self.store, "keys", None) is None

    def walk(self, target: Store | None, entry: Entry) -> Walk:
        """The walk of the run that left `entry`, or a new one."""
        job, budget = self.job, memory.budget(self.memory)
        stores = [self.store] if target is None else [self.store, target]
        fixed = sum(store.limit(budget // 8) for store in stores)
        keys = getattr(self.store, "keys", None)
        if keys is not None:
            keys.most = max(budget // 8 // GROUP_BYTES, keys.most)
            fixed += budget // 8
        costs = replace(job.costs, fixed=fixed, beside=self.store.beside)
        order, reverse = tuple(self.store.order), job.options.reverse
        if entry.box:
            walk = Walk(job.shape, job.dim, order, entry.box, reverse)
            if self.memory is not None and costs.total(walk) > budget:
                needs = f"the run that was stopped needs memory of {size(costs.total(walk))}"
                raise CommandError(f"cannot resume with {size(budget)}: {needs}")
            return walk
        grids = [self.store.grid] + ([] if target is None else [target.grid])
        whole = target is not None and target.in_order
        table = hasattr(self.store, "columns")
        if whole and reverse and job.dim == 0 and not table:
            raise CommandError("reverse along dim 0 needs an output whose last row can come first")
        return pieces.decide(
            job.shape,
            job.dim,
            order,
            costs,
            budget,
            grids=grids,
            whole_rows=whole,
            whole=reverse and table,  # which is read from its begin
            reverse=reverse,
        )

    def begin(self) -> Entry:
        """What stands in the journal of a run that has done nothing yet."""
        return Entry(self.fingerprint(), (), 0, 0, {}, NOTHING)

    def fingerprint(self) -> dict[str, Any]:
        """What a later run must find as it is now."""
        return journal.fingerprint_of(self.job.path) | self.job.fingerprint() | self.place()

    def place(self) -> dict[str, Any]:
        """Which of the elements of a file are meant."""
        choice = self.choice
        held = {"member": choice.member, "columns": list(choice.columns), "offset": choice.offset}
        return held | {name: str(value) for name, value in choice.table.options().items()}

    def check_input(self, entry: Entry) -> None:
        """Refuse results of an input that was changed while it was read."""
        now = journal.fingerprint_of(self.job.path)
        if any(entry.fingerprint[name] != value for name, value in now.items()):
            raise CommandError(f"{self.job.path} was changed while it was read")


@dataclass(frozen=True)
class Done:
    """A walk that has come to its end."""

    job: Job
    walk: Walk
    seen: Seen | SeenGroups
    first: int
    keys: Any = None
    columns: tuple[str, ...] = ()
    lost: int = 0

    def report(self, output: str, seconds: float) -> Report:
        """What it tells."""
        job, shape, keys = self.job, self.job.shape, self.keys
        lines = math.prod(shape) // max(shape[job.dim], 1)
        totals = self.seen.totals
        return Report(
            input=job.path,
            output=output,
            shape=shape,
            dim=job.dim,
            source=job.source,
            dtype=job.dtype,
            values=self.seen.values,
            totals=totals,
            span=self.seen.span,
            lines=lines if keys is None else lines * len(keys.labels),
            nbytes=job.nbytes * (len(self.walk) - self.first) // max(len(self.walk), 1),
            seconds=seconds,
            pieces=len(self.walk),
            resumed=self.first,
            by="" if keys is None else " and ".join(map(str, keys.by)),
            labels=tuple(keys.labels) if keys is not None and totals else (),
            columns=self.columns,
            groups=0 if keys is None else len(keys.labels),
            lost=self.lost,
        )


Put = Callable[[Piece, NDArray[Any], Entry | None], object]


def carry_out(way: Way, walk: Walk, entry: Entry, put: Put, is_due: Callable[[], bool]) -> Done:
    """Scan all pieces after those of `entry`; `put` gets results, and an entry when it is due."""
    job, order = way.job, walk.order
    sums = sums_of(job, walk, entry, way.store, way.curves)
    losing, losses = job.casts and may_lose(job.source, job.dtype), [0]
    total = job.nbytes

    def read(piece: Piece, slot: Slot) -> None:
        try:
            way.store.read(piece.where, slot.x(piece, order))
        except OSError as error:
            raise CommandError(f"cannot read {job.path}: {error.strerror or error}") from error

    def scan(piece: Piece, slot: Slot) -> Entry | None:
        x = slot.x(piece, order)
        losses[0] += lost(x, job.dtype) if losing else 0
        sums.scan(piece, x, slot.y(piece, order))
        return sums.entry(piece) if is_due() else None

    def write(piece: Piece, slot: Slot, after: Entry | None) -> None:
        put(piece, slot.y(piece, order), after)
        if way.progress is not None:
            way.progress(total * (piece.index + 1) // len(walk), total)

    if way.progress is not None:
        way.progress(total * entry.done // max(len(walk), 1), total)
    left = range(entry.done, len(walk))
    elements = math.prod(walk.box)
    slots = [Slot(elements, job.source, job.dtype) for _ in range(min(SLOTS, len(left)))]
    Flow(read, scan, write).run(map(walk.piece, left), slots)
    keys = getattr(way.store, "keys", None)
    columns = getattr(way.store, "columns", None)
    names = () if columns is None else columns.names
    return Done(job, walk, sums.seen, entry.done, keys, names, losses[0])


def dry_run(way: Way) -> Done:
    """Scan for the totals alone."""
    entry = way.begin()
    done = carry_out(way, way.walk(None, entry), entry, lambda *_: None, lambda: False)
    way.check_input(entry)
    return done


def run(way: Way, output: str) -> Done:
    """Scan into an output that appears when it is whole."""
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
            if partial.journal is not None and way.goes_on and not target.in_order:
                keeper = Keeper(partial.journal, target.sync)
                keeper.keep(replace(entry, box=walk.box))
                sync_folder(partial.journal.parent)
            done = _write_all(way, walk, entry, target, keeper)
            target.sync()
            way.check_input(entry)
        partial.publish()
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
            entry = journal.read(partial.journal)
            if entry is None:  # it died before it had done anything
                partial.discard()
                continue
            journal.check(entry, begun.fingerprint, output)
            left.remove(partial)
            return partial, entry
    finally:
        for partial in left:
            partial.release()
    return Partial(Path(output)), begun


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
