"""What the command line says and how: plain lines, one-line errors, a progress bar on long work."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

# Work on fewer bytes is over before a bar could be read.
LONG_WORK_BYTES = 256 << 20


class CommandError(Exception):
    """Work that cannot be done as asked; its message is the one line the user sees."""


def say(text: str) -> None:
    """Write a line for the user, at once: a row of a slow table should not wait in a buffer."""
    if sys.stdout is None:  # the process was started without
        raise CommandError("cannot write to standard output: it is closed")
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except OSError as error:
        drop_stdout()
        raise CommandError(f"cannot write to standard output: {error.strerror}") from error


def complain(error: object) -> None:
    """Write an error as one line, whatever line breaks its message holds."""
    if sys.stderr is not None:
        sys.stderr.write(f"cumsum: error: {' '.join(str(error).split())}\n")


def note(text: str) -> None:
    """Write a line beside the output: on standard error."""
    if sys.stderr is not None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def drop_stdout() -> None:
    """Point a broken standard output nowhere, so that the exit does not complain again."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def require(module: str, purpose: str, extra: str = "cli") -> Any:
    """Import an optional library, or say what needs it and how to get it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        raise CommandError(f"{purpose} needs {package}: pip install 'cumsum[{extra}]'") from None


@contextlib.contextmanager
def progress(label: str, nbytes: int, steps: int) -> Iterator[Callable[[], object]]:
    """Yield a function to call after each of `steps`; a bar follows it on a terminal.

    The bar shows on standard error when the work is long, rich is installed and a person is
    watching. One step has no fraction to show: the bar then only moves.
    """
    rich = rich_for(nbytes)
    if rich is None:
        yield lambda: None
        return
    columns = (rich.TextColumn(label), rich.BarColumn(), rich.TimeElapsedColumn())
    with rich.Progress(*columns, console=terminal(), transient=True) as bar:
        task = bar.add_task(label, total=steps if steps > 1 else None)
        yield lambda: bar.advance(task)


@contextlib.contextmanager
def throughput(label: str) -> Iterator[Callable[[int, int], object]]:
    """Yield a function to call with the bytes that are done, and all of them.

    A bar with the speed and the time left shows where `progress` shows one, from the first call on.
    """
    with contextlib.ExitStack() as stack:
        state: dict[str, Any] = {}

        def show(done: int, total: int) -> None:
            if not state:
                rich = state["rich"] = rich_for(total)
                if rich is not None:
                    columns = (
                        rich.TextColumn(label),
                        rich.BarColumn(),
                        rich.DownloadColumn(),
                        rich.TransferSpeedColumn(),
                        rich.TimeRemainingColumn(),
                    )
                    bar = rich.Progress(*columns, console=terminal(), transient=True)
                    state["bar"] = stack.enter_context(bar)
                    state["task"] = bar.add_task(label, total=total, completed=done)
            if "bar" in state:
                state["bar"].update(state["task"], completed=done)

        yield show


def rich_for(nbytes: int) -> Any:
    """The library for bars, if the work is long, it is installed and a person is watching."""
    if nbytes < LONG_WORK_BYTES or sys.stderr is None or not sys.stderr.isatty():
        return None
    try:
        return importlib.import_module("rich.progress")
    except ImportError:
        return None


def terminal() -> Any:
    """Where bars are drawn: on standard error."""
    return importlib.import_module("rich.console").Console(stderr=True)


def count(number: int, noun: str) -> str:
    """`1 row`, `2 rows`, `1,461 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size(nbytes: int) -> str:
    """A number of bytes in the unit that reads best."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if nbytes >= scale:
            return f"{nbytes / scale:.3g} {unit}"
    return count(nbytes, "byte")


# Of 1000, and of 1024.
UNITS = {f"{prefix}B": 1000**k for k, prefix in enumerate(("", "K", "M", "G", "T"))}
UNITS |= {f"{prefix}iB": 1024**k for k, prefix in enumerate("KMGT", 1)}


def parse_size(text: str) -> int:
    """The bytes that `1GB`, `64 MiB` or `1000` say."""
    digits = text.rstrip("BKMGTikmgtb ")
    unit = text[len(digits) :].strip()
    known = {name.lower(): scale for name, scale in UNITS.items()}
    known |= {name[0].lower(): scale for name, scale in UNITS.items() if len(name) == 2}
    try:
        number = float(digits) * (known[unit.lower()] if unit else 1)
    except (ValueError, KeyError):
        number = -1.0
    if not 0 < number < float("inf"):
        raise CommandError(f"{text!r} is not a size such as 1GB, 64MiB or 500000")
    return int(number)


def seconds(duration: float) -> str:
    """A duration in the unit that reads best."""
    for unit, scale in (("s", 1), ("ms", 1e3), ("us", 1e6)):
        if duration * scale >= 1 or unit == "us":
            return f"{duration * scale:.3g} {unit}"
    raise AssertionError("unreachable: the last unit always fits")


def number(value: Any) -> str:
    """A scanned value for a person: integers whole, the rest to six digits."""
    if isinstance(value, bool | int):
        return str(int(value))
    return f"{value:.6g}" if isinstance(value, float | complex) else str(value)
