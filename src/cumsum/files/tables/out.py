"""What all tables that are written have in common: a file that grows at its end."""

from __future__ import annotations

import os

from cumsum.console import require
from cumsum.files.failures import told
from cumsum.files.store import Spec
from cumsum.files.tables import sums_out
from cumsum.files.tables.dialect import packing_of


class TableOut:
    """A table whose rows go to `_sink` one after the other, and last what `_end` writes."""

    in_order = True
    beside = 0

    def __init__(self, path: str, spec: Spec, suffix: str) -> None:
        self.name, self.shape, self.dtype = spec.name, spec.shape, spec.dtype
        self.grid = (1,) * len(spec.shape)
        self.order = (1, 0) if len(spec.shape) == 2 else (0,)
        self._nullable = sums_out.nullable(spec)
        self._arrow = require("pyarrow", f"writing {suffix}")
        self._file = open(path, "xb")  # noqa: SIM115 - closed by close()
        packing = packing_of(suffix)
        self._sink = self._file
        if packing:
            self._sink = self._arrow.CompressedOutputStream(self._file, packing)

    def limit(self, _memory: int) -> int:
        """Nothing is taken beside the boxes."""
        return 0

    def sync(self) -> None:
        """Nothing: a table is whole when it is closed, and cannot be taken up again before."""

    def _end(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Write what a table ends with, and wait for the disk."""
        if self._file.closed:
            return
        with told(f"write {self.name}"):
            try:
                self._end()
                if self._sink is not self._file:
                    self._sink.close()
                if not self._file.closed:
                    self._file.flush()
                    os.fsync(self._file.fileno())
            finally:
                self._file.close()
