"""A process that interrupts scans: `interrupted.py LIBRARY THREADS` prints what became of each.

Inputs repeat one element, so that scans are long and memory is needed for their results alone.
"""

import json
import math
import os
import signal
import sys
import threading
import time

import numpy as np

import cumsum

LEAST = 0.15  # seconds of a scan; the first look at signals comes after a twentieth of a second
SIZES = 21, 31  # powers of two, the least and the greatest
MOST = 2**31  # bytes of results


def signs(shape, low, high):
    """Elements of either sign in turn, whose sums stay in the range: each is looked at."""
    return np.broadcast_to(np.array([high, low]), (shape[0], shape[1] // 2, 2)).reshape(shape)


def repeated(value, kind, shape):
    return np.broadcast_to(np.array(value, np.dtype(kind)), shape)


def cuts(size, count):
    return np.linspace(0, size, count + 1).astype(np.int64)


def late_excess(shape):
    """The last element of the last line takes its sum out of int8."""
    x = signs(shape, -100, 100).astype(np.int16)
    x[-1, -1] = 1000
    return x


SATURATE, RAISE = {"overflow": "saturate"}, {"overflow": "raise"}
CAREFUL = {"precision": "compensated"}

# The dtype whose sums take longest: fresh memory takes longer than most scans.
SLOW = {"numpy": "longdouble", "torch": "int8"}

# Of so many elements, as a line or a square, some in that dtype: the input, its dim, the dtype of
# the result (None: in place), options.
SCANS = {
    "plain": lambda n, _s, k: (np.ones(n, k), 0, k, {}),
    "in place": lambda n, _s, k: (np.ones(n, k), 0, None, {}),
    "strided": lambda _n, s, _k: (repeated(1, "b", s).T, 1, "int8", {"reverse": True}),
    "columns": lambda _n, s, k: (repeated(1, k, s), 0, k, {}),
    "one line, cast": lambda n, _s, _k: (repeated(0.5, "e", n), 0, "float32", {}),
    "compensated": lambda _n, s, _k: (repeated(0.5, "d", s), 1, "float64", CAREFUL),
    "saturated": lambda n, _s, _k: (repeated(1, "h", n), 0, "int8", SATURATE),
    "saturated rows": lambda _n, s, _k: (repeated(1, "h", s), 1, "int8", SATURATE),
    "saturated columns": lambda _n, s, _k: (repeated(9, "b", s), 0, "int8", SATURATE),
    "saturated words": lambda _n, s, _k: (repeated(2**62, "q", s), 1, "int64", SATURATE),
    "checked": lambda _n, s, _k: (signs(s, -100, 100), 1, "int8", RAISE),
    "checked words": lambda _n, s, _k: (signs(s, -(2**62), 2**62), 1, "int64", RAISE),
    "checked to the end": lambda _n, s, _k: (late_excess(s), 1, "int8", RAISE),
    "masked": lambda _n, s, k: (repeated(1, k, s), 1, k, {"where": repeated(1, "?", s)}),
    "skipping nan": lambda _n, s, _k: (repeated(np.nan, "f", s), 1, "float32", {"skipna": True}),
    "segments": lambda n, _s, k: (repeated(1, k, n), 0, k, {"offsets": cuts(n, 2)}),
    "short segments": lambda n, _s, k: (np.ones(n, k), 0, k, {"offsets": cuts(n, n // 16)}),
    "decayed": lambda _n, s, _k: (repeated(1, "e", s), 1, "float16", {"decay": 0.5}),
    "decayed line": lambda n, _s, _k: (repeated(1, "f", n), 0, "float32", {"decay": 0.5}),
    "complex decay": lambda _n, s, _k: (repeated(1j, "F", s), 1, "complex64", {"decay": 0.5j}),
}


def made(name, library, power):
    """A scan of so many elements that can be made again and again, and where its result goes."""
    square = 2 ** (power // 2), 2 ** (power - power // 2)
    x, dim, dtype, options = SCANS[name](2**power, square, SLOW[library])
    out = x if dtype is None else np.empty(x.shape, dtype)
    if library == "torch":
        import torch

        x, out = torch.from_numpy(x), torch.from_numpy(out)
        options = {
            key: torch.from_numpy(value) if isinstance(value, np.ndarray) else value
            for key, value in options.items()
        }
    if options.get("overflow") == "raise":
        return lambda: raised(x, dim, out, options), out
    return lambda: cumsum.cumsum(x, dim, out=out, **options), out


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


def made_long(name, library):
    """The same of so many elements that it takes long, and the seconds."""
    power, most = SIZES
    while True:
        scan, out = made(name, library, power)
        taken = min(seconds(scan), seconds(scan))
        most = min(most, power + (MOST // out.nbytes).bit_length() - 1)
        if taken >= LEAST or power == most:
            return scan, out, taken
        power = min(most, power + max(1, int(math.log2(LEAST / taken))))  # half of it or more


def outcome(name, library):
    """How long the scan takes, how late an interrupt is, and whether scans are right after it."""
    scan, _, taken = made_long(name, library)
    late = []
    while not late or (len(late) < 3 and late[-1] > taken / 2):  # others may be at work too
        late.append(lateness(scan, taken))
    counted = cumsum.cumsum(np.ones(10**6, np.int32), 0)
    return taken, min(late), bool(np.array_equal(counted, np.arange(1, 10**6 + 1)))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    cumsum.set_num_threads(int(sys.argv[2]))
    names = sys.argv[3:] or SCANS
    sys.stdout.write(json.dumps({name: outcome(name, sys.argv[1]) for name in names}))
