"""Exact sums in Python's integers, and what a dtype makes of them."""

import numpy as np

INTEGERS = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]


def limits(dtype):
    """The least and the greatest number of a dtype."""
    dtype = np.dtype(dtype)
    return (0, 1) if dtype.kind == "b" else (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))


def exact(x, axis, initial=0, *, exclusive=False, reverse=False, include_initial=False):
    """The sums of the integers `x`, as Python's own."""
    lines = np.moveaxis(x.astype(object), axis, 0)
    lines = lines[::-1] if reverse else lines
    total = np.broadcast_to(np.asarray(initial, object), lines.shape[1:])
    results = [total] if include_initial else []
    for row in lines:
        results.append(total if exclusive else total + row)
        total = total + row
    sums = np.array(results, object).reshape(len(results), *lines.shape[1:])
    return np.moveaxis(sums[::-1] if reverse else sums, 0, axis)


def clamped(sums, dtype):
    """Each sum, or the nearest number that the dtype has."""
    least, most = limits(dtype)
    return np.minimum(np.maximum(sums, least), most).astype(object)


def first_outside(sums, axis, dtype, *, reverse=False):
    """The index of the first sum that the dtype cannot hold, in the first line with one."""
    outside = np.moveaxis(clamped(sums, dtype) != sums, axis, -1)
    if not outside.any():
        return None
    *index, position = np.argwhere(outside[..., ::-1] if reverse else outside)[0]
    index.insert(axis, outside.shape[-1] - 1 - position if reverse else position)
    return tuple(map(int, index))


def message(sums, axis, dtype, *, reverse=False):
    """What the error says of the first sum that the dtype cannot hold; None if there is none."""
    index = first_outside(sums, axis, dtype, reverse=reverse)
    if index is None:
        return None
    least, most = limits(dtype)
    return f"the sum at index {index} is {sums[index]}, but {dtype} holds {least} to {most}"


def near_the_ends(rng, shape, dtype):
    """Elements from all over the dtype, many of them its ends or small."""
    least, most = limits(dtype)
    wide = np.uint64 if least == 0 else np.int64
    anywhere = rng.integers(least, most, shape, wide, endpoint=True)
    small = rng.integers(max(least, -2), min(most, 2), shape, np.int64, endpoint=True).astype(wide)
    ends = np.where(rng.integers(0, 2, shape), wide(least), wide(most))
    kinds = rng.integers(0, 3, shape) if rng.integers(0, 2) else np.ones(shape)
    return np.select([kinds == 0, kinds == 1], [anywhere, small], ends).astype(dtype)
