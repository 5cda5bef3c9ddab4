"""Which scan a call's options ask for: the plain one, or that of one of the abilities.

An ability is a package with two modules, the second of which may import torch: `arrays`, whose
`scan_into(x, y, axis, options, initial)` writes a result, and `tensors`, whose
`scan(x, initial, how, options)` makes one that torch can differentiate, batch and trace, and whose
`scan_into(x, y, initial, how, options)` writes one with nothing recorded. Either checks its options
before it writes.
"""

from __future__ import annotations

from typing import Any

from cumsum.options import Options, ability_of, without_cuts

# Options that ask for each of them.
EACH = (
    Options(skipna=True),
    Options(offsets=()),
    Options(overflow="raise"),
    Options(decay=0),
)


def for_arrays(options: Options) -> Any:
    """The module that scans NumPy arrays; None for the plain scan."""
    ability = ability_of(options)
    if ability == "missing":
        from cumsum.missing import arrays as missing

        return missing
    if ability == "segments":
        from cumsum.segments import arrays as segments

        return segments
    if ability == "overflow":
        from cumsum.overflow import arrays as overflow

        return overflow
    if ability == "decay":
        from cumsum.decay import arrays as decay

        return decay
    return None


def for_tensors(options: Options) -> Any:
    """The module that scans tensors; None for the plain scan."""
    ability = ability_of(options)
    if ability == "segments":  # of sums that are not plain ones
        ability = ability_of(without_cuts(options)) or ability
    if ability == "missing":
        from cumsum.missing import tensors as missing

        return missing
    if ability == "segments":
        from cumsum.segments import tensors as segments

        return segments
    if ability == "overflow":
        from cumsum.overflow import tensors as overflow

        return overflow
    if ability == "decay":
        from cumsum.decay import tensors as decay

        return decay
    return None
