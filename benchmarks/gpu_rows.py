"""Rows of JSON in a file, and processes that write them under a watch.

Whoever does some work writes that it begins, then what came of it. The parent looks at the file
alone: a process that writes nothing for too long is killed, whatever it waits for, and begun anew,
when it passes over all that has been begun. So a kernel that never ends costs one row.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Row = dict[str, Any]
BETWEEN = 120  # seconds: the least that a process is given to import, to collect, to end
ANEW = 75  # the exit status of a process that asks to be begun again
PATH, WORKER = "CARD_ROWS", "CARD_WORKER"  # what a child finds in its environment


class Rows:
    """A file of rows, each written whole and at once; several processes may write to it."""

    def __init__(self, path: Path, worker: int = 0) -> None:
        self.path, self.worker = path, worker

    @classmethod
    def of_child(cls) -> Rows:
        """The file that the parent has named, for this process."""
        return cls(Path(os.environ[PATH]), int(os.environ[WORKER]))

    def write(self, row: Row) -> None:
        """Append a row; it is in the file when this returns."""
        line = json.dumps(row | {"worker": row.get("worker", self.worker)}) + "\n"
        with self.path.open("ab", buffering=0) as file:
            file.write(line.encode())

    def read(self) -> list[Row]:
        """All rows so far; a machine that goes away may leave a part of one, which is no row."""
        if not self.path.exists():
            return []
        whole, _, _ = self.path.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def results(self) -> list[Row]:
        """The rows that say what came of something."""
        return [row for row in self.read() if "name" in row]

    def begun(self) -> set[str]:
        """The names of all that was begun."""
        return {row.get("begin") or row["name"] for row in self.read()}

    @contextmanager
    def around(self, name: str) -> Iterator[Row]:
        """Write that it begins; then the row that the body fills in, or the error it ended with.

        After a fault in a kernel no call of this process succeeds: it ends, to be begun again.
        """
        self.write({"begin": name})
        row: Row = {"name": name}
        try:
            yield row
        except Exception as error:  # noqa: BLE001 - the next may go well; the row says what it was
            row["error"] = f"{type(error).__name__}: {error}".splitlines()[0]
        self.write(row)
        if "CUDA error" in row.get("error", ""):
            raise SystemExit(ANEW)


class Child:
    """One process, and what it has begun."""

    def __init__(self, command: list[str], rows: Rows, log: Path, number: int) -> None:
        self.command, self.rows, self.log, self.number = command, rows, log, number
        self.lines, self.ended = 0, False
        self._begin()

    def _begin(self) -> None:
        names = {PATH: str(self.rows.path), WORKER: str(self.number)}
        self.heard = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=os.environ | names, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        """End it and all that it has begun; the memory and kernels of a GPU go with it."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def tend(self, status: int | None, seen: list[Row], quiet: float) -> None:
        """See whether it has written, hangs or has ended, by its status and what was then there."""
        mine = [row for row in seen if row["worker"] == self.number]
        if len(mine) > self.lines:
            self.lines, self.heard = len(mine), time.monotonic()
        open_ = mine[-1].get("begin") if mine else None
        limit = quiet if open_ else max(quiet, BETWEEN)
        if status is None and time.monotonic() - self.heard < limit:
            return
        reason = f"ended with status {status}"
        if status is None:
            self.kill()
            reason = f"killed after {limit:.0f} s without a row"
        if open_:
            self.rows.write({"name": open_, "error": reason, "worker": self.number})
        if open_ or status == ANEW:
            self._begin()
            return
        self.ended = True
        if status not in {0, 1, 5}:  # pytest's: all is well, some tests fail, there is none
            name = f"process {self.number}"
            self.rows.write({"name": name, "error": reason, "worker": self.number})


def watch(commands: list[list[str]], rows: Rows, log: Path, quiet: float) -> None:
    """Run commands at the same time until each has ended.

    Parameters
    ----------
    commands : list of list of str
        Of processes that write to `Rows.of_child()`.
    rows : Rows
        Where they do.
    log : Path
        Where what they print is appended.
    quiet : float
        The seconds after which one that has begun something is killed if it writes nothing more.
    """
    children = [Child(command, rows, log, n) for n, command in enumerate(commands)]
    try:
        while running := [child for child in children if not child.ended]:
            polled = [(child, child.process.poll()) for child in running]
            seen = rows.read()
            for child, status in polled:
                child.tend(status, seen, quiet)
            time.sleep(0.1)
    finally:
        for child in children:
            child.kill()
