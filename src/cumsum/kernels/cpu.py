"""Hands memory to the compiled core."""

from __future__ import annotations

from cumsum import _core
from cumsum.plan import Memory, arguments


def scan(
    x: Memory,
    y: Memory,
    axis: int,
    *,
    threads: int,
    exclusive: bool = False,
    reverse: bool = False,
) -> None:
    """Write the scan of `x` along `axis` to `y`, which has the same shape.

    Each element of `x` is cast to `y`'s dtype first. `x` and `y` may be the same memory if their
    strides and dtypes are; any other overlap gives undefined results.
    """
    _core.scan(*arguments(x, y, axis, exclusive=exclusive, reverse=reverse, threads=threads))
