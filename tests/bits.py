"""Bits of results: compare them, and have them made by another process.

Run as a program it scans a fixed table of inputs and prints the digests, so that a test can start
it with another instruction set (``CUMSUM_TARGET``) or thread count.
"""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np

from cases import COMPLEX, DTYPES, FLOATS, LAYOUT_SHAPES, Case, numpy_dtype

LARGE = (
    ((1_500_007,), 0),
    ((700_001, 3), 0),
    ((3, 700_001), 1),
    ((901, 2003), 0),
    ((64, 300, 80), 1),
)
DIGESTED = (
    *(Case(shape, dim, dtype) for shape, dim in LAYOUT_SHAPES for dtype in DTYPES),
    *(Case(shape, dim, dtype, "step3") for shape, dim in LAYOUT_SHAPES for dtype in DTYPES),
    *(Case(shape, dim, "float64") for shape, dim in LARGE),
    *(Case(shape, dim, "bfloat16") for shape, dim in LARGE),
    *(Case(shape, dim, "int8") for shape, dim in LARGE),
    *(Case((12289,), 0, source, "contiguous", result) for source in FLOATS for result in FLOATS),
    *(Case((12289,), 0, source, "contiguous", result) for source in COMPLEX for result in COMPLEX),
)


def same_bits(a, b):
    """Whether two arrays agree in dtype, shape and every bit, any NaN standing for any other."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.kind == "c":
        parts = a.real.dtype
        a, b = (np.ascontiguousarray(x).reshape(-1).view(parts) for x in (a, b))
    if a.dtype == np.longdouble:  # some of its bytes mean nothing
        equal = (a == b) & (np.signbit(a) == np.signbit(b))
        return bool((equal | (np.isnan(a) & np.isnan(b))).all())
    words = np.dtype(f"u{a.dtype.itemsize}")
    equal = np.ascontiguousarray(a).view(words) == np.ascontiguousarray(b).view(words)
    if a.dtype.kind in "fV":
        equal |= np.isnan(a) & np.isnan(b)
    return bool(equal.all())


def digests():
    """The digest of the result of every digested case, by name."""
    import cumsum

    found = {}
    for case in DIGESTED:
        dtype = numpy_dtype(case.result) if case.result else None
        result = cumsum.cumsum(case.array(), case.dim, dtype=dtype)
        result = np.where(np.isnan(result), 0, result) if result.dtype.kind in "fcV" else result
        content = np.ascontiguousarray(result).view(np.uint8).tobytes()
        found[str(case)] = hashlib.sha256(content).hexdigest()
    return found


def digests_of(**environment):
    """What `digests` says in a fresh process, and the instruction set it ran with."""
    done = subprocess.run(
        [sys.executable, __file__],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)


if __name__ == "__main__":
    import cumsum

    report = {"target": cumsum.show_config().target, "digests": digests()}
    json.dump(report, sys.stdout)
