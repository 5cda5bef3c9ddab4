"""How much memory a scan of a file may take."""

from __future__ import annotations

from pathlib import Path

MEMINFO = Path("/proc/meminfo")
GROUP = Path("/sys/fs/cgroup")

# Of what is free, where nothing is said.
PART = 4


def budget(asked: int | None) -> int:
    """The bytes that were asked for, or a quarter of what is free."""
    return free() // PART if asked is None else asked


def free() -> int:
    """The bytes that this machine has free, or this container has left; 1 GiB where none says."""
    lines = _lines(MEMINFO)
    found = [int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")]
    limit = "".join(_lines(GROUP / "memory.max")).strip()
    taken = "".join(_lines(GROUP / "memory.current")).strip()
    if limit.isdigit() and taken.isdigit():
        found.append(max(int(limit) - int(taken), 0))
    return min(found, default=1 << 30)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
