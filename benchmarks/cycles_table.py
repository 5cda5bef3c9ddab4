"""The tables of docs/cycles.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tables import markdown

PAGE = Path(__file__).parent.parent / "docs" / "cycles.md"
BEGIN, END = "<!-- cycles:start -->\n", "<!-- cycles:end -->"
NAMES = {
    "znver2": "Zen 2",
    "znver3": "Zen 3",
    "znver4": "Zen 4",
    "znver5": "Zen 5",
    "skylake-avx512": "Skylake-X",
    "icelake-server": "Ice Lake",
    "sapphirerapids": "Sapphire Rapids",
    "alderlake": "Alder Lake",
    "neoverse-n1": "Neoverse N1",
    "neoverse-v2": "Neoverse V2",
}
WAITING = 1.25  # of what the units alone would take


def heads(models: dict[str, str]) -> dict[str, str]:
    """The processors' columns; those whose model is that of one before say so."""
    first: dict[str, str] = {}
    for processor, model in models.items():
        first.setdefault(model, processor)
    return {
        processor: NAMES[processor]
        + ("" if first[model] == processor else f" (by the model of {NAMES[first[model]]})")
        for processor, model in models.items()
    }


def cell(loop: dict[str, Any], processor: str) -> str:
    """The cycles an element: in italics where they wait, with a question mark where guessed."""
    if processor not in loop["cycles"]:
        return "–"
    cycles = loop["cycles"][processor]
    text = f"{cycles:.2f}{'?' if processor in loop['guessed'] else ''}"
    return f"*{text}*" if cycles > WAITING * loop["least"][processor] else text


def table(targets: dict[str, Any]) -> str:
    """A row for each kernel and target, a column for each processor that has one of the targets."""
    models = {p: model for found in targets.values() for p, model in found["models"].items()}
    columns = heads(models)
    kernels = [kernel for found in targets.values() for kernel in found["kernels"]]
    rows = [
        [
            kernel + ("†" if found["kernels"][kernel]["branches"] else ""),
            target,
            str(found["kernels"][kernel]["elements"]),
            *(cell(found["kernels"][kernel], processor) for processor in columns),
        ]
        for kernel in dict.fromkeys(kernels)
        for target, found in targets.items()
        if kernel in found["kernels"]
    ]
    return markdown(("kernel", "target", "elements", *columns.values()), rows, words=2)


def write_page(record: dict[str, Any]) -> None:
    """Replace the tables by those of `record`."""
    x86 = {target: found for target, found in record.items() if target != "neon"}
    arm = {target: found for target, found in record.items() if target == "neon"}
    tables = "\n\n".join(table(targets) for targets in (x86, arm) if targets)
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}{tables}\n{END}{rest.split(END)[1]}")
