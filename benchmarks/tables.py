"""The figures as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

CONTESTANTS = ("ours", "torch", "numpy")
Row = dict[str, Any]


def markdown(head: tuple[str, ...], rows: Iterable[Iterable[str]], words: int = 1) -> str:
    """A table whose first `words` columns are words and the others figures."""
    rule = ["---" if i < words else "---:" for i in range(len(head))]
    return "\n".join(
        [f"| {' | '.join(head)} |", f"|{'|'.join(rule)}|", *(f"| {' | '.join(r)} |" for r in rows)]
    )


def group_table(lines: list[Row]) -> str:
    """What is aimed at, what would fail, what was measured, and the row furthest behind."""
    return markdown(
        ("group", "of its rows", "the row furthest behind", "aim", "at most", "measured"),
        (
            (
                line["name"],
                f"{line['statistic']} of {line['rows']}" if line["rows"] > 1 else "",
                line["worst"] if line["rows"] > 1 else "",
                *(f"{line[key]:.2f}" for key in ("aim", "most")),
                f"**{line['measured']:.2f}**",
            )
            for line in lines
        ),
        words=3,
    )


def short_group_table(lines: list[Row]) -> str:
    """The same for the README."""
    return markdown(
        ("group", "", "aim", "at most", "measured"),
        (
            (
                line["name"],
                line["statistic"],
                *(f"{line[key]:.2f}" for key in ("aim", "most")),
                f"**{line['measured']:.2f}**",
            )
            for line in lines
        ),
        words=2,
    )


def case_table(rows: list[Row]) -> str:
    """The time of a copy, ours, and the ratios to the copy."""
    return markdown(
        ("input", "copy", "cumsum", "cumsum / copy", "torch / copy", "NumPy / copy"),
        (
            (
                row["case"]["name"],
                *(format_time(row["times"][name]) for name in ("copy", "ours")),
                f"**{format_ratio(row['ratios'].get('ours'))}**",
                *(format_ratio(row["ratios"].get(name)) for name in CONTESTANTS[1:]),
            )
            for row in rows
        ),
    )


def call_table(rows: list[Row]) -> str:
    """What one small call costs."""
    return markdown(
        ("call", "cumsum", "the library's own", "ratio"),
        (
            (
                row["name"],
                *(format_time(row[name]) for name in ("ours", "peer")),
                f"{row['ours'] / row['peer']:.2f}",
            )
            for row in rows
        ),
    )


def gradient_table(rows: list[Row]) -> str:
    """A scan, its backward call, and both beside torch's."""
    return markdown(
        ("input", "forward", "backward", "both", "torch's", "ratio"),
        (
            (
                row["name"],
                *(format_time(row[name]) for name in ("forward", "backward", "ours", "peer")),
                f"{row['ours'] / row['peer']:.2f}",
            )
            for row in rows
        ),
    )


def allocation_table(rows: list[Row]) -> str:
    """Scans that allocate their result: time and page faults."""
    return markdown(
        (
            *("input", "its copy", "cumsum", "the library's own", "ratio"),
            *("page faults", "the library's own"),
        ),
        (
            (
                row["name"],
                *(format_time(row[name]) for name in ("copy", "ours", "peer")),
                f"{row['ours'] / row['peer']:.2f}",
                *(f"{row['faults'][name]:.0f}" for name in ("ours", "peer")),
            )
            for row in rows
        ),
    )


def neighbour_table(row: Row) -> str:
    """The scan and the copy, alone and beside busy neighbours."""
    return markdown(
        (row["name"], "quiet", "busy", "slowdown"),
        (
            (
                words,
                *(format_time(row[state][name]) for state in ("quiet", "busy")),
                f"{row['slowdown'][name]:.2f}",
            )
            for name, words in (("ours", "scan"), ("copy", "copy"))
        ),
    )


def scaling_table(rows: list[Row]) -> str:
    """The ratio to the copy for each number of threads."""
    return markdown(
        ("input", "threads", "copy", "cumsum", "cumsum / copy", "speedup"),
        (
            (
                row["case"]["name"],
                str(row["threads"]),
                *(format_time(row["times"][name]) for name in ("copy", "ours")),
                f"**{format_ratio(row['ratios']['ours'])}**",
                f"{row['speedup']:.2f}",
            )
            for row in rows
        ),
    )


def ability_table(rows: list[Row]) -> str:
    """Abilities beside the plain scan, and the same by other means."""
    return markdown(
        ("ability", "plain", "ours", "ours / plain", "by other means", ""),
        (
            (
                row["name"],
                format_time(row["plain"]),
                format_time(row["ours"]),
                f"**{row['ours'] / row['plain']:.2f}**",
                format_time(row["peer"]) if "peer" in row else "–",
                row["means"],
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
    """A multiple of the copy's time; a dash where the library has no such dtype."""
    return "–" if ratio is None else f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"
