"""The numbers of the GPU's policy, measured: what other choices would give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

from cumsum.kernels.gpu import policy
from cumsum.kernels.gpu.layout import layout_of
from gpu_measure import Case, seconds, tensors
from gpu_rows import Rows

ROWS: dict[str, tuple[Any, ...]] = {"warps": (1, 2, 4), "lines": (1, 2, 4)}
COLUMNS: dict[str, tuple[Any, ...]] = {
    "single": (True,),
    "lines": (32, 64, 128),
    "warps": (1, 2, 4),
}
SHARED: dict[str, tuple[Any, ...]] = {"single": (False,), "lines": (2, 4, 8), "warps": (1, 2, 4)}
STEPS: dict[str, tuple[Any, ...]] = {"one_pass": (False,), "share": (1, 2, 4, 8, 16)}
CASES = (
    (Case("float32 1-D, 2^28", (1 << 28,), 0), (STEPS, {"one_pass": (True,)})),
    (Case("float32 1-D, 2^24", (1 << 24,), 0), (STEPS, {"one_pass": (True,)})),
    (Case("float32 1-D, 2^20", (1 << 20,), 0), (STEPS, {"one_pass": (True,)})),
    (Case("bfloat16 1-D, 2^28", (1 << 28,), 0, "bfloat16"), (STEPS, {"one_pass": (True,)})),
    (Case("float32 (2000, 20000) dim 1", (2000, 20_000), 1), ({"walked": (True, False)}, STEPS)),
    (Case("float32 (65536, 1024) dim 1", (65536, 1024), 1), (ROWS,)),
    (Case("float32 (1000000, 50) dim 1", (1_000_000, 50), 1), (ROWS,)),
    (Case("float32 (4096, 4096) dim 0", (4096, 4096), 0), (COLUMNS, SHARED, STEPS)),
    (Case("bfloat16 (4096, 4096) dim 0", (4096, 4096), 0, "bfloat16"), (COLUMNS,)),
    (Case("float32 (1024, 65536) dim 0", (1024, 65536), 0), (COLUMNS, {"walked": (False,)})),
    (Case("float32 (1000000, 2) dim 0", (1_000_000, 2), 0), (SHARED, STEPS)),
    (Case("float32 (1000000, 8) dim 0", (1_000_000, 8), 0), (SHARED, COLUMNS)),
)


def grid(options: dict[str, tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Every combination."""
    for values in product(*options.values()):
        yield dict(zip(options, values, strict=True))


def scan_with(case: Case, choices: dict[str, Any], device: str) -> Callable[[], object]:
    """The kernels of a case with choices of their own, for the same memory every time."""
    from cumsum.kernels.gpu import scan as gpu

    x, y = tensors(case, device)
    layout = layout_of(x.shape, case.dim, [x.stride(), y.stride()])
    if layout is None:
        raise ValueError(f"{case.name}: no two dims number its lines")
    values = gpu.Values(x, x), gpu.Values(y, y)
    kind, chosen = gpu.kind_of(y.dtype), policy.Choices(**choices)

    def call() -> None:
        gpu.scan(*values, None, layout, kind, exclusive=False, reverse=False, choices=chosen)

    return call


def choices_of(grids: tuple[dict[str, tuple[Any, ...]], ...]) -> Iterator[dict[str, Any]]:
    """All that is tried for a case, the policy's own first."""
    yield {}
    for options in grids:
        yield from grid(options)


def name_of(case: Case, choices: dict[str, Any]) -> str:
    """The name of a row."""
    return f"{case.name}: {', '.join(f'{key}={value}' for key, value in choices.items())}"


def sweep(rows: Rows, device: str, cases: tuple[tuple[Case, Any], ...] = CASES) -> None:
    """A row for each case and choice that has none yet."""
    begun = rows.begun()
    for case, grids in cases:
        for choices in choices_of(grids):
            if (name := name_of(case, choices)) not in begun:
                with rows.around(name) as row:
                    row.update({"case": case.name, "choices": choices})
                    row["seconds"] = seconds(scan_with(case, choices, device), device)


def plan(rows: Rows) -> None:
    """How much a sweep would try; the tensors have no memory."""
    for case, grids in CASES:
        if case.name not in rows.begun():
            with rows.around(case.name) as row:
                planned = [scan_with(case, choices, "meta") for choices in choices_of(grids)]
                row["planned"] = len(planned)
