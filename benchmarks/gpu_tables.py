"""The figures of a GPU as lines and as tables."""

from __future__ import annotations

from math import exp, log
from typing import Any

import gpu_sweep
from tables import format_ratio, format_time, markdown

Row = dict[str, Any]
START, END = "<!-- gpu:start -->", "<!-- gpu:end -->"
PEERS = ("torch", "cub")


def line(row: Row) -> str:
    """One case, in microseconds."""
    if "error" in row:
        return f"{row['name']:36} {row['error']}"
    figures = [row.get(name) for name in ("copy", "ours", *PEERS)]
    times = " ".join("         -" if t is None else f"{t * 1e6:10.1f}" for t in figures)
    return f"{row['name']:36} {times} us, {ratio(row):.2f} copies, aim {row['aim']:.2f}"


def sweep_line(row: Row) -> str:
    """One choice for a case."""
    figure = row["error"] if "error" in row else f"{row['seconds'] * 1e6:.1f} us"
    return f"{row['name']:32} {words(row['choices']):40} {figure}"


def words(choices: Row) -> str:
    """Choices of the policy."""
    return ", ".join(f"{name}={value}" for name, value in choices.items()) or "the policy's"


def ratio(row: Row) -> float:
    """Ours as a multiple of a copy's time."""
    return float(row["ours"] / row["copy"])


def mean_ratio(rows: list[Row]) -> float:
    """The geometric mean of all."""
    return exp(sum(log(ratio(row)) for row in rows) / len(rows))


def case_table(rows: list[Row]) -> str:
    """Ours, the copy, and others."""
    return markdown(
        ("input", "copy", "cumsum", "cumsum / copy", "aim", "torch / copy", "CUB / copy", "bytes"),
        (
            (
                row["name"],
                *(format_time(row[name]) for name in ("copy", "ours")),
                f"**{ratio(row):.2f}**",
                f"{row['aim']:.2f}",
                *(format_ratio(row[name] / row["copy"] if name in row else None) for name in PEERS),
                f"{row['bytes'] / row['ours'] / 1e12:.2f} TB/s",
            )
            for row in rows
        ),
    )


def sweep_table(rows: list[Row]) -> str:
    """What the policy gives, and the best of what was tried."""
    return markdown(
        ("input", "best", "time", "the policy's", "ratio"),
        (
            (
                row["name"],
                words(row["choices"]),
                format_time(row["seconds"]),
                format_time(row["policy"]),
                f"{row['policy'] / row['seconds']:.2f}",
            )
            for row in gpu_sweep.best(rows)
        ),
        words=2,
    )


def section(report: Row) -> str:
    """What stands between the marks."""
    about, rows = report["machine"], [row for row in report["cases"] if "error" not in row]
    tests = {True: "all tests pass on it", False: "**tests fail on it**", None: "tests not run"}
    card = f"{about['card']}, {about['cores']} multiprocessors, runtime {about['runtime']}"
    versions = f"cumsum {about['cumsum']}, torch {about['torch']}, Triton {about['triton']}"
    parts = [f"{card}; {versions}; {tests[report.get('passed')]}.", case_table(rows)]
    if rows:
        parts.append(f"The geometric mean of the multiples of a copy is {mean_ratio(rows):.2f}.")
    calls = report["calls"]
    parts.append(
        f"A call on 1000 elements keeps the host busy for {format_time(calls['ours'])}, "
        f"torch's own for {format_time(calls['peer'])}."
    )
    if report["sweep"]:
        parts.append(sweep_table(report["sweep"]))
    parts += [f"Not measured: {r['name']}: {r['error']}" for r in report["cases"] if "error" in r]
    return "\n\n".join(parts)


def between_marks(text: str, content: str) -> str:
    """`text` with what stands between the marks replaced."""
    head, start, rest = text.partition(START)
    _, end, tail = rest.partition(END)
    if not (start and end):
        raise ValueError(f"the page must hold {START} and {END}")
    return f"{head}{START}\n{content}\n{END}{tail}"
