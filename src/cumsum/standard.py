"""Standard input and output as files: `-` on the command line.

A table is read twice, and an output appears when it is whole. So what comes from a pipe is kept in
a temporary file, and so is what goes to one.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from cumsum import console
from cumsum.console import CommandError
from cumsum.files.store import KINDS

NAME = "-"
INPUT, OUTPUT = "standard input", "standard output"

Place = str | Path


def is_standard(place: Place | None) -> bool:
    """Whether a file is standard input or output."""
    return str(place) == NAME


@contextlib.contextmanager
def kept(
    inputs: Sequence[Place], output: Place | None, form: str | None
) -> Iterator[tuple[list[Place], Place | None]]:
    """Yield files in the place of `-`; what was written goes on when the block ends well."""
    coming, going = sum(map(is_standard, inputs)), is_standard(output)
    if not (coming or going):
        if form is not None:
            raise CommandError("--format says what - is; other files have names that say it")
        yield list(inputs), output
        return
    suffix = f".{(form or 'csv').removeprefix('.').lower()}"
    if suffix not in KINDS or suffix == ".zarr":
        kinds = ", ".join(kind.removeprefix(".") for kind in KINDS if kind != ".zarr")
        raise CommandError(f"--format {form} is not one of {kinds}")
    if coming > 1:
        raise CommandError(f"{INPUT} can be read once")
    with tempfile.TemporaryDirectory(prefix="cumsum-") as folder:
        read, written = (Path(folder, f"{name}{suffix}") for name in ("input", "output"))
        names = {str(read.resolve()): INPUT, str(written.resolve()): OUTPUT}
        try:
            if coming:
                _keep(read)
            places = [read if is_standard(place) else place for place in inputs]
            yield places, written if going else output
        except CommandError as error:
            raise CommandError(named(str(error), names)) from error
        if going:
            _pass_on(written)


def named(text: str, names: dict[str, str]) -> str:
    """A message with the names that a user knows."""
    for path, name in names.items():
        text = text.replace(path, name)
    return text


def _keep(path: Path) -> None:
    if sys.stdin is None:
        raise CommandError(f"cannot read {INPUT}: it is closed")
    if sys.stdin.isatty():
        console.note("reading standard input; end it with Ctrl-D")
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file, 1 << 20)


def _pass_on(path: Path) -> None:
    if sys.stdout is None:
        raise CommandError(f"cannot write {OUTPUT}: it is closed")
    try:
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer, 1 << 20)
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # whoever reads, as `head`, has enough
        console.drop_stdout()
    except OSError as error:
        console.drop_stdout()
        raise CommandError(f"cannot write {OUTPUT}: {error.strerror or error}") from error
