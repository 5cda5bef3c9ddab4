"""The scan of a table whose rows are of groups: each group has a sum of its own.

The bits are those of a stable sort by group and `lengths=`. What is remembered of a group is its
numbers while they are few, so that many small groups are scanned by one call; later its state.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import cumsum
from cumsum.files.job import Job
from cumsum.files.pieces import Piece
from cumsum.files.tables.keys import Keys
from cumsum.stream.form import State

# A group that has had more numbers than this is remembered by its state. A state is taken up in
# some 20 us, a number is scanned again in some 10 ns.
FEW = 512

# Bytes of a group: its label and number, its total, its state or its numbers.
GROUP_BYTES = 400

Array = NDArray[Any]


class Grouped:
    """Scans the rows of a table, piece after piece."""

    def __init__(self, job: Job, keys: Keys) -> None:
        self._job, self._keys = job, keys
        self._few = np.inf if job.options.reverse else FEW
        self._codes = np.empty(0, np.int64)  # of the numbers of small groups
        self._numbers = np.empty((0, *job.shape[1:]), job.source)
        self._counts = np.empty(0, np.int64)  # of the rows that each group has had
        self._states: dict[int, State] = {}
        self.totals = np.empty((0, *job.shape[1:]), job.dtype)
        self.codes = self._codes  # of the rows of the last piece
        self.days: NDArray[np.float64] | None = None

    def scan(self, piece: Piece, x: Array, y: Array) -> None:
        """Write the sums of a piece to `y`, which may be `x`."""
        self.codes, self.days = self._keys.take()
        before = len(self._codes)
        codes = np.concatenate([self._codes, self.codes])
        numbers = np.concatenate([self._numbers, x])
        order = np.argsort(codes, kind="stable")
        codes, numbers = codes[order], numbers[order]
        starts = np.flatnonzero(np.diff(codes, prepend=-1))
        lengths = np.diff(starts, append=len(codes))
        groups = codes[starts]
        self._grow(len(self._keys.labels))
        np.add.at(self._counts, self.codes, 1)
        small = self._counts[groups] <= self._few
        sums = np.empty(numbers.shape, self._job.dtype)
        rows = np.repeat(small, lengths)
        sums[rows] = self._scan_small(groups[small], numbers[rows], lengths[small])
        for i in np.flatnonzero(~small).tolist():
            part = slice(starts[i], starts[i] + lengths[i])
            sums[part] = self._scan_large(int(groups[i]), numbers[part])
        fresh = order >= before
        y[order[fresh] - before] = sums[fresh]
        self._codes, self._numbers = codes[rows], numbers[rows]

    def _grow(self, groups: int) -> None:
        new = groups - len(self._counts)
        self._counts = np.concatenate([self._counts, np.zeros(new, np.int64)])
        none = np.zeros((new, *self.totals.shape[1:]), self._job.dtype)
        self.totals = np.concatenate([self.totals, none])

    def _scan_small(self, groups: Array, numbers: Array, lengths: Array) -> Array:
        """The sums of groups whose numbers are all there, one after the other."""
        job, options = self._job, self._job.options
        how: dict[str, Any] = {"dtype": job.dtype, "lengths": lengths, "initial": job.initial}
        how |= {"reverse": options.reverse, "precision": job.precision}
        sums: Array = cumsum.cumsum(numbers, 0, exclusive=options.exclusive, **how)
        offsets = cumsum.offsets(lengths)
        ends = offsets[:-1] if options.reverse else offsets[1:] - 1
        whole = cumsum.cumsum(numbers, 0, **how) if options.exclusive else sums
        self.totals[groups] = whole[ends]
        return sums

    def _scan_large(self, group: int, numbers: Array) -> Array:
        scan = self._job.scan_of_lines(numbers.shape[1:])
        state = self._states.get(group) or scan.begin(self._job.initial)
        sums: Array
        sums, state = scan.scan(numbers, state)
        self._states[group] = state
        self.totals[group] = scan.total(state)
        return sums
