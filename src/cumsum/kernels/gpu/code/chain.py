"""The scan in one pass: each program adds up a tile, tells its sum, and learns what precedes it.

The sums of tiles lie in blocks and tiles of their own, as elements do. A program needs those of its
block before its own, and what precedes the block, which the last program of the block before tells:
so the chain from program to program has a link for every 256 tiles, a million elements.

Whatever is told is written once, as words of 64 bits of which 32 say that it is there. Programs
take tiles by a ticket, in the order in which they start, so the one that is waited for runs.
"""

from __future__ import annotations

import triton
import triton.language as tl

from cumsum.kernels.gpu.code import memory, order, scans
from cumsum.kernels.gpu.code.order import DECAY, GROUP

THERE = tl.constexpr(1)
STATES = tl.constexpr(4)  # values that are told of a block: see `next_state`


@triton.jit
def tell(words, some, value, P: tl.constexpr, K: tl.constexpr):
    """Write a value of each line, [P, K] with all K the same, to `words`, [P, 1]."""
    k = tl.arange(0, K)[None, :]
    for i in tl.static_range(len(value)):
        bits = value[i].to(tl.uint64, bitcast=True)
        high, low = ((bits >> 32) << 32) | THERE, (bits << 32) | THERE
        tl.atomic_xchg(words + 2 * i + k * 0, high, mask=some & (k == 0), sem="relaxed")
        tl.atomic_xchg(words + 2 * i + 1 + k * 0, low, mask=some & (k == 0), sem="relaxed")


@triton.jit
def looked_up(words, need, POLL: tl.constexpr):
    """Words as they are now, of whatever program wrote them."""
    if POLL:  # where loads may answer from a cache that nobody else's writes reach
        return tl.atomic_or(words, tl.zeros_like(need.to(tl.uint64)), mask=need, sem="relaxed")
    else:
        return tl.load(words, mask=need, other=0, volatile=True)


@triton.jit
def told(words, need, dtype: tl.constexpr, POLL: tl.constexpr):
    """What is told at `words`, as soon as it is; 0 where there is no need."""
    high, low = looked_up(words, need, POLL), looked_up(words + 1, need, POLL)
    missing = tl.max(tl.max((need & ((high & low & THERE) == 0)).to(tl.int32), 1), 0)
    while missing != 0:
        high, low = looked_up(words, need, POLL), looked_up(words + 1, need, POLL)
        missing = tl.max(tl.max((need & ((high & low & THERE) == 0)).to(tl.int32), 1), 0)
    bits = ((high >> 32) << 32) | (low >> 32)
    return tl.where(need, bits, 0).to(dtype, bitcast=True)


@triton.jit
def state_of(words, need, begin, none, V: tl.constexpr, P: tl.constexpr, N: tl.constexpr,
             K: tl.constexpr, POLL: tl.constexpr):  # fmt: skip
    """The four values, of V parts each, that are told of a block; of none, those of a beginning."""
    parts = told(words + 2 * tl.arange(0, N)[None, :], need, none[0].dtype, POLL)
    values = ()
    for which in tl.static_range(4):
        value = ()
        for i in tl.static_range(V):
            value = value + (order.standing_at(parts, which * V + i, P, N),)
        values = values + (value,)
    first = order.chosen(need, values[0], begin)
    return (
        first,
        order.chosen(need, values[1], none),
        order.chosen(need, values[2], none),
        order.chosen(need, values[3], begin),
    )


@triton.jit
def next_state(begin, none, state, total, block, BLOCKS: tl.constexpr, ALGEBRA: tl.constexpr):
    """What is told at the end of a block of tiles: what precedes the next one, and three more.

    Those are the sum of its tile's blocks so far, of the tiles before that in their group of eight,
    and what precedes that group. `begin` precedes the line, `total` is the block's sum.
    """
    blocks = order.combined(state[1], total, ALGEBRA)
    tiles = order.combined(state[2], blocks, ALGEBRA)
    last = block % BLOCKS == BLOCKS - 1  # of its tile
    eighth = last & (block // BLOCKS % 8 == 7)
    inside = order.combined(state[0], total, ALGEBRA)
    precedes = order.chosen(last, order.combined(state[3], tiles, ALGEBRA), inside)
    group = order.chosen(eighth, order.combined(begin, tiles, ALGEBRA), state[3])
    tiles = order.chosen(eighth, none, order.chosen(last, tiles, state[2]))
    return precedes, order.chosen(last, none, blocks), tiles, group


@triton.jit
def added_up(p, p2, some, first, end, n, xs, x2s, none,
             ALGEBRA: tl.constexpr, ACC: tl.constexpr, WIDE: tl.constexpr, DTYPE: tl.constexpr,
             COLUMNS: tl.constexpr, REVERSE: tl.constexpr, P: tl.constexpr, K: tl.constexpr):  # fmt: skip
    """The sum of a tile: of its blocks, one after the other."""
    total = none
    ahead = scans.raw(p, p2, some, first * (K * 8), n, xs, x2s,
                      ALGEBRA, False, COLUMNS, REVERSE, P, K)  # fmt: skip
    for b in range(first, end):
        groups = order.running(scans.valued(ahead, ALGEBRA, ACC, DTYPE), ALGEBRA)
        ahead = scans.raw(p, p2, some & order.is_before(b + 1, end), (b + 1) * (K * 8), n, xs, x2s,
                          ALGEBRA, False, COLUMNS, REVERSE, P, K)  # fmt: skip
        flipped: tl.constexpr = REVERSE and not COLUMNS
        _, t = order.tree(groups[GROUP - 1], order.cast(none, ACC), flipped, P, K, ALGEBRA)
        total = order.combined(total, order.cast(t, WIDE), ALGEBRA)
    return total


@triton.jit
def entering(words, states, total, begin, none, some, line, tile, tiles, rows, POLL: tl.constexpr,
             ALGEBRA: tl.constexpr, P: tl.constexpr, K: tl.constexpr, BLOCKS: tl.constexpr):  # fmt: skip
    """What precedes a tile whose sum is `total`; the last of a block of tiles tells of that."""
    V: tl.constexpr = 1 + (ALGEBRA != order.PLAIN) * 1
    row, place = tile // (K * 8), tile % (K * 8)
    k = tl.arange(0, K * 8)[None, :]
    at = words + (line * tiles + row * (K * 8) + k) * (2 * V)
    own = order.at_first(total, P, K)
    before = ()
    for v in tl.static_range(V):
        known = told(at + 2 * v, some & (k < place), none[v].dtype, POLL)
        if ALGEBRA == DECAY and v == 1:
            known = tl.where(k < place, known, 1)
        known = tl.where(k == place, own[v], known)
        before = before + (memory.shared_out(known, P, K),)
    groups = order.running(scans.zipped(before), ALGEBRA)
    at = states + (line * rows + row - 1) * (2 * STATES * V)
    state = state_of(at, some & order.is_before(0, row), begin, none, V, P, 4 * V, K, POLL)
    e, t = order.tree(groups[GROUP - 1], state[0], False, P, K, ALGEBRA)
    if (place == K * 8 - 1) & (tile + 1 < tiles):
        new = next_state(begin, none, state, t, row, BLOCKS, ALGEBRA)
        at = states + (line * rows + row) * (2 * STATES * V)
        for which in tl.static_range(STATES):
            tell(at + which * (2 * V), some, new[which], P, K)
    return order.picked(order.spread(e, groups, True, ALGEBRA), place, P, K)


@triton.jit(**order.COUNTS)
def chain(x, x2, y, initial, ticket, sums, states,
          lines, inner, n, blocks, tiles, rows, programs,
          xo, xi, xs, x2o, x2i, x2s, yo, yi, ys,
          ALGEBRA: tl.constexpr, BEGUN: tl.constexpr, EXCLUSIVE: tl.constexpr, POLL: tl.constexpr,
          ACC: tl.constexpr, WIDE: tl.constexpr, DTYPE: tl.constexpr,
          COLUMNS: tl.constexpr, REVERSE: tl.constexpr,
          P: tl.constexpr, K: tl.constexpr, BLOCKS: tl.constexpr):  # fmt: skip
    """Write the scan of `x` to `y`.

    `ticket` is one int32; `sums`, [lines, tiles], and `states`, [lines, rows, 4], are uint64, two
    for each part of a value; all are zero at first. Lines have 16 tiles of blocks of tiles at most.
    """
    V: tl.constexpr = 1 + (ALGEBRA != order.PLAIN) * 1
    taken = tl.atomic_add(ticket, 1, sem="relaxed").to(tl.int64)
    tile = taken // programs
    line, o, i, some = scans.lines_of(taken % programs, lines, inner, COLUMNS, P)
    p, p2 = x + o * xo + i * xi, x2 + o * x2o + i * x2i
    none = scans.nothing(P, K, ALGEBRA, WIDE)
    begin = none
    if BEGUN:
        begin = order.begun(none, tl.load(initial + line, mask=some, other=0))
    first = tile * BLOCKS
    end = min(first + BLOCKS, blocks)
    total = added_up(p, p2, some, first, end, n, xs, x2s, none,
                     ALGEBRA, ACC, WIDE, DTYPE, COLUMNS, REVERSE, P, K)  # fmt: skip
    tell(sums + (line * tiles + tile) * (2 * V), some, total, P, K)
    c = entering(sums, states, total, begin, none, some, line, tile, tiles, rows,
                 POLL, ALGEBRA, P, K, BLOCKS)  # fmt: skip
    scans.go_on(p, p2, y + o * yo + i * yi, y, some, first, end, n, xs, x2s, ys, c,
                ALGEBRA, False, True, EXCLUSIVE, ACC, WIDE, DTYPE, COLUMNS, REVERSE, P, K, BLOCKS)  # fmt: skip
