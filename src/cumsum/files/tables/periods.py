"""Years, months, weeks and days of columns of dates, as they are written: in their own zone."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cumsum.console import CommandError, require
from cumsum.files.tables.dialect import NULLS

Place = tuple[str, str, int]  # a file, a column, and the row its values begin with
PERIODS = ("year", "quarter", "month", "week", "day", "hour")

# A date, year first, the one order without doubt; a time and an offset may follow.
DATE = r"\d{4}([-/])\d\d[-/]\d\d"
END = r"([.,]\d+)?( ?(Z|[+-]\d\d(:?\d\d)?))?"
TIME = r"([T ]\d\d(:\d\d(:\d\d([.,]\d+)?)?)?( ?(Z|[+-]\d\d(:?\d\d)?))?)?"
WRITTEN = re.compile(DATE + TIME)
FORM = "such as 2012-01-31, 2012/01/31 or 2012-01-31T10:30:00+02:00"


@dataclass(frozen=True)
class Period:
    """A kind of period; a year may begin with another month than January."""

    name: str
    start: int = 1

    def __str__(self) -> str:
        return self.name if self.start == 1 else f"{self.name}:{self.start}"

    def of(self, place: Place, column: Any, days: bool) -> tuple[Any, NDArray[np.float64] | None]:
        """The period of each date of a column, counted from 1970; and the days from its begin."""
        arrow = require("pyarrow", "--by")
        local = as_local(arrow, place, column)
        dates = values(local.cast("date32").cast("int32"))
        counted = self._count(dates, local)
        valid = None if not local.null_count else ~local.is_valid().to_numpy(zero_copy_only=False)
        since = None
        if days:
            begins = self._begins(counted)
            since = dates - begins + _seconds(local) / 86400
        return arrow.array(counted, mask=valid), since

    def _count(self, dates: NDArray[Any], local: Any) -> NDArray[np.int64]:
        days = dates.astype(np.int64)
        if self.name == "day":
            return days
        if self.name == "week":  # it begins on Monday; 1970 began on a Thursday
            return (days + 3) // 7
        if self.name == "hour":
            return days * 24 + (_seconds(local) // 3600).astype(np.int64)
        months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        return {"month": months, "quarter": months // 3, "year": (months - self.start + 1) // 12}[
            self.name
        ]

    def _begins(self, counted: NDArray[np.int64]) -> NDArray[np.float64]:
        """The day, counted from 1970, that each period begins with."""
        if self.name in {"day", "week", "hour"}:
            scale, first = {"day": (1, 0), "week": (7, -3), "hour": (1 / 24, 0)}[self.name]
            return counted.astype(np.float64) * scale + first
        each, first = {"month": (1, 0), "quarter": (3, 0), "year": (12, self.start - 1)}[self.name]
        months = (counted * each + first).astype("datetime64[M]")
        days: NDArray[np.float64] = months.astype("datetime64[D]").astype(np.float64)
        return days

    def label(self, counted: int | None) -> str | None:
        """How a period is written."""
        if counted is None:
            return None
        if self.name == "year":  # one that begins later is called by the year it ends in
            return f"{1970 + counted + (self.start > 1):04}"
        if self.name == "quarter":
            return f"{1970 + counted // 4:04}-Q{counted % 4 + 1}"
        if self.name == "week":  # ISO 8601: it is of the year that its Thursday is of
            year = np.array(counted * 7, "datetime64[D]").astype("datetime64[Y]")
            first = int(year.astype("datetime64[D]").astype(np.int64))
            return f"{year}-W{(counted * 7 - first) // 7 + 1:02}"
        unit = {"month": "M", "day": "D", "hour": "h"}[self.name]
        moment = str(np.array(counted, f"datetime64[{unit}]"))
        return moment.replace("T", " ") + (":00" if self.name == "hour" else "")


def period_of(text: str, said: str) -> Period:
    """The period that is asked for."""
    name, _, start = said.partition(":")
    months = [str(month) for month in range(1, 13)]
    if name not in PERIODS or (start and name != "year"):
        known = f"{', '.join(PERIODS)}, or year:10 for years that begin in October"
        raise CommandError(f"--by {text}: {said!r} is no period; there is {known}")
    if start and start.lstrip("0") not in months:
        raise CommandError(f"--by {text}: a year begins with a month from 1 to 12, not {start!r}")
    return Period(name, int(start or 1))


def as_local(arrow: Any, place: Place, column: Any) -> Any:
    """A column of dates as they are written: days, or times without a zone."""
    types, compute = arrow.types, require("pyarrow.compute", "--by")
    if isinstance(column, arrow.DictionaryArray):
        column = column.dictionary_decode()
    kind = column.type
    try:
        if types.is_timestamp(kind):
            local = column if kind.tz is None else compute.local_timestamp(column)
            return compute.floor_temporal(local, unit="second").cast("timestamp[s]")
        if types.is_date(kind):
            return column.cast("date32")
    except (arrow.ArrowException, ValueError) as error:
        raise CommandError(f"{place[0]}: column {place[1]!r} of {kind}: {error}") from None
    if not (types.is_string(kind) or types.is_large_string(kind) or str(kind) == "string_view"):
        raise CommandError(f"{place[0]}: column {place[1]!r} holds {kind}, no dates")
    return _parsed(arrow, compute, place, column.cast("string"))


def _parsed(arrow: Any, compute: Any, place: Place, column: Any) -> Any:
    """Texts as dates; what stands for a missing value has none."""
    shortest = compute.min_max(compute.binary_length(column))["min"].as_py()
    if shortest is not None and shortest < 10:
        missing = compute.is_in(column, value_set=arrow.array(NULLS))
        column = compute.if_else(missing, arrow.scalar(None, "string"), column)
    longest = compute.min_max(compute.binary_length(column))["max"].as_py()
    try:
        if longest is None or longest == 10:
            return _with_dashes(compute, column).cast("date32")
        column = _with_dashes(compute, column)
        with contextlib.suppress(arrow.ArrowException):
            return _of_seconds(compute, column)
        _check(compute, column, WRITTEN.pattern)
        local = compute.replace_substring_regex(column, r"^(.{10}[T ][\d:]{2,8}).*$", r"\1")
        return local.cast("timestamp[s]")
    except (arrow.ArrowException, ValueError):
        _refuse(place, column)
        raise


def _of_seconds(compute: Any, texts: Any) -> Any:
    """Times to the second, whose offsets come many times."""
    local = compute.utf8_slice_codeunits(texts, 0, 19).cast("timestamp[s]")
    ends = compute.utf8_slice_codeunits(texts, 19).dictionary_encode().dictionary
    _check(compute, ends, END)
    return local


def _check(compute: Any, texts: Any, form: str) -> None:
    if compute.all(compute.match_substring_regex(texts, f"^{form}$")).as_py() is False:
        raise ValueError


def _with_dashes(compute: Any, texts: Any) -> Any:
    """Dates with dashes in the place of slashes."""
    if not compute.any(compute.match_substring(texts, "/")).as_py():
        return texts
    return compute.replace_substring_regex(texts, r"^(\d{4})/(\d\d)/(\d\d)", r"\1-\2-\3")


def _refuse(place: Place, column: Any) -> None:
    """Name the first row that holds no date."""
    path, name, start = place
    for row, text in enumerate(column.to_pylist()):
        if text is not None and not is_date(text):
            raise CommandError(
                f"{path}: column {name!r} holds no date in row {start + row + 1:,}: {text!r}; "
                f"dates are {FORM}"
            ) from None


def is_date(text: str) -> bool:
    """Whether a text is a day that exists."""
    if not WRITTEN.fullmatch(text) or text[4] != text[7]:
        return False
    try:
        np.datetime64(text[:10].replace("/", "-"))
        np.datetime64(f"1970-01-01T{text[11:19].rstrip('Z') or '00'}")
    except ValueError:
        return False
    return True


def values(array: Any) -> NDArray[Any]:
    """The numbers of a pyarrow array, zero where there is none."""
    held: NDArray[Any] = array.fill_null(0).to_numpy(zero_copy_only=False)
    return held


def _seconds(local: Any) -> NDArray[np.float64]:
    """The seconds since midnight."""
    if str(local.type) == "date32[day]":
        return np.zeros(len(local))
    seconds: NDArray[np.float64] = np.mod(values(local.cast("int64")), 86400).astype(np.float64)
    return seconds
