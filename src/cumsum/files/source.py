"""What was read of a file as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Source:
    """What was read: the values to scan, the names they had, and the table they stood in."""

    path: Path
    values: Any
    names: tuple[str, ...] = ()
    table: Any = None


def among(names: Sequence[str]) -> str:
    """The end of a message that says what there is."""
    return f"; there is {', '.join(names)}" if names else "; there is none"
