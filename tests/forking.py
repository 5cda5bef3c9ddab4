"""A process that forks while it scans: `forking.py LIBRARY SCAN` prints how the child ended.

A signal's handler forks, and parent and child both go on with the scan that it came into.
"""

import os
import signal
import sys
import time

import numpy as np

import cumsum
from interrupted import made_long

RIGHT, WRONG, REFUSED = 0, 3, 4


def right(out, want):
    return np.array_equal(np.asarray(out), want) and np.array_equal(
        cumsum.cumsum(np.ones(10**6, np.int32), 0), np.arange(1, 10**6 + 1)
    )


def code_of(child, seconds=100):
    """The exit code of a child, or None if it hangs."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def forked(scan, out, taken, in_place):
    """The child of a fork in the midst of the scan; 0 in the child itself."""
    view = np.asarray(out)
    view.fill(in_place)
    scan()
    want = view.copy()
    last = want.reshape(-1)[-1:], view.reshape(-1)[-1:]
    children = []

    def fork(*_):
        if not children and not (np.array_equal(*last) and np.array_equal(view, want)):
            children.append(os.fork())

    signal.signal(signal.SIGALRM, fork)
    while not children:  # until it was not too late
        view.fill(in_place)
        signal.setitimer(signal.ITIMER_REAL, taken / 4)
        try:
            scan()
        except RuntimeError as error:
            os._exit(REFUSED if "has forked" in str(error) else WRONG)
    if children == [0]:
        os._exit(RIGHT if right(out, want) else WRONG)
    assert right(out, want)
    return children[0]


if __name__ == "__main__":
    cumsum.set_num_threads(2)
    library, name = sys.argv[1:]
    long = made_long(name, library)
    sys.stdout.write(str(code_of(forked(*long, name == "in place"))))
