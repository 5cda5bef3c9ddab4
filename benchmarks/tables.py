"""The figures of all processors side by side, as Markdown tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import figures as of
import groups
from cumsum import bench

Row = dict[str, Any]
Reports = dict[str, groups.Report]  # by the name of the processor
NONE = "–"


def markdown(head: tuple[str, ...], rows: Iterable[Iterable[str]], words: int = 1) -> str:
    """A table whose first `words` columns are words and the others figures."""
    rule = ["---" if i < words else "---:" for i in range(len(head))]
    return "\n".join(
        [f"| {' | '.join(head)} |", f"|{'|'.join(rule)}|", *(f"| {' | '.join(r)} |" for r in rows)]
    )


def group_table(reports: Reports, brief: bool) -> str:
    """What is aimed at, what fails, and what was measured; bold where it fails."""
    rows = (
        (
            group.name,
            group.statistic,
            *(format_bound(bound, group.least) for bound in (group.aim, group.bound)),
            *(format_measured(group.judge(report)) for report in reports.values()),
        )
        for group in groups.GROUPS
        if group.brief or not brief
    )
    return markdown(("group", "", "aim", "bound", *reports), rows, words=2)


def format_bound(bound: float | None, least: bool) -> str:
    """A bound; nothing where there is none."""
    return "" if bound is None else f"{'≥ ' if least else ''}{bound:.2f}"


def format_measured(line: Row | None) -> str:
    """What a group came to."""
    if line is None:
        return NONE
    return f"**{line['measured']:.2f}**" if line["past"] else f"{line['measured']:.2f}"


def side_by_side(first: str, reports: Reports, part: str, cell: Callable[[Row], str]) -> str:
    """The rows of a part, a column for each processor that has it."""
    columns = {name: by_name(report[part]) for name, report in reports.items() if part in report}
    return markdown(
        (first, *columns),
        (
            (name, *(cell(rows[name]) if name in rows else NONE for rows in columns.values()))
            for name in dict.fromkeys(name for rows in columns.values() for name in rows)
        ),
    )


def by_name(rows: list[Row]) -> dict[str, Row]:
    """The rows by their names."""
    return {of.name_of(row): row for row in rows}


def case_table(reports: Reports) -> str:
    """Every case beside its copy, and beside the quicker of torch and NumPy."""
    columns = [by_name(report["cases"]) for report in reports.values()]
    names = dict.fromkeys(
        [*(case.name for case in bench.CASES), *(name for rows in columns for name in rows)]
    )
    heads = [(f"{name}: / copy", "/ torch, NumPy") for name in reports]
    return markdown(
        ("input", *(head for pair in heads for head in pair)),
        (
            (name, *(cell for rows in columns for cell in case_cells(rows.get(name))))
            for name in names
        ),
    )


def case_cells(row: Row | None) -> tuple[str, str]:
    """Both ratios of a case."""
    if row is None:
        return NONE, NONE
    return format_ratio(of.to_copy(row)), format_ratio(of.to_peers(row))


def alone_cell(row: Row) -> str:
    """Nanoseconds an element, the copy's in brackets."""
    copy = 1e9 * row["times"]["copy"] / of.size(row)
    return f"{of.ns_an_element(row):.3f} ({copy:.3f})"


def peer_cell(row: Row) -> str:
    """Our time, and in brackets as a multiple of the library's own."""
    return f"{format_time(row['ours'])} ({format_ratio(of.ratio(row))})"


def ability_cell(row: Row) -> str:
    """Our time, in brackets as a multiple of the plain scan, and the time by other means."""
    ours = f"{format_time(row['ours'])} ({format_ratio(row['ours'] / row['plain'])})"
    return f"{ours}; {row['means']} {format_time(row['peer'])}" if "peer" in row else ours


def neighbour_table(reports: Reports) -> str:
    """The scan and the copy, alone and beside busy neighbours."""
    rows = {name: report["neighbour"] for name, report in reports.items() if "neighbour" in report}
    return markdown(
        ("", *rows),
        (
            (words, *(neighbour_cell(row, contestant) for row in rows.values()))
            for contestant, words in (("ours", "scan"), ("copy", "copy"))
        ),
    )


def neighbour_cell(row: Row, contestant: str) -> str:
    """A time when it is quiet and when it is busy, and their ratio."""
    quiet, busy = (format_time(row[state][contestant]) for state in ("quiet", "busy"))
    return f"{quiet}, busy {busy} ({row['slowdown'][contestant]:.2f})"


def scaling_table(rows: list[Row]) -> str:
    """The ratio to the copy for each number of threads."""
    return markdown(
        ("input", "threads", "copy", "cumsum", "cumsum / copy", "speedup"),
        (
            (
                row["case"]["name"],
                str(row["threads"]),
                *(format_time(row["times"][name]) for name in ("copy", "ours")),
                format_ratio(row["ratios"]["ours"]),
                f"{row['speedup']:.2f}",
            )
            for row in rows
        ),
    )


def format_time(seconds: float) -> str:
    """Seconds in the unit that keeps three digits readable."""
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def format_ratio(ratio: float | None) -> str:
    """A multiple; a dash where there is none."""
    return NONE if ratio is None else f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"
