"""Figures beside those recorded before."""

from __future__ import annotations

from collections.abc import Mapping

TOLERANCE = 0.05


def compare(before: Mapping[str, float], now: Mapping[str, float], unit: str, goal: str) -> int:
    """Print what changed by more than TOLERANCE; the number of figures that got worse."""
    worse = 0
    for name in sorted(before.keys() | now.keys()):
        if name not in before or name not in now:
            print(f"{name}: {'not recorded' if name in now else 'recorded, but gone'}")
            worse += 1
            continue
        change = now[name] / before[name] - 1
        if abs(change) > TOLERANCE:
            remark = "" if change > 0 else f": `make {goal} UPDATE=1` records it"
            print(f"{name}: {before[name]} -> {now[name]} {unit} ({change:+.1%}){remark}")
        worse += change > TOLERANCE
    return worse
