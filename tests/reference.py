"""The order of additions, stated plainly: the oracle of every test that compares bits.

For every floating result the bits are those of this order, whatever the machine does:

1. Each element is converted to the result dtype, then to the accumulator: float32 for the 16-bit
   floating dtypes, float64 for the other real ones, complex128 for the complex ones (long double
   and a pair of those for long double), 64-bit integers that wrap for the rest.
2. The scan axis is cut in tiles of 4096 elements, a tile in groups of 8.
3. Inside a group, ``p[0..7]`` is Sklansky's prefix: for the steps s = 1, 2, 4, every ``i`` with
   ``i & s`` adds the last element of the half-block below it, ``p[i // s * s - 1]``.
4. A chain runs through the groups of a tile. It starts at +0.0; ``local[i] = chain + p[i]``, and
   ``local[7]`` is the chain of the next group.
5. A carry runs through the tiles. It starts at +0.0; the output is ``carry + local[i]``, rounded
   once to the result dtype, and each full tile adds its last chain to the carry.
6. For the 16-bit floating dtypes the carry is a pair of float32, ``high`` and ``low``. The output
   is ``high + (low + local[i])``, rounded once more; a full tile adds ``low + chain`` to ``high``,
   and the exact error of that addition is the next ``low``, or +0.0 where it is nan.

With ``precision="compensated"`` and a result of float64 or complex128 (each part of a complex
number by itself) every number above is a pair (s, e), an element enters as (x, +0.0), and chain and
carry start at (+0.0, +0.0). The sum of two pairs is (s, (e1 + e2) + t), where s = s1 + s2 and t is
the exact error of that addition. The output is s + e, or s where e is nan.

A group or a tile that is cut short has fewer elements and the same additions, so an output depends
only on the elements up to it. No output is -0.0.
"""

from math import prod

import numpy as np

GROUP = 8
TILE = 4096


def scan(x, axis=-1, dtype=None, precision=None):
    """Inclusive scan of an array along one axis, in the order stated above."""
    dtype = np.dtype(dtype or default_dtype(x.dtype))
    lanes = np.moveaxis(convert(x, dtype).astype(accumulator(dtype)), axis, -1)
    length = lanes.shape[-1]
    with np.errstate(all="ignore"):
        tiles = cut(lanes)
        if precision == "compensated" and dtype in (np.float64, np.complex128):
            pairs = np.stack([tiles, np.zeros_like(tiles)])
            sums = value(carry_tiles(scan_tiles(pairs, add_pairs), add_pairs))
        elif lanes.dtype == np.float32:
            sums = carry_tiles_in_two(scan_tiles(tiles, np.add))
        else:
            sums = carry_tiles(scan_tiles(tiles, np.add), np.add)
    result = sums.reshape(*lanes.shape[:-1], prod(sums.shape[-3:]))[..., :length]
    return np.ascontiguousarray(np.moveaxis(convert(result, dtype), -1, axis))


def cut(lanes):
    """The last axis cut in tiles and groups, filled up with zeros: (..., tiles, groups, 8)."""
    outer, length = lanes.shape[:-1], lanes.shape[-1]
    tile = min(TILE, max(1, -(-length // GROUP)) * GROUP)
    tiles = max(1, -(-length // tile))
    p = np.zeros((*outer, tiles * tile), lanes.dtype)
    p[..., :length] = lanes
    return p.reshape(*outer, tiles, tile // GROUP, GROUP)


def scan_tiles(p, add):
    """Each tile by itself: the tree of its groups, then the chain through them."""
    for step in (1, 2, 4):
        for i in range(GROUP):
            if i & step:
                p[..., i] = add(p[..., i], p[..., i // step * step - 1])
    chain = np.zeros(p.shape[:-2], p.dtype)
    for group in range(p.shape[-2]):
        p[..., group, :] = add(chain[..., None], p[..., group, :])
        chain = p[..., group, -1]
    return p


def carry_tiles(p, add):
    """The carry through the tiles."""
    carry = np.zeros(p.shape[:-3], p.dtype)
    for t in range(p.shape[-3]):
        p[..., t, :, :] = add(carry[..., None, None], p[..., t, :, :])
        carry = p[..., t, -1, -1]
    return p


def carry_tiles_in_two(p):
    """The carry of 16-bit floats, the pair (high, low)."""
    high = low = np.zeros(p.shape[:-3], p.dtype)
    for t in range(p.shape[-3]):
        aggregate = p[..., t, -1, -1].copy()
        p[..., t, :, :] = high[..., None, None] + (low[..., None, None] + p[..., t, :, :])
        high, error = two_sum(high, low + aggregate)
        low = np.where(np.isnan(error), np.float32(0), error)
    return p


def two_sum(a, b):
    """The rounded sum of two numbers and its exact error, by Knuth."""
    s = a + b
    b_seen = s - a
    return s, (a - (s - b_seen)) + (b - b_seen)


def add_pairs(a, b):
    """The sum of two pairs; the first axis tells s from e."""
    s, error = two_sum(a[0], b[0])
    return np.stack([s, (a[1] + b[1]) + error])


def value(pair):
    """The number that a pair stands for, each part of a complex one by itself."""
    s, e = (part.view(np.float64) for part in pair)
    return np.where(np.isnan(e), s, s + e).view(pair.dtype)


def default_dtype(dtype):
    """NumPy's result dtype: integers widen to 64 bits, everything else stays."""
    if dtype.kind in "bi":
        return np.dtype(np.int64)
    return np.dtype(np.uint64) if dtype.kind == "u" else dtype.newbyteorder("=")


def accumulator(dtype):
    """The dtype that the additions are carried out in."""
    if dtype.kind == "u":
        return np.dtype(np.uint64)
    if dtype.kind in "bi":
        return np.dtype(np.int64)
    if dtype.itemsize == 2:
        return np.dtype(np.float32)
    return np.result_type(dtype, np.float64)


def convert(values, dtype):
    """Convert as PyTorch does: to a 16-bit float by way of float32."""
    with np.errstate(all="ignore"):
        if dtype.itemsize == 2 and dtype.kind not in "iu" and values.dtype != dtype:
            values = values.astype(np.float32)
        return values.astype(dtype)
