"""An array of Dask whose running sums Ray's workers compute."""

import dask.array as da
import numpy as np
import ray
from ray.util.dask import ray_dask_get

import cumsum

walk = da.random.default_rng(0).standard_normal(2_000_000, chunks=300_000)
sums = cumsum.cumsum(walk, 0, where=walk > 0)

ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
on_ray = sums.compute(scheduler=ray_dask_get)
ray.shutdown()
print("the same bits as in memory:", np.array_equal(on_ray, sums.compute()))
