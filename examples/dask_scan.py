"""The running sum of more numbers than are in memory at any time, and its highest point."""

import dask.array as da
import numpy as np

import cumsum

steps = da.random.default_rng(7).standard_normal(20_000_000, chunks=500_000)
walk = cumsum.cumsum(steps, 0)
print(f"{steps.nbytes / 1e6:.0f} MB in {walk.numblocks[0]} chunks, nothing computed yet")
highest, at = (float(found) for found in (walk.max(), walk.argmax()))
print(f"highest after {at:,.0f} steps: {highest:.1f}")

part = slice(9_000_000, 9_000_005)
in_memory = cumsum.cumsum(steps.compute(), 0)
print("the same bits as in memory:", np.array_equal(walk[part].compute(), in_memory[part]))

other = cumsum.cumsum(steps.rechunk(2_345_678), 0)
print("cut elsewhere:", np.array_equal(other[part].compute(), in_memory[part]))
