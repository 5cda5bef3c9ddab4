"""One line for whatever a library raises."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence

from cumsum.console import CommandError

# Names in a message, at most.
NAMED = 50

FULL = os.strerror(errno.ENOSPC)

# What a library says may repeat all that is in a file.
LONGEST = 500


def refuse(path: str, **choices: object) -> None:
    """Refuse what is chosen by an option that this kind of file has no use for."""
    for name, value in choices.items():
        if value:
            raise CommandError(f"--{name} is not for files such as {path}")


@contextlib.contextmanager
def told(doing: str) -> Iterator[None]:
    """Turn an error of the block into a CommandError: `cannot DOING: the reason`."""
    try:
        yield
    except (CommandError, MemoryError):
        raise
    except Exception as error:  # codecs and file systems raise what they like
        raise CommandError(f"cannot {doing}: {reason(error)}") from error


def reason(error: BaseException) -> str:
    """What an error says, as one line."""
    text = " ".join(str(error).split())
    if FULL in text:
        return FULL
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (text if len(text) <= LONGEST else f"{text[:LONGEST]}...") or type(error).__name__


def among(names: Sequence[str]) -> str:
    """The end of a message that says what there is."""
    if len(names) > NAMED:
        return f"; there are {', '.join(names[:NAMED])} and {len(names) - NAMED:,} more"
    return f"; there is {', '.join(names)}" if names else "; there is none"
