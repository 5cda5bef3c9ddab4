"""How the elements of a call lie: as lines, numbered through in two dims besides the scanned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Strides(NamedTuple):
    """Of one tensor, in elements: from line to line in the outer and the inner dim, along one."""

    outer: int
    inner: int
    along: int


class Layout(NamedTuple):
    """The lines of a call: `outer` times `inner` of them, of `length` elements each."""

    outer: int
    inner: int
    length: int
    columns: bool  # whether lines lie side by side, rather than the elements of one
    strides: tuple[Strides, ...]  # of each tensor

    @property
    def lines(self) -> int:
        """Their number."""
        return self.outer * self.inner


def layout_of(shape: Sequence[int], dim: int, strides: Sequence[Sequence[int]]) -> Layout | None:
    """The lines of tensors of one shape; None where two dims cannot number them.

    Parameters
    ----------
    shape : sequence of int
        That of all tensors.
    dim : int
        The scanned dim, non-negative.
    strides : sequence of sequence of int
        Those of each tensor, in elements.

    Returns
    -------
    Layout or None
        Its first tensor decides whether the lines are columns.
    """
    merged: list[tuple[int, list[int]]] = []
    for d, size in enumerate(shape):
        if d == dim or size == 1:
            continue
        steps = [of[d] for of in strides]
        if merged and all(
            before == n * size for before, n in zip(merged[-1][1], steps, strict=True)
        ):
            merged[-1] = merged[-1][0] * size, steps
        else:
            merged.append((size, steps))
    if len(merged) > 2:
        return None
    none = [0] * len(strides)
    if len(merged) == 1 and merged[0][1][0] != 1 and strides[0][dim] == 1:
        merged.append((1, none))  # rows
    while len(merged) < 2:
        merged.insert(0, (1, none))
    (outer, of_outer), (inner, of_inner) = merged
    each = zip(of_outer, of_inner, (of[dim] for of in strides), strict=True)
    tensors = tuple(Strides(*steps) for steps in each)
    columns = inner > 1 and tensors[0].inner == 1 and (tensors[0].along != 1 or shape[dim] == 1)
    return Layout(outer, inner, shape[dim], columns, tensors)
