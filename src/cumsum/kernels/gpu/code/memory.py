"""The eight elements of each group, from memory and back.

In rows the elements of a line lie side by side (or at any stride, each line by itself): a block is
loaded as it lies and shared out. In columns the lines do: eight loads, each of neighbouring lines.
"""

from __future__ import annotations

import triton
import triton.language as tl

from cumsum.kernels.gpu.code.order import GROUP


@triton.jit
def shared_out(v, P: tl.constexpr, K: tl.constexpr):
    """[P, K * 8] as the eight elements of each of K groups, where they lie."""
    even, odd = tl.split(tl.reshape(v, [P, K, 2, 2, 2]))
    a, c = tl.split(even)
    b, d = tl.split(odd)
    x0, x4 = tl.split(a)
    x2, x6 = tl.split(c)
    x1, x5 = tl.split(b)
    x3, x7 = tl.split(d)
    return x0, x1, x2, x3, x4, x5, x6, x7


@triton.jit
def put_together(x, P: tl.constexpr, K: tl.constexpr):
    """The reverse of `shared_out`."""
    even = tl.join(tl.join(x[0], x[4]), tl.join(x[2], x[6]))
    odd = tl.join(tl.join(x[1], x[5]), tl.join(x[3], x[7]))
    return tl.reshape(tl.join(even, odd), [P, K * 8])


@triton.jit
def backwards(x):
    """Eight elements in the other order."""
    return x[7], x[6], x[5], x[4], x[3], x[2], x[1], x[0]


@triton.jit
def of_row(start, n, REVERSE: tl.constexpr, K: tl.constexpr):
    """Where the elements of a block of rows lie, and which of them there are.

    `n` is the length of all rows, or, [P, 1], that of each.
    """
    if REVERSE:
        i = n - start - K * 8 + tl.arange(0, K * 8)[None, :].to(tl.int64)
        return i, i >= 0
    else:
        i = start + tl.arange(0, K * 8)[None, :].to(tl.int64)
        return i, i < n


@triton.jit
def of_column(start, n, REVERSE: tl.constexpr, K: tl.constexpr):
    """Where one element of each group of columns lies, and which of them there are."""
    i = (start + tl.arange(0, K) * 8)[None, :].to(tl.int64)
    if REVERSE:
        return n - 1 - i, i < n
    else:
        return i, i < n


@triton.jit
def load(p, some, start, n, step, other,
         COLUMNS: tl.constexpr, REVERSE: tl.constexpr, P: tl.constexpr, K: tl.constexpr):  # fmt: skip
    """Elements from `start` on of the lines at `p`, [P, 1], as eight tensors [P, K].

    The next element of a line is `step` away. In reverse, groups of rows lie the other way round.
    Whole blocks are loaded without asking which elements there are, by 16 bytes whatever `n` is.
    """
    if COLUMNS:
        x = ()
        for v in tl.static_range(GROUP):
            i, there = of_column(start + v, n, REVERSE, K)
            x = x + (tl.load(p + i * step, mask=some & there, other=other),)
        return x
    else:
        i, there = of_row(start, n, REVERSE, K)
        if REVERSE or len((start + n).shape) > 0:
            x = tl.load(p + i * step, mask=some & there, other=other)
        elif start + K * 8 <= n:
            x = tl.load(p + i * step, mask=some, other=other)
        else:
            x = tl.load(p + i * step, mask=some & there, other=other)
        x = shared_out(x, P, K)
        if REVERSE:
            x = backwards(x)
        return x


@triton.jit
def store(p, some, start, n, step, x,
          COLUMNS: tl.constexpr, REVERSE: tl.constexpr, P: tl.constexpr, K: tl.constexpr):  # fmt: skip
    """Write what `load` would read."""
    if COLUMNS:
        for v in tl.static_range(GROUP):
            i, there = of_column(start + v, n, REVERSE, K)
            tl.store(p + i * step, x[v], mask=some & there)
    else:
        i, there = of_row(start, n, REVERSE, K)
        if REVERSE:
            x = backwards(x)
        x = put_together(x, P, K)
        if REVERSE or len((start + n).shape) > 0:
            tl.store(p + i * step, x, mask=some & there)
        elif start + K * 8 <= n:
            tl.store(p + i * step, x, mask=some)
        else:
            tl.store(p + i * step, x, mask=some & there)
