"""What the figures were measured on."""

from __future__ import annotations

import datetime as dt
import importlib.util
import os
import platform
import re
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

import cumsum
from cumsum import _core
from cumsum.processor import identify, tidy


def machine(threads: int) -> dict[str, Any]:
    """The processor, the threads, the day and the versions."""
    config = cumsum.show_config()
    return {
        **identify(),
        "cores": os.cpu_count(),
        "threads": threads,
        "target": config.target,
        "targets": list(config.targets),
        "compiler": compiler(),
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "python": platform.python_version(),
        "cumsum": cumsum.__version__,
        "numpy": np.__version__,
        "torch": metadata.version("torch") if importlib.util.find_spec("torch") else None,
    }


def compiler() -> str | None:
    """The compiler that the core names in its notes."""
    core = Path(str(_core.__file__)).read_bytes()
    notes = re.search(rb"GCC: \([^)]*\) [\d.]+|clang version [\d.]+", core)
    return notes[0].decode() if notes else None


def name(machine: Mapping[str, Any]) -> str:
    """The processor and its microarchitecture, where that is known."""
    return ", ".join(filter(None, (tidy(machine["processor"]), machine.get("microarchitecture"))))


def slug(machine: Mapping[str, Any]) -> str:
    """A name for a file: the processor, its numbers, and the target if there is a better one."""
    parts = [tidy(machine["processor"])]
    parts += [
        f"{key} {machine[key]}" for key in ("family", "model") if machine.get(key) is not None
    ]
    if machine.get("family") is None:
        parts.append(machine.get("microarchitecture") or "")
    if machine["target"] != machine.get("targets", [machine["target"]])[0]:
        parts.append(machine["target"])
    return "-".join(re.findall(r"[a-z0-9]+", " ".join(parts).lower()))


def headline(machine: Mapping[str, Any]) -> str:
    """The machine and the versions in one line."""
    versions = [f"{key} {machine[key]}" for key in ("cumsum", "numpy", "torch") if machine[key]]
    threads = f"{machine['threads']} of {machine['cores']} threads"
    return ", ".join([name(machine), threads, machine["target"], *versions])
