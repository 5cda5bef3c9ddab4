"""A scan of a file as it is asked for: checked against what the file holds."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cumsum import _core
from cumsum import numpy as arrays
from cumsum.chunked import Scan
from cumsum.console import CommandError
from cumsum.files import journal
from cumsum.files.pieces import Costs, Piece
from cumsum.files.plain import named_dtype
from cumsum.files.store import Store
from cumsum.files.tables.columns import Table
from cumsum.initial import first_values
from cumsum.options import Options
from cumsum.precision import Precision
from cumsum.stream.form import Form


@dataclass(frozen=True)
class Job:
    """What is scanned and how.

    `initial` has one element along the scanned dim, and the dtype of the sums; `casts` says whether
    that dtype was asked for.
    """

    path: str
    shape: tuple[int, ...]
    source: np.dtype[Any]
    dim: int
    dtype: np.dtype[Any]
    casts: bool
    options: Options
    initial: NDArray[Any] | None

    def fingerprint(self) -> dict[str, Any]:
        """What the bits of the results depend on, for a journal."""
        initial = self.initial
        digest = None if initial is None else hashlib.sha256(initial.tobytes())
        return {
            "shape": list(self.shape),
            "dtype": self.source.str if self.source.kind != "V" else self.source.name,
            "dim": self.dim,
            "dtype of the sums": self.dtype.name,
            "exclusive": self.options.exclusive,
            "reverse": self.options.reverse,
            "precision": self.precision,
            "initial": digest and digest.hexdigest(),
            "version of the order of additions": journal.ORDER,
        }

    @property
    def precision(self) -> Precision:
        """As for `cumsum.cumsum`."""
        return "compensated" if self.options.compensated else None

    @property
    def nbytes(self) -> int:
        """The bytes to read and to write."""
        return math.prod(self.shape) * (self.source.itemsize + self.dtype.itemsize)

    @property
    def lines(self) -> int:
        """How many there are."""
        return math.prod(self.shape) // max(self.shape[self.dim], 1)

    @property
    def costs(self) -> Costs:
        """What an element and a line cost."""
        sizes = (self.source.itemsize, self.dtype.itemsize)
        shared = self.source == self.dtype
        foreign = 0 if self.source.isnative else sizes[0]  # turned round in a copy
        return Costs(sizes[0] if shared else sum(sizes) + foreign, self.record, max(sizes))

    @property
    def record(self) -> int:
        """The bytes of a line's record."""
        code = arrays.code_of(self.dtype)
        assert code is not None
        return _core.record_size(code, self.options.compensated)

    def scan_of(self, piece: Piece) -> Scan:
        """The scan of the panel of a piece."""
        shape = piece.shape
        return self.scan_of_lines((*shape[: self.dim], *shape[self.dim + 1 :]))

    def scan_of_lines(self, lines: tuple[int, ...]) -> Scan:
        """The scan of lines side by side."""
        source = None if self.casts else arrays.native(self.source)
        return Scan(Form("NumPy", self.dim, lines, source, self.dtype), self.options)

    def initial_of(self, piece: Piece) -> NDArray[Any] | None:
        """What the lines of a piece begin with."""
        if self.initial is None:
            return None
        where = list(piece.where)
        where[self.dim] = slice(None)
        begin: NDArray[Any] = self.initial[tuple(where)]
        return begin


def decide(
    path: str, store: Store, dim: int | None, dtype: Any, options: Options, initial: Any
) -> Job:
    """Check what is asked for."""
    shape, source = store.shape, store.dtype
    if source.kind not in "biufc" and source.name != "bfloat16":
        raise CommandError(f"{path} holds {source}, which has no sum")
    if not shape:
        raise CommandError(f"{path} holds a single value: there is no dim to scan")
    limits = f"{-len(shape)} to {len(shape) - 1}"
    if dim is None and len(shape) > 1 and not isinstance(store, Table):  # which has rows
        raise CommandError(f"{path} has shape {shape}: choose a dim from {limits}")
    dim = dim or 0
    if not -len(shape) <= dim < len(shape):
        raise CommandError(f"dim {dim} is out of range: {limits} for {len(shape)}-D input")
    axis = dim % len(shape)
    if axis and isinstance(store, Table) and store.keys is not None:
        raise CommandError(f"--by groups rows: it goes with dim 0, not dim {dim}")
    wanted = None if dtype is None else named_dtype(dtype)
    if source.kind == "c" and wanted is not None and wanted.kind != "c":
        raise CommandError(f"dtype {wanted} cannot hold the complex values of {path}")
    sample = np.broadcast_to(np.zeros((), source), shape)
    try:
        result = arrays.result_dtype(sample, wanted)
        begin = None if initial is None else first_values(initial, sample, axis, result)
    except (TypeError, ValueError, OverflowError) as error:
        raise CommandError(f"{path}: {error}") from None
    if arrays.code_of(result) is None:
        raise CommandError(f"sums of {source} as {result} are not available for files")
    return Job(path, shape, source, axis, result, dtype is not None, options, begin)
