"""Sums that fade: each is multiplied by a decay before the next element is added to it."""

from __future__ import annotations

from cumsum.options import EXACT, Options


def check(options: Options) -> None:
    """Raise an error for what does not go with a decay."""
    if options.compensated:
        raise NotImplementedError("cumsum(): precision='compensated' is not available with decay")
    if options.overflow in EXACT:
        raise ValueError("cumsum(): overflow is for integers, with decay there are none")


def refuse_result(dtype: object) -> TypeError:
    """The error for results that are no floats."""
    return TypeError(
        f"cumsum(): with decay the result is of a floating or complex dtype, not {dtype}; set dtype"
    )


def refuse_decay(kind: object, dtype: object) -> TypeError:
    """The error for decays that are no numbers, or complex where sums are real."""
    return TypeError(f"cumsum(): decay of {kind} cannot act on sums of dtype {dtype}")


def refuse_shape(shape: object, input_shape: object) -> ValueError:
    """The error for decays of another shape."""
    return ValueError(
        f"cumsum(): decay has shape {shape}, which does not broadcast to the input's {input_shape}"
    )
