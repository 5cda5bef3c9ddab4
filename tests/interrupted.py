"""A process that interrupts scans: `interrupted.py LIBRARY THREADS` prints what became of each.

Inputs repeat one element, so that scans are long and memory is needed for their results alone.
"""

import json
import os
import signal
import sys
import threading
import time

import numpy as np

import cumsum

ELEMENTS = 2**28
SQUARE = (2**14, 2**14)
HALF = (2**12, 2**14)  # where an element takes longer


def signs(shape, low, high):
    """Elements of either sign in turn, whose sums stay in the range: each is looked at."""
    return np.broadcast_to(np.array([high, low]), (shape[0], shape[1] // 2, 2)).reshape(shape)


# Input of the scan, its dim, the dtype of its result, and its options.
SCANS = {
    "plain": lambda: (np.full(ELEMENTS, 1, "b"), 0, "int8", {}),
    "strided": lambda: (repeated(1, "b", SQUARE).T, 1, "int8", {"reverse": True}),
    "columns": lambda: (repeated(1, "b", SQUARE), 0, "int16", {}),
    "one line, cast": lambda: (repeated(0.5, "e", ELEMENTS), 0, "float32", {}),
    "compensated": lambda: (repeated(0.5, "d", HALF), 1, "float64", {"precision": "compensated"}),
    "saturated": lambda: (repeated(1, "h", ELEMENTS), 0, "int8", {"overflow": "saturate"}),
    "saturated rows": lambda: (repeated(1, "h", SQUARE), 1, "int8", {"overflow": "saturate"}),
    "saturated columns": lambda: (repeated(9, "b", SQUARE), 0, "int8", {"overflow": "saturate"}),
    "saturated words": lambda: (repeated(2**62, "q", HALF), 1, "int64", {"overflow": "saturate"}),
    "checked": lambda: (signs(SQUARE, -100, 100), 1, "int8", {"overflow": "raise"}),
    "checked words": lambda: (signs(HALF, -(2**62), 2**62), 1, "int64", {"overflow": "raise"}),
    "checked to the end": lambda: (late_excess(), 1, "int8", {"overflow": "raise"}),
    "masked": lambda: (repeated(1, "e", SQUARE), 1, "float16", {"where": repeated(1, "?", SQUARE)}),
    "skipping nan": lambda: (repeated(np.nan, "f", SQUARE), 1, "float32", {"skipna": True}),
    "segments": lambda: (repeated(1, "e", ELEMENTS), 0, "float32", {"offsets": cuts(ELEMENTS, 2)}),
    "short segments": lambda: (
        np.ones(ELEMENTS // 4, "d"),
        0,
        "float64",
        {"offsets": cuts(ELEMENTS // 4, 2**22)},
    ),
    "decayed": lambda: (repeated(1, "e", SQUARE), 1, "float16", {"decay": 0.5}),
    "decayed line": lambda: (repeated(1, "f", ELEMENTS), 0, "float32", {"decay": 0.5}),
    "complex decay": lambda: (repeated(1j, "F", HALF), 1, "complex64", {"decay": 0.5j}),
}


def repeated(value, kind, shape):
    return np.broadcast_to(np.array(value, np.dtype(kind)), shape)


def late_excess():
    """The last element of the last line takes its sum out of int8."""
    x = signs(SQUARE, -100, 100).astype(np.int16)
    x[-1, -1] = 1000
    return x


def cuts(size, count):
    return np.linspace(0, size, count + 1).astype(np.int64)


def made(name, library):
    """A scan that can be made again and again."""
    x, dim, dtype, options = SCANS[name]()
    out = np.empty(x.shape, dtype)
    if library == "torch":
        import torch

        x, out = torch.from_numpy(x), torch.from_numpy(out)
        options = {
            key: torch.from_numpy(value) if isinstance(value, np.ndarray) else value
            for key, value in options.items()
        }
    if options.get("overflow") == "raise":
        return lambda: raised(x, dim, out, options)
    return lambda: cumsum.cumsum(x, dim, out=out, **options)


def raised(x, dim, out, options):
    try:
        cumsum.cumsum(x, dim, out=out, **options)
    except OverflowError:
        return


def seconds(scan):
    begun = time.perf_counter()
    scan()
    return time.perf_counter() - begun


def lateness(scan, taken):
    """Seconds from a signal to its exception."""
    sent = []

    def interrupt():
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(taken / 8, interrupt)
    try:
        timer.start()
        scan()
        timer.join()
        time.sleep(10)  # it was too late for the scan, and is raised here
    except KeyboardInterrupt:
        return time.perf_counter() - sent[0]
    raise AssertionError("not interrupted at all")


def outcome(name, library):
    """How long the scan takes, how late an interrupt is, and whether scans are right after it."""
    scan = made(name, library)
    scan()
    taken = min(seconds(scan), seconds(scan))
    late = []
    while not late or (len(late) < 3 and late[-1] > taken / 2):  # others may be at work too
        late.append(lateness(scan, taken))
    counted = cumsum.cumsum(np.ones(10**6, np.int32), 0)
    return taken, min(late), bool(np.array_equal(counted, np.arange(1, 10**6 + 1)))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    cumsum.set_num_threads(int(sys.argv[2]))
    names = sys.argv[3:] or SCANS
    print(json.dumps({name: outcome(name, sys.argv[1]) for name in names}))
