"""Non-negative terms never make a sum fall, whatever is rounded; compensated sums aside."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cumsum
from cases import FLOATS, as_array, as_tensor, numpy_dtype

TILE = 4096
ACCUMULATOR_DIGITS = {"float16": 24, "bfloat16": 24, "float32": 53, "float64": 53}


def never_falls(y):
    """Whether the last axis of `y` is non-decreasing; floats of one sign are ordered as bits."""
    bits = y.view(f"u{y.dtype.itemsize}")
    infinity = np.array(np.inf, y.dtype).view(bits.dtype)
    return bool((bits[..., 1:] >= bits[..., :-1]).all() and (bits[..., -1] <= infinity).all())


def sums_of(library, x):
    """The scans of the last axis of an array, by way of either library."""
    if library == "torch":
        return as_array(cumsum.cumsum(as_tensor(x), -1))
    return cumsum.cumsum(x, -1)


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("dtype", FLOATS)
def test_many_elements(dtype, library):
    """2**26 of them, uniform and so small that no sum passes the range of float16."""
    n = 1 << 26
    x = np.empty(n, numpy_dtype(dtype))
    rng = np.random.default_rng(n)
    for start in range(0, n, 1 << 20):
        x[start : start + (1 << 20)] = rng.random(1 << 20, np.float32) / 2048
    y = sums_of(library, x)
    assert never_falls(y)
    assert 0 < float(y[-1]) < 65504


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("spread", [1, 7, 100])
def test_terms_of_any_size(dtype, spread, library):
    """Sums that pass the largest number stay infinite."""
    rng = np.random.default_rng(spread)
    x = rng.random((40, 3 * TILE)) * np.exp2(rng.integers(-spread, spread + 1, (40, 3 * TILE)))
    with np.errstate(over="ignore"):
        assert never_falls(sums_of(library, x.astype(np.float32).astype(numpy_dtype(dtype))))


def terms(total, digits):
    """Numbers of few digits, largest first, that add up to a whole number without rounding."""
    while total:
        shift = max(0, total.bit_length() - digits)
        yield total >> shift << shift
        total -= total >> shift << shift


def ties(dtype, edge, count, seed):
    """Rows whose sums come to a tie where element `edge` is added, give or take one step.

    The tie is one between two results; a step is the distance of two accumulators. What a tile
    before added, and what follows, are fractions of a step: a carry that forgot them could fall.
    """
    rng = np.random.default_rng([seed, edge])
    digits, accumulator = ml_dtypes.finfo(dtype).nmant + 1, ACCUMULATOR_DIGITS[dtype.name]
    step = 8
    rows = np.zeros((count, edge + 12))
    for row in rows:
        middle = 2 * int(rng.integers(1 << (digits - 1), 1 << digits)) + 1
        tie = (middle * step << (accumulator - digits)) // 2
        before = tie - int(rng.integers(0, 4 * step))
        start = list(terms(before // step * step, digits))
        row[: len(start)] = start
        row[edge] = tie - before // step * step + int(rng.integers(-step, step + 1))
        row[edge - TILE if edge > TILE else edge - 1] += rng.integers(0, step)
        row[edge + 1 :] = rng.integers(0, 5, 11) * rng.integers(0, 2, 11)
    unit = 2.0 ** (11 - accumulator)  # the sums are near 2**14
    return np.maximum(rows * unit, 0).astype(dtype)


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    "edge", [15, 16, TILE - 2, TILE - 1, TILE, 2 * TILE, 3 * TILE - 1, 3 * TILE]
)
def test_ties_at_the_edges_of_groups_and_tiles(dtype, edge, library):
    x = ties(numpy_dtype(dtype), edge, 600, seed=1)
    assert never_falls(sums_of(library, x))
    assert never_falls(np.ascontiguousarray(cumsum.cumsum(np.ascontiguousarray(x.T), 0).T))


PLACES = st.one_of(
    st.integers(0, 3 * TILE - 1),
    st.builds(
        lambda tile, offset: max(0, tile * TILE + offset), st.integers(0, 2), st.integers(-9, 9)
    ),
)
TERMS = st.dictionaries(PLACES, st.floats(0, width=32), max_size=40)


@given(
    st.sampled_from(FLOATS), st.sampled_from(["numpy", "torch"]), st.floats(0, 1, width=32), TERMS
)
def test_any_terms(dtype, library, everywhere, placed):
    x = np.full(3 * TILE, everywhere, np.float32)
    x[list(placed)] = list(placed.values())
    with np.errstate(over="ignore"):
        assert never_falls(sums_of(library, x.astype(numpy_dtype(dtype))))
