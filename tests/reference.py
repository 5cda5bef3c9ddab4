"""The order of additions, stated plainly: the oracle of every test that compares bits.

For every floating result the bits are those of this order, whatever the machine does:

1. Each element is converted to the result dtype, then to the accumulator: float32 for the 16-bit
   floating dtypes, float64 for the other real ones, complex128 for the complex ones, 64-bit
   integers that wrap for the rest.
2. The scan axis is cut in tiles of 4096 elements, a tile in groups of 8.
3. Inside a group, ``p[0..7]`` is Sklansky's prefix: for the steps s = 1, 2, 4, every ``i`` with
   ``i & s`` adds the last element of the half-block below it, ``p[i // s * s - 1]``.
4. A chain runs through the groups of a tile. It starts at +0.0; ``local[i] = chain + p[i]``, and
   ``local[7]`` is the chain of the next group.
5. A carry runs through the tiles. It starts at +0.0; the output is ``carry + local[i]``, rounded
   once to the result dtype, and each full tile adds its last chain to the carry.

A group or a tile that is cut short has fewer elements and the same additions, so an output depends
only on the elements up to it. No output is -0.0.
"""

import numpy as np

GROUP = 8
TILE = 4096


def scan(x, axis=-1, dtype=None):
    """Inclusive scan of an array along one axis, in the order stated above."""
    dtype = np.dtype(dtype or default_dtype(x.dtype))
    lanes = np.moveaxis(convert(x, dtype).astype(accumulator(dtype)), axis, -1)
    outer, length = lanes.shape[:-1], lanes.shape[-1]
    tile = min(TILE, max(1, -(-length // GROUP)) * GROUP)
    tiles = -(-length // tile)
    p = np.zeros((*outer, tiles * tile), lanes.dtype)
    p[..., :length] = lanes
    p = p.reshape(*outer, tiles, tile // GROUP, GROUP)
    with np.errstate(all="ignore"):
        for step in (1, 2, 4):
            for i in range(GROUP):
                if i & step:
                    p[..., i] += p[..., i // step * step - 1]
        chain = np.zeros((*outer, tiles), p.dtype)
        for group in range(tile // GROUP):
            p[..., group, :] += chain[..., None]
            chain = p[..., group, -1]
        carry = np.zeros(outer, p.dtype)
        for t in range(tiles):
            p[..., t, :, :] += carry[..., None, None]
            carry = p[..., t, -1, -1]
    result = p.reshape(*outer, tiles * tile)[..., :length]
    return np.ascontiguousarray(np.moveaxis(convert(result, dtype), -1, axis))


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
    return np.dtype(np.complex128 if dtype.kind == "c" else np.float64)


def convert(values, dtype):
    """Convert as PyTorch does: to a 16-bit float by way of float32."""
    with np.errstate(all="ignore"):
        if dtype.itemsize == 2 and dtype.kind not in "iu" and values.dtype != dtype:
            values = values.astype(np.float32)
        return values.astype(dtype)
