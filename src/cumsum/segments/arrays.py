"""Segments of NumPy arrays."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from cumsum import generic
from cumsum import numpy as door
from cumsum.options import Options
from cumsum.segments import check_kind, cuts_of, offsets_of
from cumsum.spec import Spec
from cumsum.subclasses import array_of
from cumsum.threads import get_num_threads

Array = np.ndarray[Any, Any]


def scan_into(x: Array, y: Array, axis: int, options: Options, initial: Array | None) -> None:
    """Write the scans of the segments of `x` to `y`; of objects, those count that `where` says."""
    name, given = cuts_of(options)
    cuts = array_of(name, given)
    check_kind(name, cuts.dtype.kind if cuts.size else "biu"[name != "reset"], cuts.dtype)
    if name == "reset" and cuts.ndim != 1:
        _scan_lines(x, y, axis, cuts, options, initial)
        return
    if name == "reset" and len(cuts) != x.shape[axis]:
        message = f"cumsum(): reset has shape {cuts.shape}, but input has shape {x.shape}"
        raise ValueError(message)
    offsets = offsets_of(name, cuts, x.shape[axis], get_num_threads())
    spec = options.spec(axis)
    if door.code_of(y.dtype) is None or x.dtype.kind in "mOT":
        _scan_each(x, y, spec, offsets, initial, options.where)
    else:
        door.scan_in_core(door.readable(x, y.dtype), y, spec, initial, None, offsets)


def _scan_each(
    x: Array, y: Array, spec: Spec, offsets: Array, initial: Array | None, kept: Array | None
) -> None:
    """One segment after another, for elements that the core has no kernels for."""
    for begin, end in pairwise(offsets.tolist()):
        part = (slice(None),) * spec.dim + (slice(begin, end),)
        if end <= begin:
            continue
        if kept is None:
            door.scan_into(x[part], y[part], spec, initial)
        else:  # objects with holes
            generic.scan_any(x[part], y[part], spec, initial, kept[part])


def _scan_lines(
    x: Array, y: Array, axis: int, starts: Array, options: Options, initial: Array | None
) -> None:
    """Segments that differ from line to line: all lines are one, with a segment at each start."""
    if initial is not None:
        raise NotImplementedError("cumsum(): initial with a reset for each line is not available")
    try:
        spread = np.broadcast_to(starts, x.shape)
    except ValueError:
        message = f"cumsum(): reset has shape {starts.shape}, but input has shape {x.shape}"
        raise ValueError(message) from None
    lines = np.moveaxis(x, axis, -1)
    cuts = np.moveaxis(spread, axis, -1).copy()
    cuts[..., :1] = True
    sums = np.empty(lines.shape, y.dtype)
    kept = options.where
    if kept is not None:
        kept = np.moveaxis(kept, axis, -1).reshape(-1)
    whole = options._replace(reset=cuts.reshape(-1), where=kept)
    scan_into(lines.reshape(-1), sums.reshape(-1), 0, whole, None)
    np.moveaxis(y, axis, -1)[...] = sums
