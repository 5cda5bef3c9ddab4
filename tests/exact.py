"""Exact running sums, by integers: what the errors of every scan are measured against.

A float is a whole number of some smallest unit, a power of two. Cut in digits of 30 bits such
numbers are added in int64 without rounding, and a prefix, or what a result differs from it, is
rounded only when it is turned into one float at the end.
"""

from dataclasses import dataclass

import ml_dtypes
import numpy as np

DIGIT = 30
STEP = 1 << 14  # elements taken at a time: their digits stay in the cache and their sums in int64


@dataclass(frozen=True)
class Sums:
    """The exact prefixes of one array, each rounded once to a long double."""

    y: np.ndarray
    magnitude: np.ndarray  # the prefixes of the absolute values
    errors: list[np.ndarray]  # how far each of the results is from the prefixes


def prefixes(x, *results):
    """The exact sums of the finite real numbers in `x`, 1-D, and the errors of `results`."""
    x, *results = arrays = [wide(array) for array in (x, *results)]
    low, count = digits_needed(arrays)
    totals = np.zeros((2, count, 1), np.int64)
    found = np.empty((2 + len(results), x.size), np.longdouble)
    for start in range(0, x.size, STEP):
        part = slice(start, start + STEP)
        terms = digits(x[part], low, count)
        sums = totals + np.add.accumulate(np.stack((terms, np.abs(terms))), axis=2)
        found[0, part], found[1, part] = (value(total, low) for total in sums)
        for error, result in zip(found[2:], results, strict=True):
            error[part] = np.abs(value(sums[0] - digits(result[part], low, count), low))
        totals = normal(sums[:, :, -1:])
    return Sums(found[0], found[1], list(found[2:]))


def wide(x):
    """`x` as float64, or as long double where it is that."""
    return np.asarray(x, np.longdouble if x.dtype == np.longdouble else np.float64)


def digits_needed(arrays):
    """The exponent of a unit of all numbers in `arrays`, and how many digits hold their sums."""
    lowest, highest = 0, 0
    for x in arrays:
        exponents = np.frexp(x[x != 0])[1]
        if exponents.size:
            lowest = min(lowest, int(exponents.min()) - np.finfo(x.dtype).nmant - 1)
            highest = max(highest, int(exponents.max()))
    return lowest, -(-(highest - lowest + 40) // DIGIT)


def digits(x, low, count):
    """`x` in digits that have its sign, the least first: (count, len(x))."""
    found = np.empty((count, x.size), np.int64)
    for i in reversed(range(count)):
        whole = np.trunc(np.ldexp(x, -low - DIGIT * i))
        found[i] = whole
        x = x - np.ldexp(whole, low + DIGIT * i)
    assert not x.any()
    return found


def normal(found):
    """The same numbers in digits between -2**29 and 2**29, the highest one excepted."""
    found = found.copy()
    half = 1 << (DIGIT - 1)
    for i in range(found.shape[-2] - 1):
        carry = (found[..., i, :] + half) >> DIGIT
        found[..., i, :] -= carry << DIGIT
        found[..., i + 1, :] += carry
    return found


def value(found, low):
    """The numbers that digits stand for."""
    found = normal(found)
    total = np.zeros(found.shape[-1], np.longdouble)
    for i in reversed(range(len(found))):
        total += np.ldexp(found[i].astype(np.longdouble), low + DIGIT * i)
    return total


def ulp(y, dtype):
    """The distance between neighbours in `dtype` in the binade that `y` lies in."""
    info = ml_dtypes.finfo(dtype)
    exponent = np.where(y == 0, info.minexp, np.frexp(y)[1] - 1)
    return np.ldexp(np.longdouble(1), np.maximum(exponent, info.minexp) - info.nmant)
