"""The keywords of the public functions, for type checkers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike
    from torch import Tensor

    from cumsum.precision import Precision

    Flag = bool | np.bool
    Values = Tensor | ArrayLike | None


class Nothing(TypedDict):
    """No other keyword: what is called with one raises an error that says why."""


class Missing(TypedDict, total=False):
    """Which elements do not count."""

    where: Values
    skipna: Flag
    missing: Literal["carry", "nan"]


class InPlace(Missing, total=False):
    """Those of `cumsum_`."""

    exclusive: Flag
    reverse: Flag
    initial: Values
    offsets: Values
    lengths: Values
    reset: Values
    overflow: Literal["wrap", "raise", "saturate"] | None
    decay: Values
    precision: Precision


class Every(InPlace, total=False):
    """Those of `cumsum`."""

    include_initial: Flag
