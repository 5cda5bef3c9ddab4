"""Scans of zarr, HDF5 and parquet files, beside a plain copy through the same library.

A copy reads chunk after chunk (row group after row group) and writes it to a file of the same
layout, with one thread of this process; the library may have its own. Each runs in a process of its
own, the input in the cache of the system as the scan before it left it; what is shown is the time
from start to the bytes on the disk, and the most memory the process had beyond what it has after
its imports.

    python benchmarks/stores.py --gb 0.25 --memory 256MB --folder /tmp
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from cumsum import files
from cumsum.console import parse_size, size

COLUMNS = 4096
ROWS = 1 << 20  # of a row group of a table
CASES = {
    "zarr, zstd": ("x.zarr", {"chunks": (1000, 700)}),
    "zarr, uncompressed": ("raw.zarr", {"chunks": (1000, 700), "compressors": None}),
    "zarr, sharded": ("s.zarr", {"chunks": (250, 350), "shards": (2000, 1400)}),
    "HDF5, shuffle and gzip 1": (
        "x.h5",
        {"chunks": (1000, 700), "compression": "gzip", "compression_opts": 1, "shuffle": True},
    ),
    "HDF5, uncompressed": ("raw.h5", {"chunks": (1000, 700)}),
    "parquet, one of two columns": ("x.parquet", {}),
    "csv, one of two columns": ("x.csv", {}),
}


def blocks(nbytes: int) -> list[tuple[int, int]]:
    """Rows of an array of float32 of about so many bytes, in blocks of whole chunks."""
    rows = nbytes // 4 // COLUMNS
    return [(start, min(start + 2000, rows)) for start in range(0, rows, 2000)]


def make(path: Path, layout: dict[str, object], nbytes: int) -> None:
    """Write measurements that compress a little, as such files hold."""
    if path.suffix in {".parquet", ".csv"}:
        make_table(path, nbytes)
        return
    rng = np.random.default_rng(0)
    shape = (nbytes // 4 // COLUMNS, COLUMNS)
    target = create(path, shape, np.dtype(np.float32), layout)
    for start, stop in blocks(nbytes):
        target[start:stop] = np.round(rng.standard_normal((stop - start, COLUMNS)), 2)


def create(path: Path, shape: tuple[int, ...], dtype: np.dtype, layout: dict) -> object:
    """A new array of zarr or HDF5."""
    if path.suffix == ".zarr":
        import zarr

        return zarr.create_array(path, shape=shape, dtype=dtype, overwrite=True, **layout)
    import h5py

    return h5py.File(path, "w").create_dataset("x", shape, dtype, **layout)


def make_table(path: Path, nbytes: int) -> None:
    """Write two columns of numbers."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    rng = np.random.default_rng(0)
    schema = pa.schema([("day", pa.int32()), ("rain", pa.float64())])
    kind = parquet.ParquetWriter if path.suffix == ".parquet" else csv.CSVWriter
    with kind(path, schema) as writer:
        for start in range(0, max(nbytes // 12, 1), ROWS):
            rain = np.round(rng.standard_normal(ROWS), 3)
            day = np.arange(start, start + ROWS, dtype=np.int32)
            writer.write_table(pa.table([day, rain], schema=schema))


def copy(source: Path, target: Path, layout: dict) -> None:
    """Copy a file through its library, chunks as they are."""
    if source.suffix in {".parquet", ".csv"}:
        copy_table(source, target)
        return
    if source.suffix == ".zarr":
        import zarr

        x = zarr.open_array(source, mode="r")
    else:
        import h5py

        x = h5py.File(source, "r")["x"]
    y = create(target, x.shape, x.dtype, layout)
    high, wide = layout.get("shards", layout["chunks"])
    for row in range(0, x.shape[0], high):
        for column in range(0, x.shape[1], wide):
            y[row : row + high, column : column + wide] = x[
                row : row + high, column : column + wide
            ]


def copy_table(source: Path, target: Path) -> None:
    """Copy a table, with one of its columns twice, as the scan writes it."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    if source.suffix == ".parquet":
        batches = parquet.ParquetFile(source, pre_buffer=False).iter_batches(batch_size=ROWS)
    else:
        batches = csv.open_csv(source)
    writer = None
    for batch in batches:
        table = pa.Table.from_batches([batch])
        table = table.append_column("copy", table.column("rain"))
        if writer is None:
            kind = parquet.ParquetWriter if source.suffix == ".parquet" else csv.CSVWriter
            writer = kind(target, table.schema)
        writer.write_table(table)
    writer.close()


def work(what: str, name: str, folder: Path, memory: int) -> None:
    """Do one thing in this process, and print what it took."""
    file, layout = CASES[name]
    source, target = folder / file, folder / f"out{Path(file).suffix}"
    import_libraries(source.suffix)
    before = peak_memory()
    start = time.perf_counter()
    if what == "copy":
        copy(source, target, layout)
        os.sync()
    else:
        columns = ["rain"] if source.suffix in {".parquet", ".csv"} else []
        dim = {"scan 0": 0, "scan 1": 1}[what]
        files.cumsum(source, target, dim, memory=memory, columns=columns)
    seconds = time.perf_counter() - start
    sys.stdout.write(json.dumps([seconds, peak_memory() - before]))


def peak_memory() -> int:
    """The most that this process has had; what its parent had does not count."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1]) << 10


def import_libraries(suffix: str) -> None:
    """Import what both need, so that neither is charged for it."""
    if suffix == ".zarr":
        import zarr

        zarr.array(np.zeros(3))[...]
    elif suffix == ".h5":
        import h5py

        assert h5py
    else:
        import pyarrow.csv
        import pyarrow.parquet

        assert pyarrow


def measure(what: str, name: str, folder: Path, memory: int) -> tuple[float, int]:
    """The seconds and the bytes of one run, in a process of its own."""
    argv = [sys.executable, __file__, "--work", what, "--case", name]
    argv += ["--folder", str(folder), "--memory", str(memory)]
    told = subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout
    for left in folder.glob("out.*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    seconds, peak = json.loads(told)
    return seconds, peak


def main() -> None:
    """Print a row for each kind of file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gb", type=float, default=0.25, help="of each input, unpacked (0.25)")
    parser.add_argument("--memory", type=parse_size, default=256 << 20, help="for a scan (256MiB)")
    parser.add_argument("--folder", type=Path, help="where to make files (a temporary folder)")
    parser.add_argument("--case", help="one kind alone")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        work(args.work, args.case, args.folder, args.memory)
        return
    memory = args.memory
    print(f"{args.gb} GB each, --memory {size(memory)}; seconds, and memory beyond the imports")
    print(f"{'':30}{'copy':>16}{'scan dim 0':>16}{'scan dim 1':>16}  scans / copy")
    for name, (file, layout) in CASES.items():
        if args.case not in {None, name}:
            continue
        with tempfile.TemporaryDirectory(dir=args.folder) as place:
            folder = Path(place)
            make(folder / file, layout, int(args.gb * 1e9))
            tables = Path(file).suffix in {".parquet", ".csv"}
            runs = [measure(what, name, folder, memory) for what in ("copy", "scan 0")]
            runs += [] if tables else [measure("scan 1", name, folder, memory)]
            cells = "".join(f"{s:>7.2f} {size(b):>8}" for s, b in runs)
            ratios = " ".join(f"{s / runs[0][0]:.2f}" for s, _ in runs[1:])
            print(f"{name:30}{cells}{'' if len(runs) == 3 else ' ' * 16}  {ratios}")


if __name__ == "__main__":
    main()
