"""`cumsum run` on files that need not fit into memory: `files.cumsum`, and what it tells."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from cumsum import console, files
from cumsum.console import CommandError
from cumsum.files.report import SHOWN, Report
from cumsum.files.store import KINDS, has_kind, is_url

# The options of such files alone.
OWN = ("memory", "resume", "in_place", "raw_dtype", "raw_shape", "raw_offset")


def is_meant(args: argparse.Namespace) -> bool:
    """Whether a file is scanned piece by piece: from a kind of file that can be, to one that can.

    What draws or groups has all in memory.
    """
    raw = args.raw_dtype is not None
    piecewise = (
        not (args.by or args.plot)
        and has_kind(args.input, raw=raw)
        and (args.in_place or (args.output and has_kind(args.output, raw=raw)))
    )
    asked = [f"--{name.replace('_', '-')}" for name in OWN if getattr(args, name)]
    if asked and not piecewise:
        kinds = ", ".join(KINDS)
        raise CommandError(
            f"{asked[0]} is for scans from {kinds} to one of them, without a picture"
        )
    if not piecewise and any(map(is_url, filter(None, (args.input, args.output)))):
        raise CommandError("URLs are read and written piece by piece, without a picture or groups")
    return bool(piecewise)


def keywords(args: argparse.Namespace) -> dict[str, Any]:
    """The keywords of `cumsum.cumsum` among the options."""
    names = ("exclusive", "reverse", "initial", "precision")
    return {name: getattr(args, name) for name in names}


def run(args: argparse.Namespace) -> None:
    """Scan a file."""
    own = {name: getattr(args, name) for name in OWN}
    with console.throughput(f"scanning {Path(str(args.input)).name}") as progress:
        report = files.cumsum(
            args.input,
            args.output,
            args.dim,
            dtype=args.dtype,
            force=args.force,
            member=args.member,
            columns=args.column,
            progress=progress,
            **keywords(args),
            **own,
        )
    console.say(summary(report))


def summary(report: Report) -> str:
    """The report that goes to standard output."""
    rows = [
        ("shape", f"{report.shape}, dim {report.dim}"),
        ("dtype", f"{report.source} -> {report.dtype}"),
    ]
    if report.values:
        rows += [("values", values(report)), totals(report)]
    rate = report.nbytes / report.seconds / 1e9
    rows.append(("time", f"{console.seconds(report.seconds)}, {rate:.3g} GB/s read and written"))
    if report.resumed:
        rows.append(("resumed", f"after {report.resumed:,} of {report.pieces:,} pieces"))
    rows.append(("wrote", report.output))
    return "\n".join([report.input, *(f"  {name:<8}{text}" for name, text in rows)])


def values(report: Report) -> str:
    """The first values and the last one of the first line."""
    shown = [console.number(value.item()) for value in report.values]
    if report.shape[report.dim] > SHOWN:
        shown.insert(-1, "...")
    return ", ".join(shown)


def totals(report: Report) -> tuple[str, str]:
    """The total of each line, or their range."""
    if report.totals:
        return "total", ", ".join(console.number(value.item()) for value in report.totals)
    if not report.span:
        return "totals", f"of {report.lines:,} lines"
    low, high = (console.number(value.item()) for value in report.span)
    return "totals", f"{low} to {high} over {report.lines:,} lines"
