"""Every combination of exclusive, reverse, include_initial and initial, and its plain reference."""

import itertools

import numpy as np

FLAGS = ("exclusive", "reverse", "include_initial")
COMBINATIONS = [
    dict(zip(FLAGS, values, strict=True)) for values in itertools.product((False, True), repeat=3)
]


def name(flags):
    """The flags that are set, as the name of a test."""
    return "-".join(flag for flag, is_set in flags.items() if is_set) or "plain"


def loop(x, axis, initial=0, *, exclusive=False, reverse=False, include_initial=False):
    """One element after another, in the elements' own arithmetic."""
    lines = np.moveaxis(x, axis, 0)
    lines = lines[::-1] if reverse else lines
    total = np.broadcast_to(np.asarray(initial, x.dtype), lines.shape[1:])
    results = [total] if include_initial else []
    for row in lines:
        results.append(total if exclusive else total + row)
        total = total + row
    sums = np.array(results, x.dtype).reshape(len(results), *lines.shape[1:])
    return np.moveaxis(sums[::-1] if reverse else sums, 0, axis)
