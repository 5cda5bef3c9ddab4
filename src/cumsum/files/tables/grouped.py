"""The scan of a table whose rows are of groups: each group has a sum of its own.

The bits are those of a stable sort by group and `lengths=`. A table that is one piece is scanned
so. Else something is remembered of each group: while it has few rows, the chain of its tile and
the numbers of its group of eight (`docs/accuracy.md` has the words), so that one call scans all
such groups together; later its state.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import cumsum
from cumsum.chunked import Scan
from cumsum.files.job import Job
from cumsum.files.tables.keys import Keys
from cumsum.spec import TILE
from cumsum.stream.form import Form, State

EIGHT = 8
# A group with more rows than this reaches a tile's end, and is remembered by its state.
FEW = TILE - EIGHT

# Bytes of a group: its label and number, its total, its chain and numbers or its state.
GROUP_BYTES = 400
# Bytes of a row: its group's number, its place in the order of groups, copies of its number.
ROW_BYTES = 40

Array = NDArray[Any]


class Grouped:
    """Scans the rows of a table, piece after piece."""

    def __init__(self, job: Job, keys: Keys, *, whole: bool) -> None:
        self._job, self._keys, self._whole = job, keys, whole
        self._dtype = _carried(job.dtype)
        inner = job.shape[1:]
        self._scan = Scan(Form("NumPy", 0, inner, None, self._dtype), job.options)
        # Chains are numbers of the dtype that is carried, except those of 16-bit floats and pairs.
        short = self._dtype.kind in "fV" and self._dtype.itemsize == 2
        simple = not (job.options.compensated or short)
        self._few = FEW if simple else 0
        self._counts = np.empty(0, np.int64)  # of the rows that each group has had
        self._chains = np.empty((0, *inner), self._dtype)
        self._eights = np.empty((0, EIGHT - 1, *inner), self._dtype)
        self._states: dict[int, State] = {}
        self.totals = np.empty((0, *inner), job.dtype)
        self.codes = self._counts  # of the rows of the last piece
        self.days: NDArray[np.float64] | None = None

    def scan(self, x: Array, y: Array) -> None:
        """Write the sums of a piece to `y`, which may be `x`."""
        self.codes, self.days = self._keys.take()
        if not len(self.codes):
            return
        order = np.argsort(self.codes, kind="stable")
        codes = self.codes[order]
        starts = np.flatnonzero(np.diff(codes, prepend=-1))
        lengths = np.diff(starts, append=len(codes))
        groups = codes[starts]
        self._grow(len(self._keys.labels))
        if self._whole:
            y[order] = self._scan_whole(groups, x[order], lengths)
            return
        numbers = self._cast(x[order])
        sums = np.empty(numbers.shape, self._dtype)
        small = self._counts[groups] + lengths <= self._few
        rows = np.repeat(small, lengths)
        sums[rows] = self._scan_small(groups[small], numbers[rows], lengths[small])
        for i in np.flatnonzero(~small).tolist():
            part = slice(starts[i], starts[i] + lengths[i])
            sums[part] = self._scan_large(int(groups[i]), numbers[part])
        self._counts[groups] += lengths
        with np.errstate(all="ignore"):  # a float32 sum may be infinite
            y[order] = sums

    def _cast(self, numbers: Array) -> Array:
        """Numbers in the dtype that is carried, by way of that of the sums."""
        if self._job.source != self._job.dtype:
            each = np.ones(len(numbers), np.int64)
            numbers = cumsum.cumsum(numbers, 0, dtype=self._job.dtype, lengths=each)
        return numbers.astype(self._dtype, copy=False)

    def _grow(self, groups: int) -> None:
        new = groups - len(self._counts)
        for name in ("_counts", "_chains", "_eights", "totals"):
            held = getattr(self, name)
            zeros = np.zeros((new, *held.shape[1:]), held.dtype)
            setattr(self, name, np.concatenate([held, zeros]))

    def _scan_whole(self, groups: Array, numbers: Array, lengths: Array) -> Array:
        """The sums of all groups, one after the other."""
        job, options = self._job, self._job.options
        how: dict[str, Any] = {"dtype": job.dtype, "lengths": lengths, "initial": job.initial}
        how |= {"reverse": options.reverse, "precision": job.precision}
        sums: Array = cumsum.cumsum(numbers, 0, exclusive=options.exclusive, **how)
        offsets = cumsum.offsets(lengths)
        ends = offsets[:-1] if options.reverse else offsets[1:] - 1
        inclusive = cumsum.cumsum(numbers, 0, **how) if options.exclusive else sums
        self.totals[groups] = inclusive[ends]
        return sums

    def _scan_small(self, groups: Array, numbers: Array, lengths: Array) -> Array:
        """The sums of groups that stay within a tile.

        What was remembered of each stands before its numbers: its chain as a group of eight, whose
        sum that is, and the numbers that follow it. The place of a row is counted from there.
        """
        counts = self._counts[groups]
        whole = np.where(counts >= EIGHT, EIGHT, 0)
        before = whole + counts % EIGHT
        starts = cumsum.offsets(before + lengths)
        held = np.zeros((starts[-1], *numbers.shape[1:]), self._dtype)
        starts, firsts = starts[:-1], cumsum.offsets(lengths)
        long = counts >= EIGHT
        held[starts[long]] = self._chains[groups[long]]
        for i in range(EIGHT - 1):
            some = counts % EIGHT > i
            held[(starts + whole)[some] + i] = self._eights[groups[some], i]
        rows = np.arange(len(numbers)) + np.repeat(starts + before - firsts[:-1], lengths)
        held[rows] = numbers
        sums = cumsum.cumsum(held, 0, lengths=before + lengths, dtype=self._dtype)
        self._remember(groups, lengths, held, sums, starts + whole - counts // EIGHT * EIGHT)
        with np.errstate(all="ignore"):
            self.totals[groups] = self._begun(sums[rows[firsts[1:] - 1]])
        if not self._job.options.exclusive:
            return self._begun(sums[rows])
        found = self._begun(sums[rows - 1])
        found[firsts[:-1][counts == 0]] = 0 if self._job.initial is None else self._job.initial[0]
        return found

    def _begun(self, sums: Array) -> Array:
        """Sums with what they begin with, the carry of the tile."""
        return sums if self._job.initial is None else self._job.initial.astype(self._dtype) + sums

    def _remember(
        self, groups: Array, lengths: Array, held: Array, sums: Array, zero: Array
    ) -> None:
        """Note the chains and the numbers after them; row 0 of a group is at `zero`."""
        after = self._counts[groups] + lengths
        edge = after // EIGHT * EIGHT
        long = edge > 0
        self._chains[groups[long]] = sums[(zero + edge - 1)[long]]
        for i in range(EIGHT - 1):
            some = after % EIGHT > i
            self._eights[groups[some], i] = held[(zero + edge + i)[some]]

    def _scan_large(self, group: int, numbers: Array) -> Array:
        """The sums of a group that has a state, or gets one."""
        state = self._states.get(group) or self._state_of(group)
        sums: Array
        sums, state = self._scan.scan(numbers, state)
        self._states[group] = state
        self.totals[group] = self._scan.total(state)
        return sums

    def _state_of(self, group: int) -> State:
        """The state of a group that was remembered by its chain: that of what stood before it."""
        count = int(self._counts[group])
        state = self._scan.begin(self._job.initial)
        if not count:
            return state
        chain = np.zeros((EIGHT, *self._chains.shape[1:]), self._dtype)
        chain[0] = self._chains[group]
        parts = [chain] if count >= EIGHT else []
        before = np.concatenate([*parts, self._eights[group, : count % EIGHT]])
        _, state = self._scan.scan(before, state)
        return State(state.form, state.records, count)


def _carried(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype that sums are carried in; float32 ones are rounded once, at the end."""
    return {np.dtype("f4"): np.dtype("f8"), np.dtype("c8"): np.dtype("c16")}.get(dtype, dtype)
