"""What lies beside a file that is scanned in place, and keeps all else away from it."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from cumsum.console import CommandError
from cumsum.files import journal
from cumsum.files.disks import sync_folder


@dataclass(frozen=True)
class Names:
    """The files beside one that is scanned in place."""

    path: Path

    @property
    def journal(self) -> Path:
        """What the job is."""
        return self.path.with_name(f".{self.path.name}.inplace")

    def redo(self, index: int) -> Path:
        """The results of every other piece."""
        return self.path.with_name(f".{self.path.name}.redo{index % 2}")

    def remove(self) -> None:
        """Remove all, the file is whole."""
        self.journal.unlink(missing_ok=True)
        sync_folder(self.path.parent)
        self.remove_redo()

    def remove_redo(self) -> None:
        """Remove the results of pieces."""
        for index in (0, 1):
            self.redo(index).unlink(missing_ok=True)


def refuse_half_done(path: str | Path) -> None:
    """Refuse a file that a scan in place was stopped in: some of it are elements, some sums."""
    left = _journal_of(Path(path).resolve())
    if left is not None:
        advice = f"go on with --in-place --resume, or remove {left} if the file was restored"
        raise CommandError(f"{path} is half scanned in place: {advice}")


def _journal_of(path: Path) -> Path | None:
    """The journal of a file, also if its name was another one in the same folder."""
    left = Names(path).journal
    if left.exists():
        return left
    with contextlib.suppress(OSError):
        inode = path.stat().st_ino
        for name in os.listdir(path.parent):  # noqa: PTH208 - a glob would build a path for each
            if name.startswith(".") and name.endswith(".inplace"):
                entry = journal.read(path.with_name(name))
                if entry is not None and entry.fingerprint.get("inode") == inode:
                    return path.with_name(name)
    return None
