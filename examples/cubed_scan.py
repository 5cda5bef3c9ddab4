"""Running sums of an array of cubed, which plans the memory of every task: ours in the chunks."""

import tempfile

import cubed
import numpy as np
from cubed.core.ops import scan

import cumsum


def scan_chunk(chunk, axis, include_initial=False, **ignored):
    """What cubed asks of a chunk: its sums, or those before each element."""
    return cumsum.cumsum(chunk, axis, exclusive=include_initial)


def add_up_chunk(chunk, axis, keepdims):
    """The sum of each line of it."""
    return np.sum(chunk, axis, dtype=np.int64, keepdims=keepdims)


with tempfile.TemporaryDirectory() as folder:
    spec = cubed.Spec(work_dir=folder, allowed_mem="200MB")
    visits = cubed.from_array(np.arange(1_000_000) % 7, chunks=50_000, spec=spec)
    total = scan(
        visits, scan_chunk, preop=add_up_chunk, binop=np.add, axis=0, dtype=np.dtype(np.int64)
    )
    sums = total.compute()

known = cumsum.cumsum(np.arange(1_000_000) % 7, 0)
print(f"{total.numblocks[0]} chunks, the last sum is {sums[-1]}")
print("the same as in memory:", np.array_equal(sums, known))
