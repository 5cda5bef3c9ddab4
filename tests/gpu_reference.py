"""The order of the additions on a GPU, word for word, in NumPy."""

import numpy as np

GROUP = 8


def plus(a, b):
    """Plain sums: values are one number."""
    return (a[0] + b[0],)


def pair_plus(a, b):
    """Sums with what they lost."""
    s = a[0] + b[0]
    c = s - a[0]
    return s, (a[1] + b[1]) + ((a[0] - (s - c)) + (b[0] - c))


def decay_plus(a, b):
    """Decaying sums with the product of the factors."""
    with np.errstate(over="ignore", invalid="ignore"):
        faded = np.where(a[0] == 0, a[0], a[0] * b[1])
        factors = np.where(b[1] == 0, b[1], a[1] * b[1])
        return faded + b[0], np.where(a[1] == 0, a[1], factors)


def cut(values, size, fill):
    """Lines, [..., n], as [..., parts, size]."""
    n = values[0].shape[-1]
    pad = [(0, 0)] * (values[0].ndim - 1) + [(0, -n % size)]
    padded = (np.pad(v, pad, constant_values=f) for v, f in zip(values, fill, strict=True))
    return tuple(v.reshape(*v.shape[:-1], -1, size) for v in padded)


def at(values, *index):
    return tuple(v[index] for v in values)


def stacked(parts):
    return tuple(np.stack(each, -1) for each in zip(*parts, strict=True))


def as_type(values, dtype):
    return tuple(v.astype(dtype) for v in values)


def scan(values, begin, wide, plus=plus, fill=(0,), exclusive=False, sizes=(32, 16)):
    """The scan of lines, [lines, n], of values after `begin`, [lines].

    `sizes` are the groups of a block and the blocks of a tile.
    """
    n, acc = values[0].shape[-1], values[0].dtype
    blocks = cut(cut(values, sizes[0] * GROUP, fill), GROUP, fill)  # [lines, blocks, groups, 8]
    running = [at(blocks, ..., 0)]
    for i in range(1, GROUP):
        running.append(plus(running[-1], at(blocks, ..., i)))
    totals = running[-1]
    levels = []  # of the tree: sums of 1, 2, 4, ... groups
    while totals[0].shape[-1] > 1:
        levels.append(totals)
        totals = plus(at(totals, ..., slice(0, None, 2)), at(totals, ..., slice(1, None, 2)))
    of_blocks = as_type(at(totals, ..., 0), wide)
    entering = before_blocks(of_blocks, begin, plus, fill, sizes)
    e = tuple(v[..., None] for v in as_type(entering, acc))
    for level in reversed(levels):
        right = plus(e, at(level, ..., slice(0, None, 2)))
        e = tuple(np.stack(v, -1).reshape(*v[0].shape[:-1], -1) for v in zip(e, right, strict=True))
    if exclusive:
        results = [e] + [plus(e, r) for r in running[:-1]]
    else:
        results = [plus(e, r) for r in running]
    return tuple(v.reshape(v.shape[0], -1)[:, :n] for v in stacked(results))


def before_blocks(sums, begin, plus, fill, sizes):
    """What precedes each block: tile by tile, and in them one block after the other."""
    count = sums[0].shape[-1]
    tiles = cut(sums, sizes[1], fill)
    entering = tuple(v[:, None] for v in begin)
    if tiles[0].shape[-2] > 1:
        of_tiles = at(tiles, ..., 0)
        for i in range(1, sizes[1]):
            of_tiles = plus(of_tiles, at(tiles, ..., i))
        entering = scan(of_tiles, begin, sums[0].dtype, plus, fill, True, sizes)
    chain = [entering]
    for i in range(sizes[1] - 1):
        chain.append(plus(chain[-1], at(tiles, ..., i)))
    return tuple(v.reshape(v.shape[0], -1)[:, :count] for v in stacked(chain))
