"""What is done with a piece between reading and writing: its scan, and what is seen of its sums."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from cumsum.files.curves import Curves
from cumsum.files.job import Job
from cumsum.files.journal import Entry
from cumsum.files.pieces import Piece, Walk
from cumsum.files.report import Seen, SeenGroups
from cumsum.files.scanner import Scanner
from cumsum.files.store import Store
from cumsum.files.tables.columns import Table
from cumsum.files.tables.grouped import Grouped
from cumsum.files.tables.keys import Keys

Array = NDArray[Any]


class Sums:
    """The sums of the lines of an array."""

    def __init__(
        self, job: Job, walk: Walk, entry: Entry, store: Store, curves: Curves | None
    ) -> None:
        self._walk, self._entry, self._curves = walk, entry, curves
        self._table = store if isinstance(store, Table) else None
        if curves is not None:
            names = () if self._table is None else self._table.columns.names
            curves.begin(job.shape, job.dim, names)
        self._scanner = Scanner(job, walk, entry)
        self.seen = Seen(walk, job.dtype, entry.seen or None)

    def scan(self, piece: Piece, x: Array, y: Array) -> None:
        """Write the sums of a piece to `y`."""
        before = False
        for totals in self._scanner.totals_before(piece, x):
            self.seen.add(totals)
            before = True
        self._scanner.scan(piece, x, y)
        self.seen.see(piece, y)
        if piece.ends and not before:
            after = self._scanner.totals(piece)
            self.seen.add(self.seen.last(y) if after is None else after)
        if self._curves is not None:
            self._curves.see(piece, y)
        if self._table is not None:
            self._table.mark(y)

    def entry(self, piece: Piece) -> Entry:
        """What stands in a journal after a piece."""
        records, position = self._scanner.remembered(piece)
        done, fingerprint = piece.index + 1, self._entry.fingerprint
        return Entry(fingerprint, self._walk.box, done, position, self.seen.told(), records)


class GroupSums:
    """The sums of the groups of a table's rows, whose output cannot be taken up again."""

    def __init__(
        self, job: Job, walk: Walk, table: Table, keys: Keys, curves: Curves | None
    ) -> None:
        self._keys, self._mark, self._curves = keys, table.mark, curves
        if curves is not None and self._keys.period is not None:
            curves.period = self._keys.period.name
        self._scanner = Grouped(job, keys, whole=len(walk) == 1)
        self.seen = SeenGroups()

    def scan(self, piece: Piece, x: Array, y: Array) -> None:
        """Write the sums of a piece to `y`."""
        scanner = self._scanner
        scanner.scan(x, y)
        self.seen.see(scanner.codes, y, scanner.totals)
        if self._curves is not None:
            self._curves.see_groups(self._keys.labels, scanner.codes, scanner.days, y)
        self._mark(y)

    def entry(self, _: Piece) -> Entry:
        """Nothing is written down: an array with an output that has a journal begins anew."""
        raise NotImplementedError


def sums_of(
    job: Job, walk: Walk, entry: Entry, store: Store, curves: Curves | None
) -> Sums | GroupSums:
    """The sums of a job."""
    if isinstance(store, Table) and store.keys is not None:
        return GroupSums(job, walk, store, store.keys, curves)
    return Sums(job, walk, entry, store, curves)
