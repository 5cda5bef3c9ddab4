"""How sums are carried: the argument `precision` of the public functions."""

from __future__ import annotations

from typing import Literal

Precision = Literal["compensated"] | None


def is_compensated(precision: object) -> bool:
    """Whether sums are to be carried as pairs of numbers; an error for what is no precision."""
    if precision is None:
        return False
    expected = "argument 'precision' must be None or 'compensated'"
    if not isinstance(precision, str):
        raise TypeError(f"{expected}, not {type(precision).__name__}")
    if precision != "compensated":
        raise ValueError(f"{expected}, not {precision!r}")
    return True


def torch_cannot(situation: str) -> NotImplementedError:
    """The error for compensated sums where torch's own operator would have to compute them."""
    return NotImplementedError(
        f"precision='compensated' is not available {situation}: torch's own operator, which "
        "answers there, cannot compensate"
    )
