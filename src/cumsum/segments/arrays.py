"""Segments of NumPy arrays."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from cumsum import generic
from cumsum import numpy as door
from cumsum.decay import arrays as decay
from cumsum.options import Options
from cumsum.overflow import arrays as exact
from cumsum.overflow import is_exact
from cumsum.segments import check_kind, cuts_of, offsets_of
from cumsum.spec import Spec
from cumsum.subclasses import array_of
from cumsum.threads import get_num_threads

Array = np.ndarray[Any, Any]


def scan_into(
    x: Array,
    y: Array,
    axis: int,
    options: Options,
    initial: Array | None,
    corner: tuple[int, ...] | None = None,
) -> None:
    """Write the scans of the segments of `x` to `y`; of objects, those count that `where` says.

    Errors name indices from that of the first element on, `corner`.
    """
    name, given = cuts_of(options)
    cuts = array_of(name, given)
    check_kind(name, cuts.dtype.kind if cuts.size else "biu"[name != "reset"], cuts.dtype)
    if name == "reset" and cuts.ndim != 1:
        _scan_lines(x, y, axis, cuts, options, initial)
        return
    if name == "reset" and len(cuts) != x.shape[axis]:
        message = f"cumsum(): reset has shape {cuts.shape}, but input has shape {x.shape}"
        raise ValueError(message)
    overlap = np.may_share_memory(cuts, y)
    offsets = offsets_of(name, cuts, x.shape[axis], get_num_threads(), copy=overlap)
    spec = options.spec(axis)
    if is_exact(options):
        exact.scan_into(x, y, axis, options, initial, offsets=offsets, corner=corner)
    elif options.decay is not None:
        decay.scan_into(x, y, axis, options, initial, offsets)
    elif door.code_of(y.dtype) is None or x.dtype.kind in "mOT":
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
    """Segments that differ from line to line."""
    try:
        spread = np.broadcast_to(starts, x.shape)
    except ValueError:
        message = f"cumsum(): reset has shape {starts.shape}, but input has shape {x.shape}"
        raise ValueError(message) from None
    if options.decay is not None:
        decays = decay.decay_of(options.decay, x.shape, y.dtype)
        options = options._replace(decay=np.broadcast_to(decays, x.shape))
    shared = initial is None or (initial.ndim == x.ndim and not any(initial.strides))
    if shared and options.overflow != "raise":
        first = None if initial is None or not initial.size else initial.reshape(-1)[:1]
        _scan_in_one(x, y, axis, spread, options, first)
        return
    sums = np.empty_like(y)  # where an error is to leave `y` as it is
    for corner in np.ndindex(*x.shape[:axis], 1, *x.shape[axis + 1 :]):
        line = tuple(slice(i, i + 1) if d != axis else slice(None) for d, i in enumerate(corner))
        kept, factors = (None if v is None else v[line] for v in (options.where, options.decay))
        own = options._replace(reset=spread[line].ravel(), where=kept, decay=factors)
        first = None if initial is None else initial[line]
        scan_into(x[line], sums[line], axis, own, first, corner)
    y[...] = sums


def _scan_in_one(
    x: Array, y: Array, axis: int, starts: Array, options: Options, initial: Array | None
) -> None:
    """The same as one line, with a segment at each start and at each line's."""

    def in_one(values: Any) -> Any:
        return None if values is None else np.moveaxis(values, axis, -1).reshape(-1)

    cuts = np.moveaxis(starts, axis, -1).copy()
    cuts[..., :1] = True
    whole = options._replace(reset=cuts.reshape(-1), where=in_one(options.where))
    whole = whole._replace(decay=in_one(options.decay))
    sums = np.empty(cuts.shape, y.dtype)
    scan_into(in_one(x), sums.reshape(-1), 0, whole, initial)
    np.moveaxis(y, axis, -1)[...] = sums
