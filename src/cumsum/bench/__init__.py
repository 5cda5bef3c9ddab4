"""Measure this machine: a scan beside a copy of the same bytes, NumPy and torch.

One round calls every contestant, in an order drawn anew, so that a machine that slows down slows
all of them; the figure kept is the median over the rounds. Every contestant writes into memory it
is given.

    Case -> make_input -> the contestants' calls -> measure -> Result
"""

from cumsum.bench.cases import CASES, LAYOUTS, SHORT, SHORT_NAMES, Case
from cumsum.bench.contest import PEERS, Result, can_run, find_torch, run_case, torch_threads
from cumsum.bench.inputs import as_tensor, distinct_bytes, make_input, numpy_dtype, random_values
from cumsum.bench.machine import headline, machine, name, slug
from cumsum.bench.measure import measure

__all__ = [
    "CASES",
    "LAYOUTS",
    "PEERS",
    "SHORT",
    "SHORT_NAMES",
    "Case",
    "Result",
    "as_tensor",
    "can_run",
    "distinct_bytes",
    "find_torch",
    "headline",
    "machine",
    "make_input",
    "measure",
    "name",
    "numpy_dtype",
    "random_values",
    "run_case",
    "slug",
    "torch_threads",
]
