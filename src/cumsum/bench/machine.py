"""What the figures were measured on."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

import cumsum


def machine(threads: int) -> dict[str, Any]:
    """The processor, the threads and the versions."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "target": cumsum.show_config().target,
        "python": platform.python_version(),
        "cumsum": cumsum.__version__,
        "numpy": np.__version__,
        "torch": metadata.version("torch") if importlib.util.find_spec("torch") else None,
    }


def headline(machine: Mapping[str, Any]) -> str:
    """The machine and the versions in one line."""
    versions = [f"{name} {machine[name]}" for name in ("cumsum", "numpy", "torch") if machine[name]]
    threads = f"{machine['threads']} of {machine['cores']} threads"
    return ", ".join([machine["processor"], threads, machine["target"], *versions])


def processor() -> str:
    """The processor's name as its maker writes it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
