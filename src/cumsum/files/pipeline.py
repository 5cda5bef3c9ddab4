"""Reading, scanning and writing at the same time.

    a thread: read -> the caller: scan -> a thread: write -> the memory is read into again

An error in any of the three, Ctrl-C among them, ends all: pieces that are under way are finished,
no other is begun.
"""

from __future__ import annotations

import contextlib
import mmap
import threading
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cumsum.files.pieces import Piece


class Slot:
    """Memory for the elements of a piece and for its results, the same if their dtype is."""

    def __init__(self, elements: int, source: np.dtype[Any], result: np.dtype[Any]) -> None:
        self._source, self._result = source, result
        self._x = _memory(elements * source.itemsize)
        self._y = self._x if source == result else _memory(elements * result.itemsize)

    def x(self, piece: Piece, order: tuple[int, ...]) -> NDArray[Any]:
        """An array for the elements of a piece, whose dims lie as they do in the file."""
        return _lying(self._x, piece.shape, self._source, order)

    def y(self, piece: Piece, order: tuple[int, ...]) -> NDArray[Any]:
        """An array for its results."""
        return _lying(self._y, piece.shape, self._result, order)


def _memory(nbytes: int) -> mmap.mmap:
    """Memory that begins with a page, in huge ones where the system has them."""
    memory = mmap.mmap(-1, max(nbytes, 1))
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with contextlib.suppress(OSError):
            memory.madvise(mmap.MADV_HUGEPAGE)
    return memory


def _lying(
    memory: mmap.mmap, shape: tuple[int, ...], dtype: np.dtype[Any], order: tuple[int, ...]
) -> NDArray[Any]:
    lying = np.ndarray([shape[dim] for dim in order], dtype, memory)
    return lying.transpose([order.index(dim) for dim in range(len(order))])


class Flow:
    """The pieces of an array on their way; `write` is given what `scan` returned."""

    def __init__(
        self,
        read: Callable[[Piece, Slot], object],
        scan: Callable[[Piece, Slot], object],
        write: Callable[[Piece, Slot, Any], object],
    ) -> None:
        self._read, self._scan, self._write = read, scan, write
        self._spare: SimpleQueue[Slot | None] = SimpleQueue()
        self._loaded: SimpleQueue[tuple[Piece, Slot] | None] = SimpleQueue()
        self._scanned: SimpleQueue[tuple[Piece, Slot, Any] | None] = SimpleQueue()
        self._over = threading.Event()
        self._errors: list[BaseException] = []

    def run(self, pieces: Iterable[Piece], slots: Iterable[Slot]) -> None:
        """Take each piece through all three, in order."""
        for slot in slots:
            self._spare.put(slot)
        reader = self._thread("reader", lambda: self._read_all(pieces))
        writer = self._thread("writer", self._write_all)
        try:
            reader.start()
            writer.start()
            while (loaded := self._loaded.get()) is not None and not self._over.is_set():
                self._scanned.put((*loaded, self._scan(*loaded)))
            self._scanned.put(None)
            writer.join()
        finally:
            self._end()
            for thread in (reader, writer):
                if thread.ident is not None:  # it has been started
                    thread.join()
        if self._errors:
            raise self._errors[0]

    def _read_all(self, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            slot = self._spare.get()
            if slot is None or self._over.is_set():
                return
            self._read(piece, slot)
            self._loaded.put((piece, slot))
        self._loaded.put(None)

    def _write_all(self) -> None:
        while (scanned := self._scanned.get()) is not None and not self._over.is_set():
            self._write(*scanned)
            self._spare.put(scanned[1])

    def _thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        def guarded() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - `run` raises it again
                self._errors.append(error)
                self._end()

        return threading.Thread(target=guarded, name=f"cumsum {name}", daemon=True)

    def _end(self) -> None:
        self._over.set()
        for queue in (self._spare, self._loaded, self._scanned):
            queue.put(None)
