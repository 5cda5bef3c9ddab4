"""The kernels: sums of blocks and of tiles, and scans that go on from what precedes a tile.

A line is cut in tiles of 16 blocks of 256 elements. `sums` writes the sum of each block, `tiles`
those of tiles: of their blocks, one after the other. What precedes each tile is the exclusive scan
of the tiles' sums in this same order, by `scan` itself, of values that were KEPT. From there and
the sums of blocks, `scan` goes on anywhere.

Lines are numbered in C order of the dims but the scanned one, of which those after it are `inner`.
A program takes P lines, and `share` blocks of them.
"""

from __future__ import annotations

import triton
import triton.language as tl

from cumsum.kernels.gpu.code import memory, order
from cumsum.kernels.gpu.code.order import DECAY, GROUP, MASKED, PAIR, PLAIN, SHOWN, SKIPPED


@triton.jit
def lines_of(number, lines, inner, COLUMNS: tl.constexpr, P: tl.constexpr):
    """Of the `number`-th P lines: their numbers, their places before and after the axis, which are.

    Columns of a program are neighbours: they have the same place before the axis.
    """
    if COLUMNS:
        each = (inner - 1) // P + 1  # `inner` plus P might need more bits than it has
        i = (number % each) * P + tl.arange(0, P)
        o = number // each
        return (o * inner + i)[:, None], o, i[:, None], (i < inner)[:, None]
    else:
        line = (number * P + tl.arange(0, P))[:, None]
        return line, line // inner, line % inner, line < lines


@triton.jit
def sums_at(p, p2, some, ALGEBRA: tl.constexpr):
    """Values that were kept before."""
    if ALGEBRA == PAIR:
        return (tl.load(p, mask=some, other=0), tl.load(p2, mask=some, other=0))
    elif ALGEBRA == DECAY:
        return (tl.load(p, mask=some, other=0), tl.load(p2, mask=some, other=1))
    else:
        return (tl.load(p, mask=some, other=0),)


@triton.jit
def keep(p, p2, some, a, P: tl.constexpr, K: tl.constexpr):
    """Keep a value that all K places of a line have."""
    k = tl.arange(0, K)[None, :]
    tl.store(p + k * 0, a[0], mask=some & (k == 0))
    if len(a) > 1:
        tl.store(p2 + k * 0, a[1], mask=some & (k == 0))


@triton.jit
def nothing(P: tl.constexpr, K: tl.constexpr, ALGEBRA: tl.constexpr, dtype: tl.constexpr):
    """The sum of no elements."""
    if ALGEBRA == PAIR:
        return (tl.zeros([P, K], dtype), tl.zeros([P, K], dtype))
    elif ALGEBRA == DECAY:
        return (tl.zeros([P, K], dtype), tl.full([P, K], 1, dtype))
    else:
        return (tl.zeros([P, K], dtype),)


@triton.jit
def raw(x, x2, some, start, n, step, step2, ALGEBRA: tl.constexpr, KEPT: tl.constexpr,
        COLUMNS: tl.constexpr, REVERSE: tl.constexpr, P: tl.constexpr, K: tl.constexpr,
        HOLES: tl.constexpr = 0):  # fmt: skip
    """A block as it lies in memory: eight tensors, and eight of what else belongs to its values."""
    loaded = memory.load(x, some, start, n, step, 0, COLUMNS, REVERSE, P, K)
    if MASKED & HOLES:
        loaded = loaded + memory.load(x2, some, start, n, step2, 0, COLUMNS, REVERSE, P, K)
    elif ALGEBRA == DECAY:
        loaded = loaded + memory.load(x2, some, start, n, step2, 1, COLUMNS, REVERSE, P, K)
    elif ALGEBRA == PAIR and KEPT:
        loaded = loaded + memory.load(x2, some, start, n, step2, 0, COLUMNS, REVERSE, P, K)
    return loaded


@triton.jit
def converted(a, dtype: tl.constexpr):
    """Elements in another type: from and to 16-bit floats by way of float32, as torch does it."""
    if a.dtype == tl.bfloat16 or a.dtype == tl.float16:  # noqa: PLR1714 Triton has no `in`
        a = a.to(tl.float32)
    if dtype == tl.bfloat16 or dtype == tl.float16:  # noqa: PLR1714
        a = a.to(tl.float32)
    return a.to(dtype)


@triton.jit
def holes_in(loaded, HOLES: tl.constexpr):
    """Which elements of a block are holes."""
    holes = ()
    for v in tl.static_range(GROUP):
        if SKIPPED & HOLES:
            number = loaded[v]
            if number.dtype == tl.bfloat16:  # which the interpreter cannot compare
                number = number.to(tl.float32)
            hole = number != number
            if MASKED & HOLES:
                hole = hole | (loaded[GROUP + v] == 0)
        else:
            hole = loaded[GROUP + v] == 0
        holes = holes + (hole,)
    return holes


@triton.jit
def shown(values, holes, ALGEBRA: tl.constexpr):
    """The results of a block with NaN in its holes."""
    results = ()
    for v in tl.static_range(GROUP):
        a = (tl.where(holes[v], float("nan"), values[v][0]),)
        if ALGEBRA == PAIR:
            a = a + (values[v][1],)
        results = results + (a,)
    return results


@triton.jit
def valued(loaded, ALGEBRA: tl.constexpr, ACC: tl.constexpr, DTYPE: tl.constexpr,
           HOLES: tl.constexpr = 0):  # fmt: skip
    """The values to add up: elements are cast to the result's dtype first, factors are not."""
    values = ()
    if HOLES:
        holes = holes_in(loaded, HOLES)
    for v in tl.static_range(GROUP):
        a = converted(converted(loaded[v], DTYPE), ACC)
        if HOLES:
            a = tl.where(holes[v], tl.zeros_like(a), a)
        if len(loaded) > GROUP and HOLES == 0:
            values = values + ((a, converted(loaded[GROUP + v], ACC)),)
        elif ALGEBRA == PAIR:
            values = values + ((a, tl.zeros_like(a)),)
        else:
            values = values + ((a,),)
    return values


@triton.jit
def zipped(parts):
    """Eight values of their parts."""
    values = ()
    for v in tl.static_range(GROUP):
        if len(parts) > 1:
            values = values + ((parts[0][v], parts[1][v]),)
        else:
            values = values + ((parts[0][v],),)
    return values


@triton.jit
def written(q, some, start, n, step, values, which: tl.constexpr,
            COLUMNS: tl.constexpr, REVERSE: tl.constexpr, P: tl.constexpr, K: tl.constexpr):  # fmt: skip
    """Write one part of the values of a block."""
    parts = ()
    for v in tl.static_range(GROUP):
        parts = parts + (values[v][which],)
    memory.store(q, some, start, n, step, parts, COLUMNS, REVERSE, P, K)


@triton.jit
def rounded(q, some, start, n, step, values, ALGEBRA: tl.constexpr,
            COLUMNS: tl.constexpr, REVERSE: tl.constexpr, P: tl.constexpr, K: tl.constexpr):  # fmt: skip
    """Write the numbers that the values of a block stand for."""
    numbers = ()
    for v in tl.static_range(GROUP):
        number = order.rounded(values[v], ALGEBRA)
        numbers = numbers + (converted(number, q.dtype.element_ty),)
    memory.store(q, some, start, n, step, numbers, COLUMNS, REVERSE, P, K)


@triton.jit
def put(q, q2, some, start, n, step, values, ALGEBRA: tl.constexpr, KEPT: tl.constexpr,
        COLUMNS: tl.constexpr, REVERSE: tl.constexpr, P: tl.constexpr, K: tl.constexpr):  # fmt: skip
    """Write the results of a block."""
    if not KEPT:
        rounded(q, some, start, n, step, values, ALGEBRA, COLUMNS, REVERSE, P, K)
    else:
        written(q, some, start, n, step, values, 0, COLUMNS, REVERSE, P, K)
        if ALGEBRA != PLAIN:
            written(q2, some, start, n, step, values, 1, COLUMNS, REVERSE, P, K)


@triton.jit(**order.COUNTS)
def sums(x, x2, y, y2, lines, inner, n, blocks, parts, share, xo, xi, xs, x2o, x2i, x2s,
         ALGEBRA: tl.constexpr, KEPT: tl.constexpr,
         ACC: tl.constexpr, WIDE: tl.constexpr, DTYPE: tl.constexpr,
         COLUMNS: tl.constexpr, REVERSE: tl.constexpr, P: tl.constexpr, K: tl.constexpr,
         HOLES: tl.constexpr = 0):  # fmt: skip
    """Write the sums of blocks of `x` to `y`, [lines, blocks]."""
    pid = tl.program_id(0).to(tl.int64)
    line, o, i, some = lines_of(pid // parts, lines, inner, COLUMNS, P)
    p, p2 = x + o * xo + i * xi, x2 + o * x2o + i * x2i
    first = pid % parts * share
    end = min(first + share, blocks)
    ahead = raw(p, p2, some, first * (K * 8), n, xs, x2s, ALGEBRA, KEPT, COLUMNS, REVERSE, P, K,
                HOLES)  # fmt: skip
    for b in range(first, end):
        groups = order.running(valued(ahead, ALGEBRA, ACC, DTYPE, HOLES), ALGEBRA)
        ahead = raw(p, p2, some & order.is_before(b + 1, end), (b + 1) * (K * 8), n, xs, x2s,
                    ALGEBRA, KEPT, COLUMNS, REVERSE, P, K, HOLES)  # fmt: skip
        none = nothing(P, K, ALGEBRA, ACC)
        _, t = order.tree(groups[GROUP - 1], none, REVERSE and not COLUMNS, P, K, ALGEBRA)
        at = line * blocks + b
        keep(y + at, y2 + at, some, order.cast(t, WIDE), P, K)


@triton.jit(**order.COUNTS)
def tiles(x, x2, y, y2, count, blocks, of,
          ALGEBRA: tl.constexpr, P: tl.constexpr, BLOCKS: tl.constexpr):  # fmt: skip
    """Write the sums of `count` tiles to `y`, `of` of which a line has, from those of its blocks."""
    t = tl.program_id(0).to(tl.int64) * P + tl.arange(0, P)
    first = t % of * BLOCKS
    at = t // of * blocks + first
    a = sums_at(x + at, x2 + at, t < count, ALGEBRA)
    for b in range(1, BLOCKS):
        some = (t < count) & (first + b < blocks)
        a = order.combined(a, sums_at(x + at + b, x2 + at + b, some, ALGEBRA), ALGEBRA)
    tl.store(y + t, a[0], mask=t < count)
    if len(a) > 1:
        tl.store(y2 + t, a[1], mask=t < count)


@triton.jit
def go_on(p, p2, q, q2, some, first, end, n, xs, x2s, ys, begin,
          ALGEBRA: tl.constexpr, KEPT: tl.constexpr, CARRIED: tl.constexpr, EXCLUSIVE: tl.constexpr,
          ACC: tl.constexpr, WIDE: tl.constexpr, DTYPE: tl.constexpr,
          COLUMNS: tl.constexpr, REVERSE: tl.constexpr,
          P: tl.constexpr, K: tl.constexpr, BLOCKS: tl.constexpr,
          HOLES: tl.constexpr = 0):  # fmt: skip
    """Write the results of some blocks, which `begin` precedes: of one tile, or from the first on."""
    none = nothing(P, K, ALGEBRA, WIDE)
    c, tiles, tile = begin, none, none
    ahead = raw(p, p2, some, first * (K * 8), n, xs, x2s, ALGEBRA, KEPT, COLUMNS, REVERSE, P, K,
                HOLES)  # fmt: skip
    for b in range(first, end):
        groups = order.running(valued(ahead, ALGEBRA, ACC, DTYPE, HOLES), ALGEBRA)
        if SHOWN & HOLES:
            holes = holes_in(ahead, HOLES)
        ahead = raw(p, p2, some & order.is_before(b + 1, end), (b + 1) * (K * 8), n, xs, x2s,
                    ALGEBRA, KEPT, COLUMNS, REVERSE, P, K, HOLES)  # fmt: skip
        flipped: tl.constexpr = REVERSE and not COLUMNS
        e, t = order.tree(groups[GROUP - 1], order.cast(c, ACC), flipped, P, K, ALGEBRA)
        results = order.spread(e, groups, EXCLUSIVE, ALGEBRA)
        if SHOWN & HOLES:
            results = shown(results, holes, ALGEBRA)
        put(q, q2, some, b * (K * 8), n, ys, results, ALGEBRA, KEPT, COLUMNS, REVERSE, P, K)
        t = order.cast(t, WIDE)
        c = order.combined(c, t, ALGEBRA)
        if not CARRIED:
            tile = order.combined(tile, t, ALGEBRA)
            if b % BLOCKS == BLOCKS - 1:
                tiles = order.combined(tiles, tile, ALGEBRA)
                tile = none
                c = order.combined(begin, tiles, ALGEBRA)


@triton.jit
def entering(initial, before, before2, kept, kept2, line, some, blocks, first, none,
             ALGEBRA: tl.constexpr, BEGUN: tl.constexpr, CARRIED: tl.constexpr,
             BLOCKS: tl.constexpr):  # fmt: skip
    """What precedes the block `first` of lines, of which a program is to do some."""
    begin = none
    if BEGUN:
        begin = order.begun(none, tl.load(initial + line, mask=some, other=0))
    if CARRIED:
        tile = first // BLOCKS
        at = line * tl.cdiv(blocks, BLOCKS) + tile
        begin = order.combined(none, sums_at(before + at, before2 + at, some, ALGEBRA), ALGEBRA)
        for b in range(tile * BLOCKS, first):
            at = line * blocks + b
            begin = order.combined(begin, sums_at(kept + at, kept2 + at, some, ALGEBRA), ALGEBRA)
    return begin


@triton.jit(**order.COUNTS)
def scan(x, x2, y, y2, initial, before, before2, kept, kept2, lines, inner, n, blocks, parts, share,
         xo, xi, xs, x2o, x2i, x2s, yo, yi, ys,
         ALGEBRA: tl.constexpr, KEPT: tl.constexpr, BEGUN: tl.constexpr, CARRIED: tl.constexpr,
         EXCLUSIVE: tl.constexpr, ACC: tl.constexpr, WIDE: tl.constexpr, DTYPE: tl.constexpr,
         COLUMNS: tl.constexpr, REVERSE: tl.constexpr, P: tl.constexpr, K: tl.constexpr,
         BLOCKS: tl.constexpr, HOLES: tl.constexpr = 0):  # fmt: skip
    """Write the scan of `x` to `y`; KEPT, of values to `y` and `y2`, with nothing rounded.

    CARRIED: the `share` blocks of each program are of one tile. What precedes that is in `before`,
    [lines, tiles], the sums of its blocks in `kept`, [lines, blocks]. Else a program walks along
    whole lines of 8 tiles at most, from `initial`, [lines], if they are BEGUN.
    """
    pid = tl.program_id(0).to(tl.int64)
    line, o, i, some = lines_of(pid // parts, lines, inner, COLUMNS, P)
    p, p2 = x + o * xo + i * xi, x2 + o * x2o + i * x2i
    first = pid % parts * share
    begin = entering(initial, before, before2, kept, kept2, line, some, blocks, first,
                     nothing(P, K, ALGEBRA, WIDE), ALGEBRA, BEGUN, CARRIED, BLOCKS)  # fmt: skip
    at = o * yo + i * yi
    end = min(first + share, blocks)
    go_on(p, p2, y + at, y2 + at, some, first, end, n, xs, x2s, ys, begin,
          ALGEBRA, KEPT, CARRIED, EXCLUSIVE, ACC, WIDE, DTYPE, COLUMNS, REVERSE, P, K, BLOCKS, HOLES)  # fmt: skip
