"""What a call may ask for besides the plain running sum, the same for every kind of array."""

from __future__ import annotations

from typing import Any, NamedTuple

from cumsum.precision import is_compensated

NAMES = ("exclusive", "reverse", "include_initial", "initial", "precision")


class Options(NamedTuple):
    """The keywords of a call, checked.

    Attributes
    ----------
    exclusive : bool
        Whether each sum leaves out the element at its own place.
    reverse : bool
        Whether sums run from the last element to the first.
    include_initial : bool
        Whether the result begins (in reverse: ends) with the sum of no elements.
    initial : number or array, optional
        What sums begin with: one value for each line, or one for all.
    compensated : bool
        Whether sums of float64 and complex128 are carried as two numbers.
    """

    exclusive: bool = False
    reverse: bool = False
    include_initial: bool = False
    initial: Any = None
    compensated: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether nothing but the precision is asked for."""
        return self.initial is None and not (self.exclusive or self.reverse or self.include_initial)

    def keywords(self) -> dict[str, Any]:
        """The keywords that these options came from."""
        flags = {name: getattr(self, name) for name in NAMES[:4]}
        return flags | {"precision": "compensated" if self.compensated else None}


PLAIN = Options()


def take(function: str, keywords: dict[str, Any]) -> Options:
    """The options among the keywords of a call, from which they are removed."""
    flags = {name: keywords.pop(name, False) for name in NAMES[:3]}
    for name, value in flags.items():
        if not isinstance(value, bool):
            kind = type(value).__name__
            raise TypeError(f"{function}(): argument '{name}' must be bool, not {kind}")
    compensated = is_compensated(keywords.pop("precision", None))
    return Options(**flags, initial=keywords.pop("initial", None), compensated=compensated)
