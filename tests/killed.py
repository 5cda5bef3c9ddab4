"""Scans that are killed at random moments and retried: `python killed.py CASE KILLS SEED`.

All work on files is done in forked processes, so that this one starts no thread. A process is
killed at a call that changes files, or after some time; then the job is retried, and the retries
may be killed as well. In the end the bytes must be those of a run that nobody disturbed, however
often the job is run again.
"""

import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np

from cumsum import files
from cumsum.files import journal

CHANGING = (
    *("open", "pwritev", "pwrite", "write", "fsync", "ftruncate", "posix_fallocate"),
    *("rename", "replace", "unlink", "mkdir", "rmdir", "fchmod"),
)
RETRIES = 3
DONE, DONE_BEFORE = 10, 11

RAW = {"raw_dtype": "float64", "raw_shape": (150, 60)}
PIECES = {"memory": 60_000}
# The input, the output (none in place), and what is asked for.
CASES = {
    "npy": ("x.npy", "y.npy", PIECES),
    "npy along dim 1": ("x.npy", "y.npy", PIECES | {"dim": 1, "reverse": True}),
    "raw": ("x.raw", "y.raw", RAW | PIECES),
    "safetensors": ("x.safetensors", "y.safetensors", PIECES | {"member": "b"}),
    "zarr": ("x.zarr", "y.zarr", {"memory": 600_000}),
    "h5": ("x.h5", "y.h5", {"memory": 600_000}),
    "csv": ("x.csv", "y.csv", {"columns": ("b",)}),
    "parquet": ("x.parquet", "y.parquet", {"columns": ("b",)}),
    "csv by": ("x.csv.gz", "y.csv.gz", {"columns": ("b",), "by": "a"}),
    "feather": ("x.feather", "y.arrow", {"columns": ("b",), "reverse": True}),
    "npz": ("x.npz", "y.npz", {}),
    "replaced": ("x.npy", "y.npy", PIECES | {"force": True}),
    "replaced zarr": ("x.npy", "y.zarr", {"memory": 600_000, "force": True}),
    "npy in place": ("x.npy", None, PIECES),
    "raw in place": ("x.raw", None, RAW | PIECES | {"reverse": True}),
    "safetensors in place": ("x.safetensors", None, PIECES | {"member": "b"}),
}


LIBRARIES = {"zarr": "zarr", "h5": "h5py"}


def make_input(name):
    """Write an input; not in this process."""
    x = np.random.default_rng(0).standard_normal((150, 60))
    if name.endswith(".npy"):
        np.save(name, x)
    elif name.endswith(".raw"):
        x.tofile(name)
    elif name.endswith(".safetensors"):
        from safetensors.numpy import save_file

        save_file({"a": x, "b": x.T.copy(), "c": x}, name)
    elif name.endswith(".npz"):
        np.savez_compressed(name, x=x)
    elif name.endswith((".csv", ".csv.gz", ".parquet", ".feather")):
        import pyarrow as pa
        from pyarrow import csv, feather, parquet

        table = pa.table({"a": np.arange(9000) % 77, "b": x.ravel()})
        if name.endswith((".csv", ".csv.gz")):
            with pa.output_stream(name) as file:  # packed as the name says
                csv.write_csv(table, file)
        elif name.endswith(".feather"):
            feather.write_feather(table, name)
        else:
            parquet.write_table(table, name)
    elif name.endswith(".zarr"):
        import zarr

        zarr.open_array(name, mode="w", shape=x.shape, chunks=(10, 60), dtype=x.dtype)[...] = x
    else:
        import h5py

        with h5py.File(name, "w") as file:
            file.create_dataset("x", data=x, chunks=(10, 60), compression="gzip")


def forked(work):
    """Do some work in another process; its exit code."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        code = work() or 0
    except BaseException as error:  # noqa: BLE001 - told by the exit code
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    os._exit(code)


def code_of(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def scan(source, output, how, fatal=0):
    """The job, in a process that is killed at a call that changes files; it counts them."""
    journal.SECONDS, journal.PART = 0, float("inf")
    count = [0]

    def counted(call):
        def step(*args, **more):
            count[0] += 1
            if count[0] == fatal:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **more)

        return step

    for name in CHANGING:
        setattr(os, name, counted(getattr(os, name)))
    how = {"dim": 0, "in_place": output is None} | how
    done = files.cumsum(source, output, **how, resume=True)
    Path("calls").write_text(str(count[0]))
    return DONE_BEFORE if done.already_done else DONE


def content(name):
    """What is in an output, in bytes; of HDF5 the values, as its pages may lie anywhere."""
    path = Path(name)
    if path.is_dir():
        return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}
    if path.suffix == ".h5":
        import h5py

        with h5py.File(path) as file:
            return {name: file[name][...].tobytes() for name in file}
    return path.read_bytes()


def prepare(kept, output, source, old):
    """The folder as it was before the first run."""
    for path in Path().iterdir():
        if path.name not in kept:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    if output is None:
        with open(source, "r+b") as file:  # the same file
            file.write(old)
            file.truncate()
    elif old is not None:
        shutil.copytree("old", output) if Path("old").is_dir() else shutil.copy("old", output)


class Case:
    """One kind of job, and how often it was killed."""

    def __init__(self, name, rng):
        self.source, self.output, self.how = CASES[name]
        self.rng = rng
        assert code_of(forked(lambda: make_input(self.source))) == 0
        self.old = Path(self.source).read_bytes() if self.output is None else None
        start = time.monotonic()
        assert code_of(forked(self.job)) == DONE
        self.seconds = time.monotonic() - start
        self.calls = int(Path("calls").read_text())
        self.whole = content(self.output or self.source)
        if self.how.get("force"):
            other = {**self.how, "exclusive": True}
            assert code_of(forked(lambda: scan(self.source, "old" + self.suffix, other))) == DONE
            Path("old" + self.suffix).rename("old")
            self.old = True
        self.kills = 0

    @property
    def suffix(self):
        return Path(self.output).suffix

    def job(self, fatal=0):
        return scan(self.source, self.output, self.how, fatal)

    def killed(self):
        """Run the job and kill it; whether it was killed before its end."""
        if self.rng.random() < 0.7:
            fatal = self.rng.randint(1, self.calls)
            code = code_of(forked(lambda: self.job(fatal)))
        else:
            pid = forked(self.job)
            time.sleep(self.rng.random() * self.seconds)
            os.kill(pid, signal.SIGKILL)
            code = code_of(pid)
        assert code in {-signal.SIGKILL, DONE, DONE_BEFORE}, code
        self.kills += code == -signal.SIGKILL
        return code == -signal.SIGKILL

    def round(self):
        """From the beginning to the end, with kills on the way."""
        prepare({self.source, "old", "calls"}, self.output, self.source, self.old)
        self.killed()
        while self.rng.random() < 0.4:
            self.killed()
        for retry in range(RETRIES):
            code = code_of(forked(self.job))
            assert code == DONE_BEFORE or (code == DONE and not retry), code
            assert content(self.output or self.source) == self.whole
        name = self.output or self.source
        record = f".{name}.made" if self.output else f".{name}.done"
        left = {path.name for path in Path().iterdir()} - {self.source, "old", "calls", name}
        assert left <= {record}, left


def main(name, kills, seed):
    for word in LIBRARIES.keys() & set(name.split()):
        __import__(LIBRARIES[word])  # here, so that it need not be loaded in each process
    case = Case(name, random.Random(seed))
    rounds = 0
    while case.kills < kills:
        case.round()
        rounds += 1
    told = f"{case.kills} kills in {rounds} rounds, at one of {case.calls} calls each"
    sys.stdout.write(f"{name}: {told}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
