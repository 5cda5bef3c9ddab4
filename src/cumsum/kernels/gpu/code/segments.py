"""The kernels for segments: lines of their own, whose beginnings and lengths are read from memory.

Short ones, of a block at most, are taken several by one program. Longer ones are cut in tiles, which
are numbered through: `tiles` counts those of each segment, the exclusive scan of these numbers says
where those of a segment begin, and each program looks up which segment its tile is of. What precedes
a tile is the exclusive scan of the tiles' sums, which is one of segments again.

Whatever the offsets hold, nothing is read or written but the `n` elements of each line.
"""

from __future__ import annotations

import triton
import triton.language as tl

from cumsum.kernels.gpu.code import order
from cumsum.kernels.gpu.code.order import GROUP, PLAIN
from cumsum.kernels.gpu.code.scans import (
    go_on,
    keep,
    lines_of,
    nothing,
    raw,
    rounded,
    sums_at,
    valued,
    written,
)


@triton.jit
def place(offsets, s, some, n):
    """Where segments `s` begin, and how long they are: not at all where `some` does not hold."""
    begin = tl.load(offsets + s, mask=some, other=0)
    end = tl.load(offsets + s + 1, mask=some, other=0)
    begin = tl.minimum(tl.maximum(begin, 0), n)
    return begin, tl.maximum(tl.minimum(end, n) - begin, 0)


@triton.jit(do_not_specialize=["count", "short", "of"])
def measure(offsets, facts, count, n, short, of, P: tl.constexpr):
    """Add up what `count` segments are like.

    `facts` are how many offsets break the rules, the greatest length, how many segments are longer
    than `short`, and how many tiles of `of` elements these have.
    """
    s = tl.program_id(0).to(tl.int64) * P + tl.arange(0, P)
    some = s < count
    begin = tl.load(offsets + s, mask=some, other=0)
    end = tl.load(offsets + s + 1, mask=some, other=0)
    broken = (end < begin) | ((s == 0) & (begin != 0)) | ((s == count - 1) & (end != n))
    _, size = place(offsets, s, some, n)
    long = size > short
    tl.atomic_add(facts, tl.sum((some & broken).to(tl.int64), 0))
    tl.atomic_max(facts + 1, tl.max(size, 0))
    tl.atomic_add(facts + 2, tl.sum(long.to(tl.int64), 0))
    tl.atomic_add(facts + 3, tl.sum(tl.where(long, tl.cdiv(size, of), 0), 0))


@triton.jit(do_not_specialize=["count", "short", "of"])
def tiles(offsets, y, count, n, short, of, P: tl.constexpr):
    """Write how many tiles of `of` elements segments longer than `short` have, 0 after the last."""
    s = tl.program_id(0).to(tl.int64) * P + tl.arange(0, P)
    _, size = place(offsets, s, s < count, n)
    tl.store(y + s, tl.where(size > short, tl.cdiv(size, of), 0), mask=s <= count)


@triton.jit
def segment_of(starts, count, tile, steps):
    """The segment that a tile is of: the last one whose tiles start with no later one."""
    low, high = tile * 0, tile * 0 + count
    for _ in range(steps):
        middle = (low + high) // 2
        later = tl.load(starts + middle) > tile
        low, high = tl.where(later, low, middle), tl.where(later, middle, high)
    return low


@triton.jit
def part_of(offsets, starts, count, steps, tile, n, share, K: tl.constexpr):
    """A tile's place: where its segment begins and how long that is, its first block and its end."""
    there = tile < tl.load(starts + count)
    s = segment_of(starts, count, tile, steps)
    begin, size = place(offsets, s, there, n)
    first = (tile - tl.load(starts + s)) * share
    blocks = tl.cdiv(size, K * 8)
    return begin, size, first, tl.where(there, tl.minimum(first + share, blocks), first), blocks


@triton.jit(do_not_specialize=["count", "short"])
def short(x, x2, y, y2, initial, offsets, count, short, lines, inner, n, xo, xi, xs, yo, yi, ys,
          ALGEBRA: tl.constexpr, KEPT: tl.constexpr, BEGUN: tl.constexpr, EXCLUSIVE: tl.constexpr,
          ACC: tl.constexpr, WIDE: tl.constexpr, DTYPE: tl.constexpr,
          COLUMNS: tl.constexpr, REVERSE: tl.constexpr, P: tl.constexpr, K: tl.constexpr,
          ALONE: tl.constexpr):  # fmt: skip
    """Scan the segments of up to `short` elements, K * 8 at most.

    Of rows, a program takes P segments, which may be of several, unless there is but one line, ALONE;
    of columns, one of P.
    """
    pid = tl.program_id(0).to(tl.int64)
    if COLUMNS:
        s = pid % count
        line, o, i, some = lines_of(pid // count, lines, inner, COLUMNS, P)
        begin, size = place(offsets, s, s < count, n)
    else:
        number = (pid * P + tl.arange(0, P))[:, None]
        if ALONE:  # which spares each lane a division
            s, line, some = number, number * 0, number < count
        else:
            s, line, some = number % count, number // count, number < count * lines
        o, i = line // inner, line % inner
        begin, size = place(offsets, s, some, n)
    some = some & (size + tl.zeros([1, 1], tl.int64) <= short)  # a mask in the interpreter as well
    p = x + o * xo + i * xi + begin * xs
    p2 = x2 + o * xo + i * xi + begin * xs
    loaded = raw(p, p2, some, 0, size, xs, xs, ALGEBRA, KEPT, COLUMNS, REVERSE, P, K)
    groups = order.running(valued(loaded, ALGEBRA, ACC, DTYPE), ALGEBRA)
    c = nothing(P, K, ALGEBRA, WIDE)
    if BEGUN:
        c = order.begun(c, tl.load(initial + line, mask=some, other=0))
    e, _ = order.tree(groups[GROUP - 1], order.cast(c, ACC), REVERSE and not COLUMNS, P, K, ALGEBRA)
    results = order.spread(e, groups, EXCLUSIVE, ALGEBRA)
    at = o * yo + i * yi + begin * ys
    if KEPT:
        written(y + at, some, 0, size, ys, results, 0, COLUMNS, REVERSE, P, K)
        if ALGEBRA != PLAIN:
            written(y2 + at, some, 0, size, ys, results, 1, COLUMNS, REVERSE, P, K)
    else:
        rounded(y + at, some, 0, size, ys, results, ALGEBRA, COLUMNS, REVERSE, P, K)


@triton.jit(do_not_specialize=["count", "steps", "room"])
def sums(x, x2, y, y2, offsets, starts, count, steps, room, lines, inner, n, xo, xi, xs,
         ALGEBRA: tl.constexpr, KEPT: tl.constexpr,
         ACC: tl.constexpr, WIDE: tl.constexpr, DTYPE: tl.constexpr,
         COLUMNS: tl.constexpr, REVERSE: tl.constexpr, P: tl.constexpr, K: tl.constexpr,
         BLOCKS: tl.constexpr):  # fmt: skip
    """Write the sums of tiles of `x` to `y`, [lines, room], but for the only one of a segment."""
    pid = tl.program_id(0).to(tl.int64)
    tile = pid % room
    line, o, i, some = lines_of(pid // room, lines, inner, COLUMNS, P)
    begin, n, first, end, blocks = part_of(offsets, starts, count, steps, tile, n, BLOCKS, K)
    end = tl.where(blocks > BLOCKS, end, first)
    at = o * xo + i * xi + begin * xs
    p, p2 = x + at, x2 + at
    none = nothing(P, K, ALGEBRA, ACC)
    sum = nothing(P, K, ALGEBRA, WIDE)
    there = some & order.is_before(first, end)
    ahead = raw(p, p2, there, first * (K * 8), n, xs, xs, ALGEBRA, KEPT, COLUMNS, REVERSE, P, K)
    for b in range(first, end):
        groups = order.running(valued(ahead, ALGEBRA, ACC, DTYPE), ALGEBRA)
        ahead = raw(p, p2, some & order.is_before(b + 1, end), (b + 1) * (K * 8), n, xs, xs,
                    ALGEBRA, KEPT, COLUMNS, REVERSE, P, K)  # fmt: skip
        _, t = order.tree(groups[GROUP - 1], none, REVERSE and not COLUMNS, P, K, ALGEBRA)
        sum = order.combined(sum, order.cast(t, WIDE), ALGEBRA)
    at = line * room + tile
    keep(y + at, y2 + at, there, sum, P, K)


@triton.jit(do_not_specialize=["count", "steps", "room", "share"])
def scan(x, x2, y, y2, initial, before, before2, offsets, starts, count, steps, room, share,
         lines, inner, n, xo, xi, xs, yo, yi, ys,
         ALGEBRA: tl.constexpr, KEPT: tl.constexpr, BEGUN: tl.constexpr, CARRIED: tl.constexpr,
         EXCLUSIVE: tl.constexpr, ACC: tl.constexpr, WIDE: tl.constexpr, DTYPE: tl.constexpr,
         COLUMNS: tl.constexpr, REVERSE: tl.constexpr, P: tl.constexpr, K: tl.constexpr,
         BLOCKS: tl.constexpr):  # fmt: skip
    """Write the scan of long segments, `share` blocks a program.

    CARRIED: these are a tile, which `before`, [lines, room], precedes. Else they are a whole
    segment of 8 tiles at most.
    """
    pid = tl.program_id(0).to(tl.int64)
    number = pid % room
    line, o, i, some = lines_of(pid // room, lines, inner, COLUMNS, P)
    begin, n, first, end, _ = part_of(offsets, starts, count, steps, number, n, share, K)
    there = some & order.is_before(first, end)
    none = nothing(P, K, ALGEBRA, WIDE)
    entering = none
    if BEGUN:
        entering = order.begun(none, tl.load(initial + line, mask=there, other=0))
    if CARRIED:
        at = line * room + number
        entering = order.combined(none, sums_at(before + at, before2 + at, there, ALGEBRA), ALGEBRA)
    p, q = o * xo + i * xi + begin * xs, o * yo + i * yi + begin * ys
    go_on(x + p, x2 + p, y + q, y2 + q, there, first, end, n, xs, xs, ys, entering,
          ALGEBRA, KEPT, CARRIED, EXCLUSIVE, ACC, WIDE, DTYPE, COLUMNS, REVERSE, P, K, BLOCKS)  # fmt: skip
