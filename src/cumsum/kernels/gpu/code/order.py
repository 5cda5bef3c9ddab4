"""The order of the additions on a GPU, as code of Triton.

It belongs to the definition of the result, as that of the CPU does (docs/gpu.md states both), and
no compiler may change it: what moves between threads moves by explicit exchanges, whose partners
are given by positions on the axis, never by a scan or a reduction whose order is a layout's.

A value is a tuple of tensors: the sum; in compensated scans, and what it lost; in decaying ones,
and the product of the factors.
"""

from __future__ import annotations

import triton
import triton.language as tl

PLAIN = tl.constexpr(0)
PAIR = tl.constexpr(1)
DECAY = tl.constexpr(2)

# What counts as a hole among elements, and whether NaN is written there.
MASKED = tl.constexpr(1)
SKIPPED = tl.constexpr(2)
SHOWN = tl.constexpr(4)

GROUP = tl.constexpr(8)  # elements that one thread adds up one after the other

# What is not compiled into kernels: only 1 is, and whether numbers that make up places are
# divisible by 16, without which loads are not whole.
COUNTS = {
    "do_not_specialize": ["lines", "share", "count", "of", "tiles", "rows"],
    "do_not_specialize_on_alignment": ["inner", "blocks", "parts", "programs"],
}


@triton.jit
def combined(a, b, ALGEBRA: tl.constexpr):
    """What comes before, `a`, and what comes after it, as one."""
    if ALGEBRA == PAIR:  # TwoSum
        s = a[0] + b[0]
        c = s - a[0]
        return (s, (a[1] + b[1]) + ((a[0] - (s - c)) + (b[0] - c)))
    elif ALGEBRA == DECAY:
        # Nothing fades to nothing, and a factor of 0 begins anew, by whatever has overflowed.
        faded = tl.where(a[0] == 0, a[0], a[0] * b[1])
        factors = tl.where(b[1] == 0, b[1], a[1] * b[1])
        return (faded + b[0], tl.where(a[1] == 0, a[1], factors))
    else:
        return (a[0] + b[0],)


@triton.jit
def rounded(a, ALGEBRA: tl.constexpr):
    """The number that a value stands for."""
    if ALGEBRA == PAIR:
        s = a[0] + a[1]
        return tl.where(s == s, s, a[0])
    else:
        return a[0]


@triton.jit
def chosen(condition, a, b):
    """`a` where the condition holds, `b` elsewhere."""
    r = ()
    for i in tl.static_range(len(a)):
        r = r + (tl.where(condition, a[i], b[i]),)
    return r


@triton.jit
def cast(a, dtype: tl.constexpr):
    """The value in another type."""
    r = ()
    for i in tl.static_range(len(a)):
        r = r + (a[i].to(dtype),)
    return r


@triton.jit
def exchanged(a, d: tl.constexpr, P: tl.constexpr, K: tl.constexpr):
    """The values of each group's partner at a distance of `d`."""
    partner = tl.broadcast_to((tl.arange(0, K) ^ d)[None, :], [P, K])
    r = ()
    for i in tl.static_range(len(a)):
        r = r + (tl.gather(a[i], partner, 1),)
    return r


@triton.jit
def running(xs, ALGEBRA: tl.constexpr):
    """The sums in a group, one after the other."""
    sums = (xs[0],)
    for i in tl.static_range(1, GROUP):
        sums = sums + (combined(sums[i - 1], xs[i], ALGEBRA),)
    return sums


@triton.jit
def tree(t, c, REVERSE: tl.constexpr, P: tl.constexpr, K: tl.constexpr, ALGEBRA: tl.constexpr):
    """What precedes each of K groups with sums `t`, after `c`; and all of them. All are [P, K].

    Blelloch's tree: sums of pairs upwards, what precedes them downwards. In reverse the groups lie
    the other way round.
    """
    LEVELS: tl.constexpr = (K > 1) * 1 + (K > 2) * 1 + (K > 4) * 1 + (K > 8) * 1 + (K > 16) * 1
    k = tl.broadcast_to(tl.arange(0, K)[None, :], [P, K])
    if REVERSE:
        k = k ^ (K - 1)
    neighbours = ()
    for level in tl.static_range(LEVELS):
        other = exchanged(t, 1 << level, P, K)
        right = ((k >> level) & 1) != 0
        t = combined(chosen(right, other, t), chosen(right, t, other), ALGEBRA)
        neighbours = neighbours + (other,)
    e = c
    for down in tl.static_range(LEVELS):
        right = ((k >> (LEVELS - 1 - down)) & 1) != 0
        e = chosen(right, combined(e, neighbours[LEVELS - 1 - down], ALGEBRA), e)
    return e, t


@triton.jit
def spread(e, sums, EXCLUSIVE: tl.constexpr, ALGEBRA: tl.constexpr):
    """The results of a group with running sums `sums`, which `e` precedes."""
    results = ()
    for v in tl.static_range(GROUP):
        if not EXCLUSIVE:
            results = results + (combined(e, sums[v], ALGEBRA),)
        elif v > 0:
            results = results + (combined(e, sums[v - 1], ALGEBRA),)
        else:
            results = results + (e,)
    return results


@triton.jit
def begun(none, initial):
    """The value that a scan begins with: `initial`, in the form of `none`."""
    if len(none) > 1:
        return (initial.to(none[0].dtype) + none[0], none[1])
    else:
        return (initial.to(none[0].dtype) + none[0],)


@triton.jit
def standing_at(a, place, P: tl.constexpr, N: tl.constexpr):
    """What stands at one of N places, [P, 1]: the sum of it and of zeros, whatever their order."""
    some = tl.broadcast_to(tl.arange(0, N)[None, :], [P, N]) == place
    return tl.sum(tl.where(some, a, tl.zeros_like(a)), 1)[:, None]


@triton.jit
def at_first(a, P: tl.constexpr, K: tl.constexpr):
    """A value that all K places have, as [P, 1]."""
    r = ()
    for i in tl.static_range(len(a)):
        r = r + (standing_at(a[i], 0, P, K),)
    return r


@triton.jit
def picked(results, place, P: tl.constexpr, K: tl.constexpr):
    """One of the results of a block of groups, at all K places."""
    one = results[0]
    for v in tl.static_range(1, 8):
        one = chosen(tl.full([P, K], place, tl.int64) % 8 == v, results[v], one)
    r = ()
    for i in tl.static_range(len(one)):
        r = r + (tl.broadcast_to(standing_at(one[i], place // 8, P, K), [P, K]),)
    return r


@triton.jit
def is_before(a, b):
    """Whether one number is less than another, as a mask."""
    return tl.full([1, 1], a, tl.int64) < b
