"""How a table is written as text: its delimiter, its decimal point, its comments, its packing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cumsum.console import CommandError
from cumsum.files.failures import among
from cumsum.files.store import PACKINGS, TEXTS

QUOTE = '"'

# What stands for a missing number; nan is a number.
NULLS = ["", "NULL", "null", "NA", "N/A", "#N/A", "n/a"]


@dataclass(frozen=True)
class Dialect:
    """How the records of a text are told apart, and its numbers are written.

    `delimiter` may be left open, the kind of file says it then. Lines that begin with `comment`
    are no records.
    """

    delimiter: str = ""
    decimal: str = "."
    comment: str = ""

    def of(self, suffix: str) -> Dialect:
        """The dialect of a file of this kind."""
        return Dialect(self.delimiter or TEXTS[text_of(suffix)], self.decimal, self.comment)

    def check(self) -> None:
        """Refuse what cannot be told apart."""
        for name, sign in (("delimiter", self.delimiter), ("comment", self.comment)):
            if sign and (len(sign) != 1 or not sign.isascii() or sign in f"{QUOTE}\r\n\0"):
                raise CommandError(
                    f"{name} is {sign!r}, it must be one ASCII character, and no quote"
                )
        if self.decimal not in {".", ","}:
            raise CommandError(f"decimal is {self.decimal!r}, it must be '.' or ','")
        given = [sign for sign in (self.delimiter or ",", self.comment) if sign]
        if self.decimal == "," and self.delimiter in {"", ","}:
            raise CommandError("decimal ',' needs another delimiter, such as ';'")
        if len(set(given)) < len(given):
            raise CommandError(f"delimiter and comment are both {self.comment!r}")


def text_of(suffix: str) -> str:
    """The kind of text, without what packs it: `.csv` of `.csv.gz`."""
    return "." + suffix.split(".")[1]


def packing_of(suffix: str) -> str | None:
    """What packs files of a kind, as pyarrow calls it."""
    return PACKINGS.get("." + suffix.rpartition(".")[2])


def is_text(suffix: str) -> bool:
    """Whether a kind of table is text."""
    return text_of(suffix) in TEXTS if suffix else False


def place_of(path: str, names: list[str], name: str) -> int:
    """Where the one column of a name is."""
    if names.count(name) != 1:
        problem = "several columns" if name in names else "no column"
        raise CommandError(f"{path} has {problem} {name!r}{among(names)}{hint(names)}")
    return names.index(name)


def hint(names: list[str]) -> str:
    """What may be meant where all of a header is one field."""
    found = next((sign for sign in ";\t|," if sign in names[0]), None) if len(names) == 1 else None
    return f"; is --delimiter {found!r} meant?" if found else ""


def check_distinct(path: str, option: str, names: Any) -> None:
    """Refuse a column that is named twice."""
    for i, name in enumerate(names):
        if name in names[:i]:
            raise CommandError(f"{path}: {option} {name!r} is given twice")
