"""Tables: columns that are scanned, and all others, which come back as they were."""

from __future__ import annotations

from typing import Any

from cumsum.console import CommandError
from cumsum.files.failures import refuse, told
from cumsum.files.store import Choice, Spec, suffix_of
from cumsum.files.tables import dialect
from cumsum.files.tables.arrow_out import ArrowOut
from cumsum.files.tables.arrow_table import open_arrow
from cumsum.files.tables.columns import Columns
from cumsum.files.tables.dialect import Dialect, is_text
from cumsum.files.tables.text_out import TextOut
from cumsum.files.tables.text_table import TextTable, open_texts


def open_input(path: str, choice: Choice) -> Any:
    """Open the columns of `choice`, or the only one of numbers."""
    refuse(path, member=choice.member)
    asked, suffix = choice.table, suffix_of(path)
    paths = (path, *asked.more)
    for each in paths:
        if is_text(suffix_of(each)) != is_text(suffix) or suffix_of(each) == "":
            raise CommandError(f"{each} is not of the same kind as {path}")
    names = tuple(choice.columns)
    dialect.check_distinct(path, "--column", names)
    dialect.check_distinct(path, "--by", asked.by)
    columns = Columns(names, asked.skipna, asked.missing, asked.suffix)
    if is_text(suffix):
        written = Dialect(asked.delimiter, asked.decimal, asked.comment)
        written.check()
        with told(f"read {path}"):
            return open_texts(paths, columns, asked.by, written, days=asked.days)
    for name in ("delimiter", "decimal", "comment"):
        if name in asked.options():
            raise CommandError(f"--{name} is for texts such as .csv, not for {path}")
    return open_arrow(paths, columns, asked.by, suffix, days=asked.days)


def create(path: str, spec: Spec) -> Any:
    """Create a table with the columns of the input and those of the sums."""
    suffix = suffix_of(spec.name)
    if is_text(suffix) and isinstance(spec.like, TextTable):
        delimiters = {text.dialect.delimiter for text in spec.like.texts}
        if delimiters == {Dialect(spec.choice.table.delimiter).of(suffix).delimiter}:
            return TextOut(path, spec, suffix)
    return ArrowOut(path, spec, suffix)
