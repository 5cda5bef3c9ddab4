"""How sums are carried: the argument `precision` of the public functions."""

from __future__ import annotations

from typing import Literal

Precision = Literal["compensated"] | None


def is_compensated(precision: object) -> bool:
    """Whether sums are to be carried as pairs of numbers.

    Raises
    ------
    TypeError
        If `precision` is neither None nor a string.
    ValueError
        If it is a string that names no precision.
    """
    if precision is None or precision == "compensated":
        return precision is not None
    known = isinstance(precision, str)
    given = repr(precision) if known else type(precision).__name__
    message = f"argument 'precision' must be None or 'compensated', not {given}"
    raise ValueError(message) if known else TypeError(message)


def torch_cannot(situation: str) -> NotImplementedError:
    """The error for compensated sums where torch's own operator would have to compute them."""
    return NotImplementedError(
        f"precision='compensated' is not available {situation}: torch's own operator, which "
        "answers there, cannot compensate"
    )
