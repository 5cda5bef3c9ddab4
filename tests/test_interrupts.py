"""Ctrl-C in every kind of scan: it is heard long before the scan's end, and later scans are right.

Each case is a process of its own, as a signal goes to the main thread of one.
"""

import subprocess
import sys
import textwrap

import pytest

SCANS = {
    "plain": "scan(x, 1)",
    "few lines": "scan(x.T, 0)",
    "exclusive": "scan(x, 1, exclusive=True)",
    "cast": "scan(x, 1, dtype=float64)",
    "columns": "scan(x, 0)",
    "in place": "scan(x, 1, out=x)",
    "compensated": "scan(asarray(ones((4, 1 << 18))), 1, precision='compensated')",
    "saturate": "scan(whole, 1, dtype=int8, overflow='saturate')",
    "saturate along columns": "scan(whole, 0, dtype=int8, overflow='saturate')",
    "saturate wide": "scan(wide, 1, overflow='saturate')",
    "raise": "scan(signs, 1, dtype=int8, overflow='raise')",
    "raise wide": "scan(wide_signs, 1, overflow='raise')",
    "where": "scan(x, 1, where=mask)",
    "skipna": "scan(x, 1, skipna=True)",
    "missing": "scan(x, 1, skipna=True, missing='nan')",
    "offsets": "scan(x, 1, offsets=even)",
    "many offsets": "scan(x, 1, offsets=short)",
    "decay": "scan(x, 1, decay=0.5)",
    "decays": "scan(x, 1, decay=halves)",
    "complex decay": "scan(asarray(ones((4, 1 << 18), complex)), 1, decay=0.5 + 0.5j)",
}

# How long a scan is not heard is compared with how long it takes: it is made as long as is needed
# by being repeated inside, which a lazily repeated input is (its first axis has the stride 0).
PROGRAM = """
import os, signal, sys, threading, time
import numpy as np
from numpy import ones
import cumsum

library, threads, call = sys.argv[1], int(sys.argv[2]), sys.argv[3]
cumsum.set_num_threads(threads)
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
size = (4, 1 << {bits})
arrays = dict(
    x=ones(size, np.float32),
    whole=ones(size, np.int16),
    wide=np.full(size, 1 << 62),
    signs=np.tile(np.array([100, -100], np.int16), (4, size[1] // 2)),
    wide_signs=np.tile(np.array([1 << 62, -(1 << 62)]), (4, size[1] // 2)),
    mask=np.arange(size[1]) % 3 != 0,
    even=np.array([0, size[1] // 2, size[1]]),
    short=np.arange(0, size[1] + 1, 8),
    halves=np.full(size, 0.5, np.float32),
)
used = {{name for name in arrays if name in call}}
arrays = {{name: value for name, value in arrays.items() if name in used}}
if library == "torch":
    import torch
    asarray = torch.from_numpy
    arrays = {{name: asarray(value) for name, value in arrays.items()}}
    float64, int8 = torch.float64, torch.int8
else:
    asarray, float64, int8 = np.asarray, np.float64, np.int8
names = dict(arrays, scan=cumsum.cumsum, ones=ones, asarray=asarray, float64=float64, int8=int8)
code = compile(call, "call", "eval")
eval(code, dict(names))  # what is loaded once
"""
