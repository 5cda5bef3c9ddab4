"""What a call may ask for besides the plain running sum, the same for every kind of array."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cumsum.precision import is_compensated
from cumsum.spec import Spec

FLAGS = ("exclusive", "reverse", "include_initial", "skipna")
SEGMENTS = ("offsets", "lengths", "reset")
CHOICES = {"missing": ("carry", "nan"), "overflow": (None, "wrap", "raise", "saturate")}
EXACT = ("raise", "saturate")  # what goes by the exact sums
NAMES = (*FLAGS, "initial", *SEGMENTS, "where", "missing", "overflow", "decay", "precision")


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
    skipna : bool
        Whether NaN is missing data.
    initial : number or array, optional
        What sums begin with: one value for each line, or one for all.
    offsets, lengths, reset : array, optional
        Where segments end and begin; one of them at most.
    where : array of bool, optional
        Which elements count.
    missing : {"carry", "nan"}
        What stands where an element does not count.
    overflow : {None, "wrap", "raise", "saturate"}
        What becomes of an integer that its dtype cannot hold.
    decay : number or array, optional
        What each sum is multiplied by before the next element is added.
    compensated : bool
        Whether sums of float64 and complex128 are carried as two numbers.
    """

    exclusive: bool = False
    reverse: bool = False
    include_initial: bool = False
    skipna: bool = False
    initial: Any = None
    offsets: Any = None
    lengths: Any = None
    reset: Any = None
    where: Any = None
    missing: str = "carry"
    overflow: str | None = None
    decay: Any = None
    compensated: bool = False

    def asked(self) -> list[str]:
        """The names of the keywords that change what is asked for, the precision aside."""
        given = zip(self._fields[:-1], self, PLAIN, strict=False)
        return [
            name
            for name, value, default in given
            if value is not default and not (isinstance(value, str) and value in {default, "wrap"})
        ]

    @property
    def is_plain(self) -> bool:
        """Whether nothing but the precision is asked for."""
        return (
            self.initial is None
            and ability_of(self) is None
            and not (self.exclusive or self.reverse or self.include_initial)
        )

    def spec(self, dim: int) -> Spec:
        """What is asked for of a dim, but for arrays."""
        return Spec(
            dim,
            self.exclusive,
            self.reverse,
            self.include_initial,
            self.skipna,
            self.missing,
            self.overflow,
            self.compensated,
        )

    def keywords(self) -> dict[str, Any]:
        """The keywords that these options came from."""
        given = dict(zip(self._fields[:-1], self, strict=False))
        return given | {"precision": "compensated" if self.compensated else None}


def ability_of(options: Options) -> str | None:
    """The ability that answers, one of `cumsum.abilities`; it may ask others in turn."""
    if options.where is not None or options.skipna:
        return "missing"
    if has_cuts(options):
        return "segments"
    if options.overflow in EXACT:
        return "overflow"
    return None if options.decay is None else "decay"


def has_cuts(options: Options) -> bool:
    """Whether the dim is cut into segments."""
    return not (options.offsets is None and options.lengths is None and options.reset is None)


def without_cuts(options: Options) -> Options:
    """The same of lines that are whole."""
    return options._replace(offsets=None, lengths=None, reset=None)


def with_cuts(options: Options, name: str, cuts: Any) -> Options:
    """The same with a dim that is cut by the value of a keyword."""
    fields: dict[str, Any] = {name: cuts}
    return without_cuts(options)._replace(**fields)


PLAIN = Options()


def take(function: str, keywords: dict[str, Any]) -> Options:
    """The options among the keywords of a call, from which they are removed."""
    given = {name: keywords.pop(name) for name in NAMES if name in keywords}
    if not given:
        return PLAIN
    for name in FLAGS:
        if isinstance(value := given.get(name, False), bool):
            continue
        if not isinstance(value, np.bool):
            kind = type(value).__name__
            raise TypeError(f"{function}(): argument '{name}' must be bool, not {kind}")
        given[name] = bool(value)
    for name, allowed in CHOICES.items():
        value = given.get(name, allowed[0])
        if value is not None and not isinstance(value, str):
            kind = type(value).__name__
            raise TypeError(f"{function}(): argument '{name}' must be str, not {kind}")
        if value not in allowed:
            raise ValueError(f"{function}(): {name} is {value!r}, but must be one of {allowed}")
    if given.get("missing") == "nan" and given.get("where") is None and not given.get("skipna"):
        raise ValueError(f"{function}(): missing needs where= or skipna=True, which say what is")
    compensated = is_compensated(given.pop("precision", None))
    options = Options(**given, compensated=compensated)
    _check_segments(function, options.asked())
    return options


def _check_segments(function: str, asked: list[str]) -> None:
    cuts = [name for name in SEGMENTS if name in asked]
    if len(cuts) > 1:
        raise ValueError(f"{function}(): give one of offsets, lengths and reset, not several")
    if cuts and "include_initial" in asked:  # there would be a sum of nothing for each segment
        raise ValueError(f"{function}(): include_initial cannot be combined with {cuts[0]}")
