"""Processes at their limits: a fork in the midst of a scan, no thread to be had, the end."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import forking

LIBRARIES = pytest.mark.parametrize("library", ["numpy", "torch"])
SCANS = ["plain", "in place", "strided", "columns", "saturated", "saturated rows", "masked"]
SCANS += ["segments", "short segments", "decayed line", "complex decay"]
FORKED = [("numpy", scan) for scan in SCANS]
FORKED += [("torch", scan) for scan in ("strided", "saturated", "decayed line")]


def run(*argv):
    """What a program wrote in an interpreter of its own, whose end was in order."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *argv],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def run_code(code):
    return run("-c", textwrap.dedent(code))


@pytest.mark.parametrize(("library", "scan"), FORKED)
def test_fork_in_the_handler_of_a_signal(library, scan):
    """The child makes the scan again, alone; or says that it cannot, as its input is gone."""
    code = forking.REFUSED if scan == "in place" else forking.RIGHT
    assert run(Path(forking.__file__), library, scan) == str(code)


@LIBRARIES
def test_fork_while_another_thread_scans(library):
    found = run_code(f"""
        import os, sys, threading
        sys.path.insert(0, {str(Path(forking.__file__).parent)!r})
        import numpy as np
        import cumsum
        from forking import code_of, right

        cumsum.set_num_threads(2)
        x = np.arange(1 << 21) % 7
        want = cumsum.cumsum(x, 0)
        if {library!r} == "torch":
            import torch
            x = torch.from_numpy(x)
        cumsum.cumsum(x, 0)  # the first call looks for torch's functions: no fork comes between
        over = threading.Event()

        def scan_on():
            while not over.is_set():
                cumsum.cumsum(x, 0)

        thread = threading.Thread(target=scan_on)
        thread.start()
        codes = []
        for _ in range(20):
            child = os.fork()
            if child == 0:
                cumsum.set_num_threads(2)
                os._exit(0 if right(cumsum.cumsum(x, 0), want) else 3)
            codes.append(code_of(child))
        over.set()
        thread.join()
        print(codes)
    """)
    assert found == str([forking.RIGHT] * 20)


# The limit counts for a user who is not root. Everything is imported before it is.
@LIBRARIES
def test_no_thread_to_be_had(library):
    found = run_code(f"""
        import os, resource, threading
        import numpy as np
        import cumsum

        x = np.arange(1 << 21) % 7
        want = np.cumsum(x)
        square = x.reshape(1 << 10, 1 << 11)
        if {library!r} == "torch":
            import torch
            x, square = torch.from_numpy(x), torch.from_numpy(square)
        cumsum.cumsum(x[:9], 0)
        cumsum.set_num_threads(4)
        if os.getuid() == 0:
            os.setuid(65534)
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        try:
            threading.Thread(target=print).start()
        except RuntimeError:
            pass
        else:
            raise AssertionError("there are threads")
        assert np.array_equal(np.asarray(cumsum.cumsum(x, 0)), want)
        sums = cumsum.cumsum(square, 1, overflow="saturate")
        assert np.array_equal(np.asarray(sums), np.cumsum(np.asarray(square), 1))
        print("right")
    """)
    assert found == "right"


@pytest.mark.parametrize("options", ["", ", reverse=True", ", offsets=[0, 1000, len(x)]"])
def test_daemon_threads_scan_while_the_interpreter_ends(options):
    for threads in (1, 2, 4):
        run_code(f"""
            import threading, time
            import numpy as np
            import cumsum

            x = np.arange(300_000.0)
            cumsum.set_num_threads({threads})

            def scan_on():
                while True:
                    cumsum.cumsum(x, 0{options})

            for _ in range(4):
                threading.Thread(target=scan_on, daemon=True).start()
            time.sleep(0.05)
        """)
