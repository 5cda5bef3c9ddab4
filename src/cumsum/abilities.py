"""Which scan a call's options ask for: the plain one, or that of one of the abilities.

An ability is a package with two modules, the second of which may import torch: `arrays`, whose
`scan_into(x, y, axis, options, initial)` writes a result, and `tensors`, whose
`scan(x, initial, how, options)` makes one that torch can differentiate, batch and trace, and whose
`scan_into(x, y, initial, how, options)` writes one with nothing recorded. Either checks its options
before it writes.
"""

from __future__ import annotations

from typing import Any

from cumsum.options import Options, ability_of


def for_arrays(options: Options) -> Any:
    """The module that scans NumPy arrays; None for the plain scan."""
    ability = ability_of(options)
    if ability == "missing":
        from cumsum.missing import arrays
    elif ability == "segments":
        from cumsum.segments import arrays
    elif ability == "overflow":
        from cumsum.overflow import arrays
    elif ability == "decay":
        from cumsum.decay import arrays
    else:
        return None
    return arrays


def for_tensors(options: Options) -> Any:
    """The module that scans tensors; None for the plain scan."""
    ability = ability_of(options)
    if ability == "missing":
        from cumsum.missing import tensors
    elif ability == "segments":
        from cumsum.segments import tensors
    elif ability == "overflow":
        from cumsum.overflow import tensors
    elif ability == "decay":
        from cumsum.decay import tensors
    else:
        return None
    return tensors
