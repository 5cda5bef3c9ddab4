"""The order of additions, written out plainly: what every kernel is compared with.

1. The axis is cut in tiles of 4096 elements, a tile in groups of 8.
2. Inside a group the prefix sums form Sklansky's tree: at distance 1, 2, 4 each element of an upper
   half-block receives the last prefix of the lower one.
3. `y[i] = carry + (chain + prefix[i])`, rounded once to the result's dtype. The chain starts at zero
   in each tile and grows by a group's last prefix; after a tile the carry grows by the chain.

Source: J. Sklansky, "Conditional-Sum Addition Logic", IRE Trans. EC-9 (1960), for the tree.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

TILE = 4096
GROUP = 8


def scan(x: NDArray[Any], axis: int) -> NDArray[Any]:
    """The inclusive scan of `x` along `axis`, in the accumulator dtype that `x` already has."""
    lines = np.moveaxis(x, axis, 0)
    y = np.empty_like(lines)
    carry = chain = np.zeros(lines.shape[1:], x.dtype)
    for begin in range(0, len(lines), GROUP):
        prefix = list(lines[begin : begin + GROUP])
        for distance in (1, 2, 4):
            for i in range(len(prefix)):
                if i & distance:
                    prefix[i] = prefix[i // distance * distance - 1] + prefix[i]
        for i, p in enumerate(prefix):
            y[begin + i] = carry + (chain + p)
        chain = chain + prefix[-1]
        if (begin + GROUP) % TILE == 0:
            carry, chain = carry + chain, np.zeros_like(chain)
    return np.moveaxis(y, 0, axis)
