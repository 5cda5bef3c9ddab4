"""The error bounds of docs/accuracy.md, each written once."""

import ml_dtypes
import numpy as np

from cases import numpy_dtype

CARRIED_IN = {
    "float16": np.float32,
    "bfloat16": np.float32,
    "float32": np.float64,
    "float64": np.float64,
    "longdouble": np.longdouble,
}


def unit(dtype):
    """The largest relative error of one rounding to `dtype`."""
    return np.longdouble(ml_dtypes.finfo(dtype).eps) / 2


def additions(dtype, length):
    """How many roundings the sums up to each element may have gone through on their way."""
    if dtype in ("float16", "bfloat16"):
        return np.full(length, 518)
    return 516 + np.arange(1, length + 1) // 4096


def gamma(k, u):
    """The relative error that k roundings, each of at most u, may add up to."""
    return k * u / (1 - k * u)


def before_rounding(dtype, sums):
    """How far the sums that results are rounded from may be from the exact ones."""
    k = additions(dtype, sums.y.size)
    return gamma(k, unit(CARRIED_IN[dtype])) * sums.magnitude


def standard(dtype, sums):
    """How far results of `dtype` may be from the exact sums."""
    bound = before_rounding(dtype, sums)
    if dtype in ("float64", "longdouble"):
        return bound
    target = numpy_dtype(dtype)
    smallest = np.longdouble(ml_dtypes.finfo(target).smallest_subnormal)
    return bound + unit(target) * (np.abs(sums.y) + bound) + smallest / 2


def compensated(sums):
    """The same for float64 with precision="compensated"."""
    k, u = additions("float64", sums.y.size), unit(np.float64)
    return u * np.abs(sums.y) + gamma(k, u) * gamma(2 * k, u) * sums.magnitude
