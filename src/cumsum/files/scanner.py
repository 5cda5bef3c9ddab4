"""The scan of one piece after the other, with what goes from each to the next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

import cumsum
from cumsum.chunked import Scan
from cumsum.files.job import Job
from cumsum.files.journal import NOTHING, Entry
from cumsum.files.pieces import Piece, Walk
from cumsum.stream.form import State

# Elements of whole lines whose totals are computed together.
PART = 1 << 16


class Scanner:
    """Scans the pieces of a walk in order, from the one after those of `entry` on."""

    def __init__(self, job: Job, walk: Walk, entry: Entry | None = None) -> None:
        self._job, self._walk = job, walk
        self._scan: Scan | None = None
        self._state: State | None = None
        self._spare: NDArray[Any] | None = None  # records that nobody needs any more
        self._may_reuse = False  # not what a journal still has
        if entry is not None and entry.records.size:
            self._scan = job.scan_of(walk.piece(entry.done - 1))
            self._state = State(self._scan.form, entry.records, entry.position)

    def scan(self, piece: Piece, x: NDArray[Any], y: NDArray[Any]) -> None:
        """Write the sums of a piece to `y`, which may be `x`."""
        job, options = self._job, self._job.options
        if not self._walk.carries:
            how: dict[str, Any] = {"exclusive": options.exclusive, "reverse": options.reverse}
            how["initial"] = job.initial_of(piece)
            how["precision"] = "compensated" if options.compensated else None
            cumsum.cumsum(x, job.dim, dtype=job.dtype, out=y, **how)
            return
        if piece.begins or self._scan is None or self._state is None:
            self._scan = job.scan_of(piece)
            self._state = self._scan.begin(job.initial_of(piece))
            self._spare, self._may_reuse = None, True
        before = self._state.records
        _, self._state = self._scan.scan(x, self._state, out=y, spare=self._spare)
        self._spare = before if self._may_reuse else None
        self._may_reuse = True

    def totals_before(self, piece: Piece, x: NDArray[Any]) -> Iterator[NDArray[Any]]:
        """The totals of whole lines whose last results are others, some lines after the other."""
        job, options = self._job, self._job.options
        if self._walk.carries or not options.exclusive or not x.size:
            return
        others = [d for d in range(x.ndim) if d != job.dim]
        axis = max(others, key=lambda d: x.shape[d], default=job.dim)
        step = max(1, PART * x.shape[axis] // x.size) if others else x.shape[axis]
        begin = job.initial_of(piece)
        how: dict[str, Any] = {"dtype": job.dtype, "precision": job.precision}
        for start in range(0, x.shape[axis], step):
            part = (slice(None),) * axis + (slice(start, start + step),)
            initial = begin if begin is None or not others else begin[part]
            sums = cumsum.cumsum(x[part], job.dim, reverse=options.reverse, initial=initial, **how)
            yield sums.take(0 if options.reverse else -1, job.dim)

    def totals(self, piece: Piece) -> NDArray[Any] | None:
        """The totals of the lines that end with a piece, if the last results are others."""
        if not (piece.ends and self._job.options.exclusive and self._walk.carries):
            return None
        assert self._scan is not None
        assert self._state is not None
        return np.asarray(self._scan.total(self._state))

    def remembered(self, piece: Piece) -> tuple[NDArray[Any], int]:
        """The records and the position after a piece: nothing if its lines end with it."""
        if piece.ends or self._state is None:
            return NOTHING, 0
        self._may_reuse = False
        return self._state.records, self._state.position
