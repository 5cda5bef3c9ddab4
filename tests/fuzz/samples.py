"""Valid files of all kinds, for `headers`, and ways to call `cumsum run` with them."""

import json
import math
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

X = np.arange(240.0).reshape(20, 12)


class Sample(NamedTuple):
    """A valid file: the name that it is given, where it was made, and how it is read.

    `headers` are the files with metadata in a folder; `span` is where in a file its header is.
    """

    name: str
    place: str
    headers: tuple = ()
    span: slice = slice(None)
    how: str = ""  # how a header is written: json or text, else bytes
    options: tuple = ((),)


SAMPLES = [
    Sample("x.npy", "c.npy", span=slice(0, 128), how="text"),
    Sample("x.npy", "fortran.npy", span=slice(0, 128), how="text"),
    Sample("x.npy", "second.npy", span=slice(0, 128), how="text"),
    Sample("x.npz", "x.npz", options=((), ("--member", "a"))),
    Sample("x.npz", "packed.npz", options=((), ("--member", "a"))),
    Sample("x.safetensors", "x.safetensors", how="length+json", options=(("--member", "a"),)),
    Sample("x.zarr", "three.zarr", ("zarr.json",), how="json"),
    Sample("x.zarr", "shards.zarr", ("zarr.json",), how="json"),
    Sample("x.zarr", "two.zarr", (".zarray", ".zattrs"), how="json"),
    Sample("x.zarr", "group.zarr", ("zarr.json", "a/zarr.json"), how="json"),
    Sample("x.zarr", "chunks.zarr", ("c/0/0",)),
    Sample("x.h5", "plain.h5"),
    Sample("x.h5", "chunks.h5", options=((), ("--member", "a"))),
    Sample("x.nc", "scales.h5", options=(("--member", "a"),)),
    Sample("x.parquet", "x.parquet", options=(("--column", "a"), ("--column", "b"))),
    Sample("x.parquet", "x.parquet", span=slice(-1200, None), options=(("--column", "a"),)),
    Sample("x.csv", "x.csv", options=(("--column", "a"), ())),
]
OUTPUTS = ("y.npy", "y.raw", "y.zarr", "y.h5", "y.safetensors", "y.csv", "y.parquet")


def is_long(sample, header):
    """Whether a .zarr has become an array that would take a while: its chunks need not be there."""
    if sample.how != "json":
        return False
    try:
        shape = json.loads(header.read_bytes())["shape"]
        return X.size * 100 < math.prod(shape) < 2**60
    except (ValueError, TypeError, KeyError, RecursionError):
        return False


def arguments(rng, sample, place, here):
    """The arguments of a call."""
    argv = ["run", str(place), *rng.choice(sample.options)]
    argv += rng.choice([["--dim=0"], ["--dim=-1"], []])
    ways = ["piecewise"] * 4
    if sample.name.endswith((".npy", ".npz", ".csv", ".parquet")):
        ways.append("whole")
    if sample.name.endswith((".npy", ".safetensors")):
        ways.append("in place")
    way = rng.choice(ways)
    if sample.name.endswith(".npz"):
        return argv + rng.choice([[], ["-o", str(here / "y.npz")]])
    if way == "whole":
        return argv
    argv += rng.choice([[], ["--resume"]])
    if way == "in place":
        return [*argv, "--in-place", "--memory=60MB"]
    return [*argv, "-o", str(here / rng.choice(OUTPUTS)), "--memory=200MB"]


def load():
    """Load the libraries that are used: they take memory, and no part of a call's time."""
    for name in ("h5py", "zarr", "pyarrow.csv", "pyarrow.parquet"):
        __import__(name)


def make(folder):
    """Write the files."""
    from numpy.lib import format as npy
    from safetensors.numpy import save_file

    np.save(folder / "c.npy", X)
    np.save(folder / "fortran.npy", np.asfortranarray(X))
    with open(folder / "second.npy", "wb") as file:
        npy.write_array(file, X, version=(2, 0))
    np.savez(folder / "x.npz", a=X)
    np.savez_compressed(folder / "packed.npz", a=X, b=X)
    save_file({"a": X, "b": X[0]}, folder / "x.safetensors", metadata={"by": "me"})
    make_zarr(folder)
    make_hdf5(folder)
    make_tables(folder)


def make_zarr(folder):
    import zarr

    how = {"shape": X.shape, "dtype": X.dtype, "chunks": (5, 4)}
    for name in ("three", "chunks"):
        zarr.create_array(folder / f"{name}.zarr", **how, attributes={"unit": "m"})[...] = X
    zarr.create_array(folder / "shards.zarr", **how, shards=(10, 12))[...] = X
    zarr.create_array(folder / "two.zarr", **how, zarr_format=2, attributes={"a": 1})[...] = X
    zarr.open_group(folder / "group.zarr", mode="w").create_array("a", **how)[...] = X
    held = json.loads((folder / "three.zarr" / "zarr.json").read_text())
    assert held["attributes"] == {"unit": "m"}


def make_hdf5(folder):
    import h5py

    with h5py.File(folder / "plain.h5", "w") as file:
        file.create_dataset("x", data=X)
    with h5py.File(folder / "chunks.h5", "w") as file:
        packed = {"chunks": (5, 4), "compression": "gzip", "shuffle": True}
        file.create_dataset("a", data=X, **packed).attrs["unit"] = "m"
    with h5py.File(folder / "scales.h5", "w") as file:
        made = file.create_dataset("a", data=X.astype("i4"), chunks=(5, 4))
        made.attrs["scale_factor"], made.attrs["_FillValue"] = 1.0, np.int32(-1)
        for dim, name in enumerate(("time", "place")):
            file[name] = np.arange(X.shape[dim])
            file[name].make_scale(name)
            made.dims[dim].attach_scale(file[name])


def make_tables(folder):
    import pyarrow as pa
    from pyarrow import csv, parquet

    columns = {"a": list(range(240)), "b": X.ravel(), "c": ["text"] * 240}
    table = pa.table(columns)
    parquet.write_table(table, folder / "x.parquet", row_group_size=100)
    csv.write_csv(table, folder / "x.csv")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
