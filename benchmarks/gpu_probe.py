"""What a machine has, and whether the largest scans agree on its GPU."""

from __future__ import annotations

import platform
import shutil
from importlib.metadata import PackageNotFoundError, version

import torch

import cumsum
from gpu_rows import Row, Rows

TOOLS = ("compute-sanitizer", "ncu", "nvidia-smi", "gcc")
LENGTHS = (1 << 20, 1 << 24, (1 << 24) + 1, (1 << 27) + 12_345, 1 << 28)


def version_of(package: str) -> str | None:
    """The version of a package; None where it is not."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def machine(*, dry: bool) -> Row:
    """The card, and what drives it."""
    about: Row = {
        "python": platform.python_version(),
        "cumsum": cumsum.__version__,
        "runtime": torch.version.cuda or torch.version.hip,
        "tools": [tool for tool in TOOLS if shutil.which(tool)],
    }
    names = ("torch", "triton", "numpy", "pytest", "ml_dtypes", "cupy-cuda13x", "jax")
    about |= {name: version_of(name) for name in names}
    if dry:
        return about | {"card": "none", "cores": 0, "gigabytes": 0}
    properties = torch.cuda.get_device_properties(0)
    return about | {
        "card": properties.name,
        "cores": properties.multi_processor_count,
        "gigabytes": round(properties.total_memory / 1e9),
        "driver": torch._C._cuda_getDriverVersion(),
    }


def scanned(x: torch.Tensor, *, one_pass: bool) -> torch.Tensor:
    """The scan of a line in one pass or in three steps."""
    from cumsum.kernels.gpu import policy
    from cumsum.kernels.gpu import scan as gpu
    from cumsum.kernels.gpu.layout import layout_of

    y = torch.empty_like(x)
    values = gpu.Values(x, x), gpu.Values(y, y)
    layout = layout_of(x.shape, 0, [x.stride(), y.stride()])
    if layout is None:
        raise ValueError("a line has a layout")
    choices = policy.Choices(walked=False, one_pass=one_pass)
    kind = gpu.kind_of(x.dtype)
    gpu.scan(*values, None, layout, kind, exclusive=False, reverse=False, choices=choices)
    return y


def agree(n: int) -> Row:
    """Whether both ways give the same bits, and those of whole numbers are right."""
    x = torch.randn(n, device="cuda")
    if not torch.equal(scanned(x, one_pass=True), scanned(x, one_pass=False)):
        return {"error": "one pass and three steps differ"}
    ones = torch.ones(n, dtype=torch.int64, device="cuda")
    if not torch.equal(cumsum.cumsum(ones, 0), torch.arange(1, n + 1, device="cuda")):
        return {"error": "the sums of ones are wrong"}
    return {}


def probe(rows: Rows, *, dry: bool) -> None:
    """Rows of the machine and of some lengths."""
    with rows.around("machine") as row:
        row.update(machine(dry=dry))
    for n in () if dry else LENGTHS:
        if (name := f"{n} elements, both ways") not in rows.begun():
            with rows.around(name) as row:
                row.update(agree(n))
