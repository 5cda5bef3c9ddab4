"""What `cumsum run` tells when it is done: for a person, or for a program."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cumsum import console
from cumsum.files.report import FEW, SHOWN, Report


def as_json(report: Report, names: Sequence[str], written: Sequence[str]) -> dict[str, Any]:
    """The report for a program; numbers that JSON has not are texts."""
    return {
        "input": list(names),
        "output": list(written),
        "columns": list(report.columns),
        "by": list(report.by),
        "shape": list(report.shape),
        "dim": report.dim,
        "source": str(report.source),
        "dtype": str(report.dtype),
        "values": [_plain(value) for value in report.values],
        "totals": [_plain(value) for value in report.totals],
        "labels": list(report.labels),
        "span": [_plain(value) for value in report.span],
        "lines": report.lines,
        "bytes": report.nbytes,
        "seconds": report.seconds,
        "resumed": report.resumed,
        "already_done": report.already_done,
    }


def _plain(value: Any) -> Any:
    value = value.item()
    return value if isinstance(value, int) or _is_finite(value) else str(value)


def _is_finite(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def summary(report: Report, names: Sequence[str], written: Sequence[str]) -> str:
    """What was done, for a person."""
    what = " ".join(filter(None, [" ".join(names), ", ".join(report.columns)]))
    if report.by and not report.already_done:
        by = " and ".join(report.by)
        what += f" by {by} ({console.count(report.groups, 'group')})"
    rows = [
        ("shape", f"{report.shape}, dim {report.dim}"),
        ("dtype", f"{report.source} -> {report.dtype}"),
    ]
    if report.values:
        rows += [("values", values(report)), *totals(report)]
    clock = console.seconds(report.seconds)
    if report.nbytes >= 1e6:
        clock += f", {report.nbytes / report.seconds / 1e9:.3g} GB/s read and written"
    rows.append(("time", clock))
    if report.resumed:
        rows.append(("resumed", f"after {report.resumed:,} of {report.pieces:,} pieces"))
    if report.already_done:
        rows.append(("kept", "already done, nothing was scanned"))
        written = ()
    rows += [("wrote", path) for path in written]
    return "\n".join([what, *(f"  {name:<8}{text}" for name, text in rows)])


def values(report: Report) -> str:
    """The first values and the last one of the first line."""
    shown = [console.number(value.item()) for value in report.values]
    if len(shown) > SHOWN:
        shown.insert(-1, "...")
    return ", ".join(shown)


def totals(report: Report) -> list[tuple[str, str]]:
    """The total of each line, or their range."""
    few = report.totals if len(report.totals) <= FEW else ()
    shown = [console.number(value.item()) for value in few]
    if shown and report.labels:
        each = len(shown) // len(report.labels)
        lines = [", ".join(shown[i : i + each]) for i in range(0, len(shown), each)]
        named = [
            f"{' '.join(label.split())}  {line}"
            for label, line in zip(report.labels, lines, strict=True)
        ]
        return [("" if i else "total", text) for i, text in enumerate(named)]
    if shown:
        return [("total", ", ".join(shown))]
    if not report.span:
        return [("totals", f"of {report.lines:,} lines")]
    low, high = (console.number(value.item()) for value in report.span)
    return [("totals", f"{low} to {high} over {report.lines:,} lines")]
