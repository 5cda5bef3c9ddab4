"""Outputs at URLs: what stands there instead of a partial file."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from cumsum.console import CommandError


class Remote:
    """What becomes an output elsewhere: it has its name from the start."""

    journal = None

    def __init__(self, url: str, kind: ModuleType) -> None:
        self.place = url
        self._kind = kind

    def make_folder(self) -> None:
        """Nothing: the first that is written makes it."""

    def take(self) -> None:
        """Nothing can be locked there."""

    def release(self) -> None:
        """Leave it as it is."""

    def publish(self, _record: Sequence[Any] = ()) -> None:
        """Let it be seen; no record is kept elsewhere."""
        self._kind.publish(self.place)

    def discard(self) -> None:
        """Remove it."""
        self._kind.discard(self.place)


def check_remote(url: str, kind: ModuleType, *, force: bool) -> None:
    """Refuse, before any work, an output elsewhere that must not be written."""
    if not hasattr(kind, "discard"):
        raise CommandError(f"cannot write {url}: outputs of its kind are local files")
    if not force and kind.exists(url):
        raise CommandError(f"{url} exists; give --force to replace it")
