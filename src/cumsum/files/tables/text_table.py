"""The chosen columns of texts, which follow each other where they are several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cumsum.console import CommandError, require
from cumsum.files.store import suffix_of
from cumsum.files.tables import keys as grouping
from cumsum.files.tables.columns import POOL_BYTES, Columns, Table, numbered
from cumsum.files.tables.dialect import NULLS, Dialect, place_of
from cumsum.files.tables.keys import NONE, Keys
from cumsum.files.tables.text import BLOCK_BYTES, Block, Text, UnreadError
from cumsum.files.tables.values import only_numeric_column

# A block, its copies on the way to pyarrow and back, and what pyarrow makes of it.
COPIES = 8

# The types that a column of numbers is tried as, in turn: any integer is a double as well.
KINDS = ("int64", "bool", "uint64", "double")


class TextTable(Table):
    """Columns of one text, or of several with the same header."""

    def __init__(self, texts: Sequence[Text], columns: Columns, keys: Keys | None) -> None:
        self.texts = texts
        self.header = texts[0].header
        self._scanned = [place_of(texts[0].path, self.header, name) for name in columns.names]
        kinds, rows = survey(texts, self._scanned)
        self._kinds = [kinds[place] for place in self._scanned]
        aliases = require("pyarrow", "tables").type_for_alias
        super().__init__(named(texts), columns, list(map(aliases, self._kinds)), rows, keys)
        by = () if keys is None else keys.by
        self._grouped = [place_of(self.path, self.header, held.column) for held in by]

    def _stream(self) -> Iterator[Any]:
        """Numbers and keys; then all columns, those of no numbers as texts, or raw records."""
        kinds = dict.fromkeys(self._grouped, "string")
        if self.kept == "table":
            kinds = dict.fromkeys(range(len(self.header)), "string")
        kinds |= dict(zip(self._scanned, self._kinds, strict=True))
        for text in self.texts:
            for block in text.blocks():
                held = text.parse(block, kinds)
                columns = [held.column(str(place)) for place in self._scanned]
                columns += [self._text(text, block, held, place) for place in self._grouped]
                if self.kept == "table":
                    columns += [held.column(str(place)) for place in range(len(self.header))]
                elif self.kept:
                    columns += text.raw(block, followed=text is not self.texts[-1])
                yield numbered(columns)
        arrow = require("pyarrow", "reading .csv")
        yield numbered([arrow.array([], arrow.type_for_alias(kind)) for kind in self._empty()])

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """The names and types of all columns: numbers where they are scanned, else texts."""
        scanned = dict(zip(self._scanned, self._kinds, strict=True))
        return [(name, scanned.get(i, "string")) for i, name in enumerate(self.header)]

    def _empty(self) -> list[str]:
        """The types of all columns, of no rows."""
        kept = {"table": [kind for _, kind in self.kinds], "raw": ["binary", "binary"]}
        return [*self._kinds, *["string"] * len(self._grouped), *kept.get(self.kept, [])]

    def _text(self, text: Text, block: Block, held: Any, place: int) -> Any:
        """A column as it is written, also where it is scanned."""
        if place in self._scanned:
            return text.parse(block, {place: "string"}).column(0)
        return held.column(str(place))

    def _row_bytes(self) -> int:
        size = sum(Path(text.path).stat().st_size for text in self.texts)
        return 3 * size // max(1, self.rows) + 8 * len(self.header)

    def limit(self, memory: int) -> int:
        """What it takes; it cannot do with less."""
        return POOL_BYTES + COPIES * BLOCK_BYTES


def named(inputs: Sequence[Any]) -> str:
    """How several inputs are called."""
    first: str = inputs[0].path
    return first if len(inputs) == 1 else f"{first} and {len(inputs) - 1} more"


def open_texts(
    paths: Sequence[str], columns: Columns, by: tuple[str, ...], dialect: Dialect, *, days: bool
) -> TextTable:
    """Open texts to scan columns of them."""
    texts = [Text(path, dialect.of(suffix_of(path)), suffix_of(path)) for path in paths]
    header = texts[0].header
    for text in texts[1:]:
        if text.header != header:
            raise CommandError(f"{text.path} has other columns than {texts[0].path}")
    if not columns.names:
        names = only_numeric_column(named(texts), guessed(texts[0]))
        columns = columns.named(names)
    keys = None
    if by:
        asked = grouping.parse(named(texts), by, header)
        keys = Keys(named(texts), asked, days=days, empty=NONE)
    return TextTable(texts, columns, keys)


def guessed(text: Text) -> Any:
    """The types that the columns seem to have, by the first rows."""
    csv, arrow = require("pyarrow.csv", "reading .csv"), require("pyarrow", "reading .csv")
    block = next(text.blocks(), None)
    if block is None:
        return arrow.schema([(name, arrow.null()) for name in text.header])
    kinds = csv.ConvertOptions(null_values=NULLS, decimal_point=text.dialect.decimal)
    held = text.parse(block, dict.fromkeys(range(len(text.header)), "string"))
    plain = arrow.BufferReader(_plain(csv, held))
    return arrow.schema(
        zip(text.header, csv.read_csv(plain, convert_options=kinds).schema.types, strict=True)
    )


def _plain(csv: Any, table: Any) -> Any:
    """A table as a .csv of the usual form."""
    sink = require("pyarrow", "reading .csv").BufferOutputStream()
    csv.write_csv(table, sink, csv.WriteOptions(quoting_style="needed"))
    return sink.getvalue()


def survey(texts: Sequence[Text], places: Sequence[int]) -> tuple[dict[int, str], int]:
    """The types of columns of numbers that hold for every row, and how many rows there are."""
    kinds = dict.fromkeys(places, KINDS[0])
    while True:
        rows, again = 0, False
        for text in texts:
            for block in text.blocks():
                check_decimal(text, block, places)
                while True:
                    try:
                        text.parse(block, kinds)
                        break
                    except UnreadError as error:
                        place = looser(text, block, kinds, error)
                        again |= kinds[place] != "double" and rows > 0
                rows += len(block.records.starts)
        if not again:
            return kinds, rows


def check_decimal(text: Text, block: Block, places: Sequence[int]) -> None:
    """Refuse hexadecimal digits, of which pyarrow makes integers: they are names, as a rule."""
    if b"0x" not in block.content and b"0X" not in block.content:
        return
    held = text.parse(block, dict.fromkeys(places, "string"))
    for place in places:
        cells = held.column(str(place)).to_pylist()
        for row, cell in enumerate(cells):
            if cell.strip().lower().startswith("0x"):
                where = f"{text.path}, line {block.line_of(row):,}"
                what = f"column {text.header[place]!r} holds {cell!r}, which is no number"
                raise CommandError(f"{where}: {what}")


def looser(text: Text, block: Block, kinds: dict[int, str], error: UnreadError) -> int:
    """Give the column that a value did not fit the next type that a block has; its place."""
    for place, kind in kinds.items():
        for wider in KINDS[KINDS.index(kind) :]:
            try:
                text.parse(block, {place: wider})
            except UnreadError as unread:
                error = unread
                continue
            if wider != kind:
                kinds[place] = wider
                return place
            break
        else:
            raise error.told(text)
    raise error.told(text)
