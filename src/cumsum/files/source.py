"""What was read of a file as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Names in a message, at most.
NAMED = 50


@dataclass(frozen=True)
class Source:
    """What was read: the values to scan, the names they had, and the table they stood in."""

    path: Path
    values: Any
    names: tuple[str, ...] = ()
    table: Any = None


def among(names: Sequence[str]) -> str:
    """The end of a message that says what there is."""
    if len(names) > NAMED:
        return f"; there are {', '.join(names[:NAMED])} and {len(names) - NAMED:,} more"
    return f"; there is {', '.join(names)}" if names else "; there is none"
