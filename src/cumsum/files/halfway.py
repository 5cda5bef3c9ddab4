"""What lies beside a file that is scanned in place, and keeps all else away from it."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from cumsum.console import CommandError
from cumsum.files import journal, own
from cumsum.files.disks import sync_folder
from cumsum.files.own import ForeignError
from cumsum.files.places import resolved


@dataclass(frozen=True)
class Names:
    """The files beside one that is scanned, or was made by a scan."""

    path: Path

    @property
    def journal(self) -> Path:
        """What the job is."""
        return self.path.with_name(f".{self.path.name}.inplace")

    @property
    def done(self) -> Path:
        """Which scans in place are finished."""
        return self.path.with_name(f".{self.path.name}.done")

    @property
    def made(self) -> Path:
        """Which scan of another file made this one."""
        return self.path.with_name(f".{self.path.name}.made")

    def redo(self, index: int) -> Path:
        """The results of every other piece."""
        return self.path.with_name(f".{self.path.name}.redo{index % 2}")

    def remove(self) -> None:
        """Remove all that a scan under way has, the file is whole."""
        own.remove(self.journal)
        sync_folder(self.path.parent)
        self.remove_redo()

    def remove_redo(self) -> None:
        """Remove the results of pieces."""
        for index in (0, 1):
            own.remove(self.redo(index))


def refuse_half_done(path: str | Path) -> None:
    """Refuse a file that a scan in place was stopped in: some of it are elements, some sums."""
    left = _journal_of(resolved(path))
    if left is not None:
        advice = f"go on with --in-place --resume, or remove {left} if the file was restored"
        raise CommandError(f"{path} is half scanned in place: {advice}")


def _journal_of(path: Path) -> Path | None:
    """The journal of a file, also if its name was another one in the same folder."""
    left = Names(path).journal
    with contextlib.suppress(OSError):  # there is none, or its name would be too long for one
        os.close(own.open_found(left))
        return left
    with contextlib.suppress(OSError):
        inode = path.stat().st_ino
        for name in os.listdir(path.parent):  # noqa: PTH208 - a glob would build a path for each
            if name.startswith(".") and name.endswith(".inplace"):
                with contextlib.suppress(OSError, ForeignError):
                    if journal.inode_of(path.with_name(name)) == inode:
                        return path.with_name(name)
    return None
