"""What a process does around a scan: fork, call from threads, interrupt, import."""

import itertools
import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

import cumsum
from reference import scan

# The pool's own threads live in the parent; newer Pythons warn of every fork beside threads.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

LARGE = 3_000_001


def ones_are_counted(size=LARGE):
    """Whether a scan large enough for every worker is right."""
    result = cumsum.cumsum(np.ones(size, np.float32), 0)
    return np.array_equal(result, np.arange(1, size + 1, dtype=np.float32))


def run(code, **environment):
    """Run a program in a fresh interpreter and return what it wrote."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def exit_code(child, seconds=60):
    """The exit code of a forked child, or None when it hangs; a hanging child is killed."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return None


class Rows(Dataset):
    """A data set whose items are scans."""

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return cumsum.cumsum(torch.full((400_000,), index, dtype=torch.int32), 0)[-1]


class TestFork:
    """The pool of the parent is not the child's."""

    @pytest.mark.parametrize("threads", [None, 1, 4])
    def test_child(self, threads):
        cumsum.set_num_threads(4)
        assert ones_are_counted()
        child = os.fork()
        if child == 0:
            try:
                if threads:
                    cumsum.set_num_threads(threads)
                os._exit(0 if ones_are_counted() and ones_are_counted() else 3)
            finally:
                os._exit(4)
        assert exit_code(child) == 0
        assert ones_are_counted()

    def test_grandchild(self):
        cumsum.set_num_threads(2)
        assert ones_are_counted()
        child = os.fork()
        if child == 0:
            try:
                cumsum.set_num_threads(2)
                right = ones_are_counted()
                grandchild = os.fork()
                if grandchild == 0:
                    cumsum.set_num_threads(2)
                    os._exit(0 if ones_are_counted() else 3)
                os._exit(0 if right and exit_code(grandchild, 30) == 0 else 5)
            finally:
                os._exit(4)
        assert exit_code(child) == 0

    def test_pool(self):
        cumsum.set_num_threads(2)
        assert ones_are_counted()
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map_async(ones_are_counted, [LARGE] * 4).get(60) == [True] * 4

    def test_data_loader(self):
        cumsum.set_num_threads(2)
        assert ones_are_counted()
        loader = DataLoader(Rows(), batch_size=2, num_workers=2, timeout=60)
        found = torch.cat(list(loader))
        assert torch.equal(found, torch.arange(8) * 400_000)


class TestThreads:
    """Several Python threads at once."""

    @pytest.mark.parametrize("workers", [1, 2, 4])
    def test_concurrent_calls(self, workers):
        cumsum.set_num_threads(workers)
        inputs = [np.random.default_rng(i).standard_normal(200_003 + i) for i in range(8)]
        wanted = [scan(x) for x in inputs]
        wrong = []

        def call(i):
            results = (cumsum.cumsum(inputs[i], 0) for _ in range(12))
            wrong.extend(i for result in results if not np.array_equal(result, wanted[i]))

        threads = [threading.Thread(target=call, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []

    def test_thread_count_changes_under_way(self):
        x = np.random.default_rng(0).standard_normal(500_003)
        wanted = scan(x)
        over = threading.Event()

        def change():
            for threads in itertools.cycle((1, 3, 2)):
                cumsum.set_num_threads(threads)
                if over.wait(0.0005):
                    break

        changing = threading.Thread(target=change)
        changing.start()
        try:
            same = [np.array_equal(cumsum.cumsum(x, 0), wanted) for _ in range(30)]
        finally:
            over.set()
            changing.join()
        assert all(same)

    @pytest.mark.alone
    def test_other_threads_run_meanwhile(self):
        """A long scan leaves the interpreter to others; their longest pause stays below it."""
        x = np.ones(2**27, np.int8)
        over, pauses = threading.Event(), []

        def watch():
            before = time.perf_counter()
            while not over.wait(0.001):
                now = time.perf_counter()
                pauses.append(now - before)
                before = now

        watching = threading.Thread(target=watch)
        watching.start()
        with cumsum.num_threads(1):
            begun = time.perf_counter()
            cumsum.cumsum_(x, 0)
            taken = time.perf_counter() - begun
        over.set()
        watching.join()
        assert max(pauses) < max(taken / 2, 0.05)


INTERRUPTED = """
    import os, signal, threading, time
    import numpy as np
    import cumsum

    x = np.broadcast_to(np.int8(1), 2**29)
    out = np.zeros(2**29, np.int8)
    sent = []

    def interrupt():
        time.sleep(0.02)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    cumsum.set_num_threads({threads})
    thread = threading.Thread(target=interrupt)
    try:
        thread.start()
        while True:
            cumsum.cumsum(x, 0, out=out)
    except KeyboardInterrupt:
        late = time.perf_counter() - sent[0]
    thread.join()
    y = cumsum.cumsum(np.ones({size}), 0)
    assert np.array_equal(y, np.arange(1, {size} + 1)), "wrong after an interrupt"
    print(late)
"""


@pytest.mark.alone
@pytest.mark.parametrize("threads", [1, 2])
def test_interrupt(threads):
    late = float(run(INTERRUPTED.format(threads=threads, size=LARGE)))
    assert late < 2


def test_import_loads_no_optional_library():
    heavy = [
        "torch",
        "dask",
        "zarr",
        "triton",
        "click",
        "rich",
        "pyarrow",
        "matplotlib",
        "jax",
        "xarray",
    ]
    code = f"""
        import sys
        import cumsum
        import numpy as np
        assert cumsum.cumsum(np.ones(3), 0).tolist() == [1, 2, 3]
        str(cumsum.show_config())
        print([name for name in {heavy} if name in sys.modules])
    """
    assert run(code).strip() == "[]"


def test_torch_may_come_first_or_last():
    for first, last in (("torch", "cumsum"), ("cumsum", "torch")):
        code = f"""
            import {first}
            import {last}
            print(cumsum.cumsum(torch.ones(3, dtype=torch.int8), 0).tolist())
        """
        assert run(code).strip() == "[1, 2, 3]"


def test_threads_from_the_environment():
    code = "import cumsum; print(cumsum.get_num_threads())"
    assert run(code, CUMSUM_NUM_THREADS="3").strip() == "3"
