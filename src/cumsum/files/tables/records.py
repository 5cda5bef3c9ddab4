"""Where the records of a delimited text begin and end, so that each can be written as it stands.

As pyarrow and Python's `csv` read it, a quote opens a field only where one begins; what ends a line
within quotes is part of the field. A record ends where an even number of such quotes lies before
the end of a line.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cumsum.files.tables.dialect import QUOTE, Dialect

Places = NDArray[np.int64]
NEWLINE, RETURN = 10, 13


class Records(NamedTuple):
    """The records of a block: where each begins and ends, and what follows its line end.

    `comments` are the lines between them that are none, as pairs of places. `open` is whether the
    block ends within quotes.
    """

    starts: Places
    ends: Places
    nexts: Places
    comments: Places
    open: bool

    @property
    def end(self) -> int:
        """What follows the last record."""
        return int(self.nexts[-1]) if len(self.nexts) else 0


def split(block: bytes, dialect: Dialect, *, last: bool) -> Records:
    """The whole records of a block; the last line of a file may lack its end."""
    data = np.frombuffer(block, np.uint8)
    breaks = _breaks(data, last=last)
    quotes = _quotes(block, data, dialect)
    within = np.searchsorted(quotes, breaks) & 1
    stops = breaks[within == 0]
    nexts = stops + 1
    if last and len(data) > (nexts[-1] if len(nexts) else 0):
        stops, nexts = np.append(stops, len(data)), np.append(nexts, len(data))
    starts = np.concatenate([np.zeros(min(1, len(nexts)), np.int64), nexts[:-1]])
    crlf = (stops > starts) & (data[stops - 1] == RETURN) & (nexts > stops) if len(stops) else stops
    ends = stops - crlf
    empty = ends == starts
    remark = np.zeros_like(empty)
    if dialect.comment and len(starts):
        first = data[np.minimum(starts, len(data) - 1)]
        remark = ~empty & (first == ord(dialect.comment))
    kept = ~(empty | remark)
    comments = np.stack([starts[remark], nexts[remark]], 1)
    return Records(starts[kept], ends[kept], nexts[kept], comments, bool(len(quotes) & 1))


def _breaks(data: NDArray[np.uint8], *, last: bool) -> Places:
    """Where lines end: at a newline, or a carriage return that none follows."""
    newline = data == NEWLINE
    returns = np.flatnonzero(data == RETURN)
    if len(returns):
        alone = returns[returns + 1 < len(data)]
        alone = alone[~newline[alone + 1]]
        if last and returns[-1] == len(data) - 1:
            alone = np.append(alone, returns[-1])
        newline[alone] = True
    return np.flatnonzero(newline)


def _quotes(block: bytes, data: NDArray[np.uint8], dialect: Dialect) -> Places:
    """The quotes that open a field or close it, in turn."""
    quotes = np.flatnonzero(data == ord(QUOTE))
    if not len(quotes):
        return quotes
    opening = quotes[::2]
    before = data[opening - 1]
    begins = (opening == 0) | (before == ord(dialect.delimiter))
    begins |= (before == NEWLINE) | (before == RETURN)
    begins[1:] |= opening[1:] == quotes[1::2][: len(opening) - 1] + 1  # the second of a pair
    commented = dialect.comment and dialect.comment.encode() in block
    if begins.all() and not commented:
        return quotes
    return _one_by_one(block, quotes.tolist(), dialect)


def _one_by_one(block: bytes, quotes: list[int], dialect: Dialect) -> Places:
    """The same where some quotes are letters like any other."""
    starts = {ord(dialect.delimiter), NEWLINE, RETURN}
    comment, counted, closed, remark = dialect.comment.encode(), [], -1, -1
    within = False
    for place in quotes:
        if place < remark:
            continue
        if within:
            within, closed = False, place
        else:
            begins = place == 0 or block[place - 1] in starts
            if not begins and (closed < 0 or place != closed + 1):
                continue
            if comment and _is_remark(block, place, closed, comment):
                ends = (block.find(sign, place) for sign in (b"\n", b"\r"))
                remark = min((end for end in ends if end >= 0), default=len(block))
                continue
            within = True
        counted.append(place)
    return np.array(counted, np.int64)


def _is_remark(block: bytes, place: int, closed: int, comment: bytes) -> bool:
    """Whether a place, which is not within quotes, lies in a line that begins with `comment`."""
    ends = (block.rfind(sign, closed + 1, place) for sign in (b"\n", b"\r"))
    line = max(ends) + 1
    return (line > 0 or closed < 0) and block.startswith(comment, line)


def without_comments(block: bytes, records: Records) -> bytes:
    """The block up to its last record, without lines that are none."""
    if not len(records.comments):
        return block[: records.end]
    parts, place = [], 0
    for start, end in records.comments.tolist():
        if start >= records.end:
            break
        parts.append(block[place:start])
        place = end
    parts.append(block[place : records.end])
    return b"".join(parts)
