"""A job on its way: what it reads, what it may take, and how its pieces are carried out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from cumsum.console import CommandError, size
from cumsum.files import journal, memory, pieces
from cumsum.files.curves import Curves
from cumsum.files.job import Job
from cumsum.files.journal import NOTHING, Entry
from cumsum.files.losses import lost, may_lose
from cumsum.files.pieces import SLOTS, Piece, Walk
from cumsum.files.pipeline import Flow, Slot
from cumsum.files.report import Report, Seen, SeenGroups
from cumsum.files.store import Choice, Store
from cumsum.files.sums import sums_of
from cumsum.files.tables.columns import Table
from cumsum.files.tables.grouped import GROUP_BYTES, ROW_BYTES
from cumsum.files.tables.keys import Keys

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
    force: bool = False
    curves: Curves | None = None

    @property
    def keys(self) -> Keys | None:
        """What rows of a table are grouped by."""
        return self.store.keys if isinstance(self.store, Table) else None

    def goes_on(self, target: Store) -> bool:
        """Whether another process could: not with sums of groups, nor an output that is no part."""
        return self.keys is None and not target.in_order and not hasattr(target, "at_once")

    def walk(self, target: Store | None, entry: Entry) -> Walk:
        """The walk of the run that left `entry`, or a new one."""
        job, budget = self.job, memory.budget(self.memory)
        stores = [self.store] if target is None else [self.store, target]
        fixed = sum(store.limit(budget // 8) for store in stores)
        beside = self.store.beside
        if self.keys is not None:
            self.keys.most = max(budget // 8 // GROUP_BYTES, self.keys.most)
            fixed, beside = fixed + budget // 8, beside + ROW_BYTES
        costs = replace(job.costs, fixed=fixed, beside=beside)
        order, reverse = tuple(self.store.order), job.options.reverse
        if entry.box:
            walk = self.walk_of(entry)
            if self.memory is not None and costs.total(walk) > budget:
                needs = f"the run that was stopped needs memory of {size(costs.total(walk))}"
                raise CommandError(f"cannot resume with {size(budget)}: {needs}")
            return walk
        grids = [self.store.grid] + ([] if target is None else [target.grid])
        whole = target is not None and target.in_order
        table = isinstance(self.store, Table)
        if whole and reverse and job.dim == 0 and not table:
            raise CommandError("reverse along dim 0 needs an output whose last row can come first")
        return pieces.decide(
            job.shape,
            job.dim,
            order,
            costs,
            budget,
            grids=grids,
            whole_rows=whole or self.keys is not None,
            whole=reverse and table,  # which is read from its begin
            reverse=reverse,
        )

    def walk_of(self, entry: Entry) -> Walk:
        """The walk of the run that left `entry`."""
        job = self.job
        return Walk(job.shape, job.dim, tuple(self.store.order), entry.box, job.options.reverse)

    def fits(self, entry: Entry) -> bool:
        """Whether an entry that has the fingerprint of the job has sizes that one of it has."""
        job, box = self.job, entry.box
        if len(box) != len(job.shape) or not all(map(_is_part, box, job.shape)):
            return False
        walk = self.walk_of(entry)
        if entry.done > len(walk):
            return False
        records = position = 0
        if walk.carries and entry.done and not (piece := walk.piece(entry.done - 1)).ends:
            records = job.record * (math.prod(piece.shape) // piece.shape[job.dim])
            part = piece.where[job.dim]
            position = job.shape[job.dim] - part.start if job.options.reverse else part.stop
        if (entry.records.size, entry.position) != (records, position):
            return False
        return Seen(walk, job.dtype).accepts(entry.seen)

    @property
    def room(self) -> int:
        """The bytes that the records in a journal take at most."""
        return self.job.record * self.job.lines

    def begin(self) -> Entry:
        """What stands in the journal of a run that has done nothing yet."""
        return Entry(self.fingerprint(), (), 0, 0, {}, NOTHING)

    def fingerprint(self) -> dict[str, Any]:
        """What a later run must find as it is now."""
        return self._inputs() | self.job.fingerprint() | self.place()

    def _inputs(self) -> dict[str, Any]:
        """What tells whether the inputs have changed."""
        held = journal.fingerprint_of(self.job.path)
        for i, path in enumerate(self.choice.table.more, 2):
            held |= {f"{name} {i}": v for name, v in journal.fingerprint_of(path).items()}
        return held

    def place(self) -> dict[str, Any]:
        """Which of the elements of a file are meant."""
        choice = self.choice
        held = {"member": choice.member, "columns": list(choice.columns), "offset": choice.offset}
        asked = {name: value for name, value in vars(choice.table).items() if name != "days"}
        return held | {name: str(value) for name, value in asked.items()}  # usual ones as well

    def done(
        self,
        walk: Walk,
        seen: Seen | SeenGroups,
        first: int,
        *,
        lost: int = 0,
        already: bool = False,
    ) -> Done:
        """The end of a walk."""
        names = self.store.columns.names if isinstance(self.store, Table) else ()
        unread = getattr(self.store, "unread", 0)
        return Done(self.job, walk, seen, first, already, self.keys, names, lost, unread)

    def check_input(self, entry: Entry) -> None:
        """Refuse results of an input that was changed while it was read."""
        now = self._inputs()
        if any(entry.fingerprint[name] != value for name, value in now.items()):
            raise CommandError(f"{self.job.path} was changed while it was read")


def _is_part(part: int, extent: int) -> bool:
    return min(extent, 1) <= part <= extent


@dataclass(frozen=True)
class Done:
    """A walk that has come to its end; `already` if another run brought it there."""

    job: Job
    walk: Walk
    seen: Seen | SeenGroups
    first: int
    already: bool = False
    keys: Keys | None = None
    columns: tuple[str, ...] = ()
    lost: int = 0
    unread: int = 0

    def entry(self, fingerprint: dict[str, Any]) -> Entry:
        """What a later run is told of it."""
        return Entry(fingerprint, self.walk.box, len(self.walk), 0, self.seen.told(), NOTHING)

    def report(self, output: str, seconds: float) -> Report:
        """What it tells."""
        job, shape, keys = self.job, self.job.shape, self.keys
        return Report(
            input=job.path,
            output=output,
            shape=shape,
            dim=job.dim,
            source=job.source,
            dtype=job.dtype,
            values=self.seen.values,
            totals=self.seen.totals,
            span=self.seen.span,
            lines=job.lines if keys is None else job.lines * len(keys.labels),
            nbytes=job.nbytes * (len(self.walk) - self.first) // max(len(self.walk), 1),
            seconds=seconds,
            pieces=len(self.walk),
            resumed=self.first,
            already_done=self.already,
            by=() if keys is None else tuple(map(str, keys.by)),
            labels=() if keys is None else tuple(keys.labels),
            columns=self.columns,
            groups=0 if keys is None else len(keys.labels),
            lost=self.lost,
            unread=self.unread,
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
    return way.done(walk, sums.seen, entry.done, lost=losses[0])
