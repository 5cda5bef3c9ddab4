"""The same kernels for columns that are side by side: each thread goes along one of its own.

The order is that of `order.tree`, one group after the other. What precedes a group is what precedes
its block and the sums of the trees to its left, the largest first; each of those trees ends before
the group begins, so its sum is kept from then on, and no thread asks another.

Trees of U groups are written out. Those above them are counted: where the n-th of them lies is
said by the bits of n.
"""

from __future__ import annotations

import triton
import triton.language as tl

from cumsum.kernels.gpu.code import order, scans
from cumsum.kernels.gpu.code.order import DECAY, GROUP


@triton.jit
def many(a, count: tl.constexpr):
    """A value so many times."""
    r = ()
    for _ in tl.static_range(count):
        r = r + (a,)
    return r


@triton.jit
def ended(nth, total, lefts, entering, UPPER: tl.constexpr, ALGEBRA: tl.constexpr):
    """After the `nth` tree of U groups, of sum `total`: the state that the next one begins with.

    `lefts` are the sums of the left halves of the trees of each level, `entering` is what precedes
    the right half, or the whole. Also returns the sum of all.
    """
    for level in tl.static_range(UPPER):
        here = tl.full([1, 1], nth % (2 << level), tl.int32) == (1 << level) - 1
        new = order.combined(entering[level + 1], total, ALGEBRA)
        with_left, precedes = (), ()
        for k in tl.static_range(UPPER):
            if k == level:
                with_left = with_left + (order.chosen(here, total, lefts[k]),)
            else:
                with_left = with_left + (lefts[k],)
        for k in tl.static_range(UPPER + 1):
            if k <= level:
                precedes = precedes + (order.chosen(here, new, entering[k]),)
            else:
                precedes = precedes + (entering[k],)
        total = order.combined(lefts[level], total, ALGEBRA)
        lefts, entering = with_left, precedes
    return total, lefts, entering


@triton.jit
def before_group(u: tl.constexpr, entering, sums, ALGEBRA: tl.constexpr):
    """What precedes the `u`-th group of a written out tree, by the sums of those before it."""
    if u == 0:
        return entering
    elif u == 1:
        return order.combined(entering, sums[0], ALGEBRA)
    else:
        half = order.combined(entering, order.combined(sums[0], sums[1], ALGEBRA), ALGEBRA)
        if u == 2:
            return half
        else:
            return order.combined(half, sums[2], ALGEBRA)


@triton.jit
def sum_of(sums, U: tl.constexpr, ALGEBRA: tl.constexpr):
    """The sum of a written out tree."""
    if U == 1:
        return sums[0]
    elif U == 2:
        return order.combined(sums[0], sums[1], ALGEBRA)
    else:
        half = order.combined(sums[0], sums[1], ALGEBRA)
        return order.combined(half, order.combined(sums[2], sums[3], ALGEBRA), ALGEBRA)


@triton.jit
def at_start(p, first, n, step, REVERSE: tl.constexpr):
    """Where a line begins for a program that goes on from element `first`, and its step there."""
    if REVERSE:
        return p + (n - 1 - first) * step, -step
    else:
        return p + first * step, step


@triton.jit
def read(p, some, left, step, other):
    """The elements of a group from `p` on, of a line with so many `left`; and where it ends."""
    x = ()
    for v in tl.static_range(GROUP):
        x = x + (tl.load(p, mask=some & (left > v), other=other),)
        p += step
    return x, p


@triton.jit
def group(p, p2, some, left, step, step2, ALGEBRA: tl.constexpr):
    """What `scans.raw` gives, and where both end."""
    x, p = read(p, some, left, step, 0)
    if ALGEBRA == DECAY:
        more, p2 = read(p2, some, left, step2, 1)
        x = x + more
    return x, p, p2


@triton.jit
def write(q, some, left, step, values, ALGEBRA: tl.constexpr):
    """Write the results of a group; the place where it ends."""
    for v in tl.static_range(GROUP):
        number = scans.converted(order.rounded(values[v], ALGEBRA), q.dtype.element_ty)
        tl.store(q, number, mask=some & (left > v))
        q += step
    return q


@triton.jit(**order.COUNTS)
def sums(x, x2, y, y2, lines, inner, n, blocks, parts, share, xo, xi, xs, x2o, x2i, x2s,
         ALGEBRA: tl.constexpr, KEPT: tl.constexpr,
         ACC: tl.constexpr, WIDE: tl.constexpr, DTYPE: tl.constexpr,
         COLUMNS: tl.constexpr, REVERSE: tl.constexpr, P: tl.constexpr, K: tl.constexpr):  # fmt: skip
    """Write the sums of blocks of `x` to `y`, [lines, blocks], as `scans.sums` does."""
    tl.static_assert(COLUMNS and not KEPT)
    U: tl.constexpr = min(4, K)
    UPPER: tl.constexpr = (K > 4) * 1 + (K > 8) * 1 + (K > 16) * 1
    pid = tl.program_id(0).to(tl.int64)
    line, o, i, some = scans.lines_of(pid // parts, lines, inner, True, P)
    first = pid % parts * share
    end = min(first + share, blocks)
    p, xs = at_start(x + o * xo + i * xi, first * (K * 8), n, xs, REVERSE)
    p2, x2s = at_start(x2 + o * x2o + i * x2i, first * (K * 8), n, x2s, REVERSE)
    left = min(n, end * (K * 8)) - first * (K * 8)
    none = scans.nothing(P, 1, ALGEBRA, ACC)
    ahead, p, p2 = group(p, p2, some, left, xs, x2s, ALGEBRA)
    for b in range(first, end):
        lefts, precede, total = many(none, UPPER), many(none, UPPER + 1), none
        for nth in range(K // U):
            totals = ()
            for _ in tl.static_range(U):
                groups = order.running(scans.valued(ahead, ALGEBRA, ACC, DTYPE), ALGEBRA)
                left -= 8
                ahead, p, p2 = group(p, p2, some, left, xs, x2s, ALGEBRA)
                totals = totals + (groups[GROUP - 1],)
            total, lefts, precede = ended(
                nth, sum_of(totals, U, ALGEBRA), lefts, precede, UPPER, ALGEBRA
            )
        to = line * blocks + b
        scans.keep(y + to, y2 + to, some, order.cast(total, WIDE), P, 1)


@triton.jit(**order.COUNTS)
def scan(x, x2, y, y2, initial, before, before2, kept, kept2, lines, inner, n, blocks, parts, share,
         xo, xi, xs, x2o, x2i, x2s, yo, yi, ys,
         ALGEBRA: tl.constexpr, KEPT: tl.constexpr, BEGUN: tl.constexpr, CARRIED: tl.constexpr,
         EXCLUSIVE: tl.constexpr, ACC: tl.constexpr, WIDE: tl.constexpr, DTYPE: tl.constexpr,
         COLUMNS: tl.constexpr, REVERSE: tl.constexpr, P: tl.constexpr, K: tl.constexpr, BLOCKS: tl.constexpr):  # fmt: skip
    """Write the scan of `x` to `y`, as `scans.scan` does."""
    tl.static_assert(COLUMNS and not KEPT)
    U: tl.constexpr = min(4, K)
    UPPER: tl.constexpr = (K > 4) * 1 + (K > 8) * 1 + (K > 16) * 1
    pid = tl.program_id(0).to(tl.int64)
    line, o, i, some = scans.lines_of(pid // parts, lines, inner, True, P)
    first = pid % parts * share
    end = min(first + share, blocks)
    none = scans.nothing(P, 1, ALGEBRA, WIDE)
    begin = scans.entering(initial, before, before2, kept, kept2, line, some, blocks, first, none,
                           ALGEBRA, BEGUN, CARRIED, BLOCKS)  # fmt: skip
    p, xs = at_start(x + o * xo + i * xi, first * (K * 8), n, xs, REVERSE)
    p2, x2s = at_start(x2 + o * x2o + i * x2i, first * (K * 8), n, x2s, REVERSE)
    q, ys = at_start(y + o * yo + i * yi, first * (K * 8), n, ys, REVERSE)
    left = min(n, end * (K * 8)) - first * (K * 8)
    c, tiles, tile = begin, none, none
    ahead, p, p2 = group(p, p2, some, left, xs, x2s, ALGEBRA)
    for b in range(first, end):
        t = order.cast(c, ACC)
        lefts, precede = many(t, UPPER), many(t, UPPER + 1)
        for nth in range(K // U):
            totals = ()
            for u in tl.static_range(U):
                groups = order.running(scans.valued(ahead, ALGEBRA, ACC, DTYPE), ALGEBRA)
                ahead, p, p2 = group(p, p2, some, left - 8, xs, x2s, ALGEBRA)
                e = before_group(u, precede[0], totals, ALGEBRA)
                totals = totals + (groups[GROUP - 1],)
                results = order.spread(e, groups, EXCLUSIVE, ALGEBRA)
                q = write(q, some, left, ys, results, ALGEBRA)
                left -= 8
            t, lefts, precede = ended(
                nth, sum_of(totals, U, ALGEBRA), lefts, precede, UPPER, ALGEBRA
            )
        t = order.cast(t, WIDE)
        c = order.combined(c, t, ALGEBRA)
        if not CARRIED:
            tile = order.combined(tile, t, ALGEBRA)
            if b % BLOCKS == BLOCKS - 1:
                tiles = order.combined(tiles, tile, ALGEBRA)
                tile = none
                c = order.combined(begin, tiles, ALGEBRA)
