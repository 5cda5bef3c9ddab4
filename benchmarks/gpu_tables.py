"""The rows of a GPU as lines and as tables."""

from __future__ import annotations

from collections import Counter
from math import exp, log
from typing import Any

from tables import format_ratio, format_time, markdown

Row = dict[str, Any]
START, END = "<!-- gpu:start -->", "<!-- gpu:end -->"
PEERS = ("torch", "cub")


def is_bad(row: Row) -> bool:
    """Whether something went wrong."""
    return "error" in row


def counted(rows: list[Row]) -> str:
    """What came of all."""
    counts = Counter(row.get("outcome", "done") for row in rows if not is_bad(row))
    counts["failed"] = sum(map(is_bad, rows))
    names = ("done", "passed", "skipped", "failed")
    words = [f"{counts[name]} {name}" for name in names if counts[name] or name == "failed"]
    return ", ".join(words)


def words(choices: Row) -> str:
    """Choices of the policy."""
    return ", ".join(f"{name}={value}" for name, value in choices.items()) or "the policy's"


def mean_ratio(rows: list[Row]) -> float:
    """The geometric mean of all."""
    return exp(sum(log(row["ratios"]["ours"]) for row in rows) / len(rows))


def case_table(rows: list[Row]) -> str:
    """Ours, the copy, and others."""
    return markdown(
        ("input", "copy", "cumsum", "cumsum / copy", "aim", "torch / copy", "CUB / copy", "bytes"),
        (
            (
                row["name"],
                *(format_time(row[name]) for name in ("copy", "ours")),
                f"**{row['ratios']['ours']:.2f}**",
                f"{row['aim']:.2f}",
                *(format_ratio(row["ratios"].get(name)) for name in PEERS),
                f"{row['bytes'] / row['ours'] / 1e12:.2f} TB/s",
            )
            for row in rows
        ),
    )


def call_table(rows: list[Row]) -> str:
    """What calls on few elements cost."""
    return markdown(
        ("elements", "host, cumsum", "host, torch", "GPU, cumsum", "GPU, torch"),
        (
            (
                f"{row['elements']:,}",
                *(format_time(row["host"][name]) for name in ("ours", "torch")),
                *(format_time(row["device"][name]) for name in ("ours", "torch")),
            )
            for row in rows
        ),
    )


def best(rows: list[Row]) -> list[Row]:
    """The best choices of each case beside what the policy has."""
    found = []
    for name in dict.fromkeys(row["case"] for row in rows):
        those = [row for row in rows if row["case"] == name and "seconds" in row]
        own = [row for row in those if not row["choices"]]
        if those and own:
            fastest = min(those, key=lambda row: float(row["seconds"]))
            found.append({**fastest, "policy": own[0]["seconds"]})
    return found


def sweep_table(rows: list[Row]) -> str:
    """What the policy gives, and the best of what was tried."""
    return markdown(
        ("input", "best", "time", "the policy's", "ratio"),
        (
            (
                row["case"],
                words(row["choices"]),
                format_time(row["seconds"]),
                format_time(row["policy"]),
                f"{row['policy'] / row['seconds']:.2f}",
            )
            for row in best(rows)
        ),
        words=2,
    )


def section(report: Row) -> str:
    """What stands between the marks."""
    about, rows = report["machine"], [row for row in report["cases"] if not is_bad(row)]
    card = f"{about['card']}, {about['cores']} multiprocessors, runtime {about['runtime']}"
    versions = f"cumsum {about['cumsum']}, torch {about['torch']}, Triton {about['triton']}"
    parts = [f"{card}; {versions}."]
    checks = report["checks"]
    counts = [f"{name}: {found['counts']}" for name, found in checks.items()]
    parts.append("; ".join(counts) + "." if counts else "Nothing was tested.")
    parts += [f"**Wrong**: {bad}" for found in checks.values() for bad in found["bad"]]
    if rows:
        parts.append(case_table(rows))
        parts.append(f"The geometric mean of the multiples of a copy is {mean_ratio(rows):.2f}.")
    if report["calls"]:
        parts.append(call_table(report["calls"]))
    if report["sweep"]:
        parts.append(sweep_table(report["sweep"]))
    parts += [f"Not measured: {r['name']}: {r['error']}" for r in report["cases"] if is_bad(r)]
    return "\n\n".join(parts)


def between_marks(text: str, content: str) -> str:
    """`text` with what stands between the marks replaced."""
    head, start, rest = text.partition(START)
    _, end, tail = rest.partition(END)
    if not (start and end):
        raise ValueError(f"the page must hold {START} and {END}")
    return f"{head}{START}\n{content}\n{END}{tail}"
