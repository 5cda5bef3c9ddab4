"""Coordinates, their attributes and those of groups: what xarray opens is as it was."""

import os
import signal
import subprocess
import sys
import warnings

import h5py
import netCDF4
import numpy as np
import pytest
import xarray as xr
import zarr

import cumsum
from cumsum import cli, files
from cumsum.console import CommandError
from cumsum.files import coordinates, zarrs
from cumsum.files.store import Choice, Spec
from filing import names
from storing import example

INPUTS = ["x.nc", "2.zarr", "2 plain.zarr", "3.zarr", "3 plain.zarr"]
OUTPUTS = ["y.nc", "y.h5", "y.zarr"]

# A group without consolidated metadata is told of, and stays so.
PLAIN = pytest.mark.filterwarnings("ignore:Failed to open Zarr store with consolidated metadata")

TEXTS = {
    "name": ("lat", np.array(["a", "bé", "", "d"])),
    "code": ("lat", np.array([b"a", b"bc", b"", b"d"], "S2")),
    "words": ("lat", np.array(["some", "längere", "words", ""], object)),
    "station": "here",
}


def dataset():
    """A variable with coordinates of all kinds, and one that has nothing to do with it."""
    times = np.datetime64("2020-01-01", "ns") + np.arange(10) * np.timedelta64(6, "h")
    height = np.array([0.5, np.nan, 1.5, 2])
    held = xr.Dataset(
        {
            "rain": (("time", "lat", "lon"), example("f4", (10, 4, 5)), {"units": "mm"}),
            "snow": (("time",), np.arange(10.0)),
            "lat_bnds": (("lat", "two"), np.arange(8.0).reshape(4, 2)),
            "crs": ((), 1, {"grid_mapping_name": "latitude_longitude", "radius": 6.4e6}),
        },
        {
            "time": ("time", times, {"long_name": "of day"}),
            "lat": ("lat", np.linspace(0, 1, 4), {"units": "degrees_north", "bounds": "lat_bnds"}),
            "lon": ("lon", np.arange(5, dtype=">i2"), {"valid_range": [0, 4]}),
            "area": (("lat", "lon"), np.arange(20, dtype="f4").reshape(4, 5), {"units": "m2"}),
            "height": ("lat", height),
            "flag": ("lon", np.arange(5) % 2 == 1),
            **TEXTS,
        },
        {"title": "wet", "Conventions": "CF-1.8"},
    )
    held["rain"].attrs["grid_mapping"] = "crs"
    held["height"].encoding = {"dtype": "i2", "scale_factor": 0.5, "_FillValue": -9}
    return held


def save(held, path, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if path.suffix == ".nc":
            held.to_netcdf(path, engine="netcdf4", **how)
        else:
            form = int(path.name[0])
            held.to_zarr(path, zarr_format=form, consolidated="plain" not in path.name, **how)


def load(path, **how):
    if path.suffix in {".nc", ".h5"}:
        return xr.load_dataset(path, engine="netcdf4", **how)
    return xr.open_zarr(path, chunks=None, **how).load()


def check_same(found, wanted):
    """Whether values, attributes and encodings are the same."""
    assert set(found.variables) == set(wanted.variables) - {"snow"}
    assert found.attrs == wanted.attrs
    assert set(found.coords) == set(wanted.coords)
    np.testing.assert_array_equal(found["rain"], np.cumsum(wanted["rain"], 0), strict=False)
    for name in found.variables:
        held, before = found[name], wanted[name]
        assert (held.dims, set(held.coords)) == (before.dims, set(before.coords))
        assert {key: np.asarray(value).tolist() for key, value in held.attrs.items()} == {
            key: np.asarray(value).tolist() for key, value in before.attrs.items()
        }
        if name != "rain":
            np.testing.assert_array_equal(held.astype(before.dtype), before)
            assert held.dtype.kind in before.dtype.kind + ("OUT" * (before.dtype.kind in "OUT"))
            for key in ("units", "calendar", "scale_factor", "_FillValue"):
                np.testing.assert_equal(held.encoding.get(key), before.encoding.get(key))


@PLAIN
@pytest.mark.parametrize("target", OUTPUTS)
@pytest.mark.parametrize("source", INPUTS)
def test_all_that_xarray_reads(tmp_path, capsys, source, target):
    save(dataset(), tmp_path / source)
    argv = ["run", f"{tmp_path / source}", "-o", f"{tmp_path / target}", "--dim=0"]
    assert cli.main([*argv, "--member", "rain"]) == 0, capsys.readouterr().err
    check_same(load(tmp_path / target), load(tmp_path / source))


@PLAIN
@pytest.mark.filterwarnings("ignore:The data type:zarr.errors.UnstableSpecificationWarning")
@pytest.mark.parametrize("target", OUTPUTS)
@pytest.mark.parametrize("source", INPUTS)
@pytest.mark.parametrize("texts", TEXTS)
def test_texts_as_the_names_of_places(tmp_path, texts, source, target):
    held = np.array(TEXTS[texts][1]) if texts != "station" else np.array(list("abcd"), object)
    x = np.arange(4.0)
    save(xr.Dataset({"rain": ("place", x)}, {"place": ("place", held)}), tmp_path / source)
    middle = tmp_path / f"z{tmp_path.joinpath(target).suffix}"
    files.cumsum(tmp_path / source, middle, 0)
    for path in (middle, tmp_path / target):
        found = load(path)["rain"]
        wanted = [text.decode() if isinstance(text, bytes) else str(text) for text in held]
        told = [t.decode() if isinstance(t, bytes) else str(t) for t in found["place"].values]
        assert told == wanted
        if path == middle:
            files.cumsum(middle, tmp_path / target, 0, member="rain")


@pytest.mark.parametrize("target", OUTPUTS)
@pytest.mark.parametrize("source", ["x.nc", "2.zarr", "3.zarr"])
def test_groups_and_what_lies_above(tmp_path, source, target):
    held = dataset()
    top, deep = held[["lat"]].assign_attrs(top=1), held[["rain"]].drop_vars("lat")
    save(top.drop_vars(set(top.coords) - {"lat"}), tmp_path / source, mode="w")
    save(deep, tmp_path / source, mode="a", group="far/deep")
    files.cumsum(tmp_path / source, tmp_path / target, 0, member="far/deep/rain")
    found, before = (load(tmp_path / name, group="far/deep") for name in (target, source))
    assert (found.attrs, set(found.variables)) == (before.attrs, set(before.variables))
    for name in set(found.coords) & set(before.coords):
        np.testing.assert_array_equal(found[name], before[name])
    root = load(tmp_path / target)
    np.testing.assert_array_equal(root["lat"], held["lat"])
    assert root.attrs == top.attrs


def test_layouts_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(coordinates, "_BYTES", 100)  # in many parts
    x, area = example("f4", (6, 40, 50)), np.random.default_rng(0).random((40, 50)).astype(">f8")
    with netCDF4.Dataset(tmp_path / "x.nc", "w") as file:
        for name, length in zip("tyx", x.shape, strict=True):
            file.createDimension(name, length)
        how = {"zlib": True, "shuffle": True, "chunksizes": (7, 9), "endian": "big"}
        file.createVariable("area", ">f8", ("y", "x"), fill_value=np.nan, **how)[:] = area
        rain = file.createVariable("rain", "f4", tuple("tyx"))
        rain.coordinates = "area nothing"
        rain[:] = x
    group = zarr.create_group(tmp_path / "x.zarr", attributes={"title": [1]})
    names = {"dimension_names": ["y", "x"], "shards": (14, 18), "chunks": (7, 9)}
    group.create_array("area", data=area, fill_value=np.nan, **names)
    rain = group.create_array("rain", data=x, dimension_names=list("tyx"))
    rain.attrs["coordinates"] = "area"
    for suffix in (".nc", ".zarr"):
        files.cumsum(tmp_path / f"x{suffix}", tmp_path / f"y{suffix}", 0, member="rain")
    with h5py.File(tmp_path / "x.nc") as before, h5py.File(tmp_path / "y.nc") as after:
        for key in ("chunks", "compression", "shuffle", "dtype"):
            assert getattr(after["area"], key) == getattr(before["area"], key)
        np.testing.assert_array_equal(after["area"], area)
        assert np.isnan(after["area"].fillvalue)
    found = zarr.open_group(tmp_path / "y.zarr")
    assert str(found["area"].metadata) == str(group["area"].metadata)
    assert found.attrs.asdict() == {"title": [1]}
    assert found.metadata.consolidated_metadata is None
    np.testing.assert_array_equal(found["area"], area)


@pytest.mark.parametrize("source", ["x.nc", "2.zarr", "3.zarr"])
def test_urls(tmp_path, source):
    save(dataset(), tmp_path / source)
    path, output = str(tmp_path / source), f"memory://coordinates/y-{source[0]}"
    if source != "x.nc":
        path = f"file://{path}"
    files.cumsum(path, output, 0, member="rain")
    check_same(xr.open_zarr(output, chunks=None), load(tmp_path / source))
    files.cumsum(output, tmp_path / "y.zarr", 0, member="rain")
    found = load(tmp_path / "y.zarr").drop_vars("rain")
    xr.testing.assert_identical(found, xr.open_zarr(output, chunks=None).drop_vars("rain"))


@pytest.mark.parametrize("form", [2, 3])
def test_outputs_at_urls_are_hidden(tmp_path, form):
    save(dataset(), tmp_path / f"{form}.zarr")
    like = zarrs.open_input(f"{tmp_path}/{form}.zarr", Choice(member="rain"))
    url = f"memory://coordinates/hidden{form}"
    zarrs.create(url, Spec(url, like.shape, like.dtype, like)).close()
    with pytest.raises(FileNotFoundError):
        zarr.open(url, mode="r")
    with pytest.raises((FileNotFoundError, KeyError, ValueError)):
        zarr.open_consolidated(url, mode="r")
    assert not zarrs.exists(url)
    zarrs.publish(url)
    assert set(zarr.open_consolidated(url, mode="r")) == set(like.group) - {"snow"}


CHILD = """
import os, signal, sys
from cumsum import files
from cumsum.files import journal
journal.SECONDS, journal.PART = 0, float("inf")

def kill(done, total):
    if 2 * done > total:
        os.kill(os.getpid(), signal.SIGKILL)

files.cumsum(sys.argv[1], sys.argv[2], 0, member="rain", memory=200_000, resume=True, progress=kill)
"""


@pytest.mark.parametrize("target", OUTPUTS)
@pytest.mark.parametrize("source", ["x.nc", "2.zarr", "3.zarr"])
def test_kill_and_resume(tmp_path, source, target):
    x = np.random.default_rng(0).random((3000, 20))
    held = {"t": np.arange(3000.0), "height": ("t", np.arange(3000)), "at": ("x", ["a"] * 20)}
    how = {"chunksizes" if source == "x.nc" else "chunks": (100, 20)}
    save(xr.Dataset({"rain": (("t", "x"), x)}, held), tmp_path / source, encoding={"rain": how})
    argv = [sys.executable, "-c", CHILD, tmp_path / source, tmp_path / target]
    assert subprocess.run(argv, check=False).returncode == -signal.SIGKILL
    job = {"member": "rain", "memory": 200_000, "resume": True}
    report = files.cumsum(tmp_path / source, tmp_path / target, 0, **job)
    assert report.resumed > 0
    wanted = load(tmp_path / source)
    wanted["rain"] = wanted["rain"].copy(data=cumsum.cumsum(x, 0))
    xr.testing.assert_identical(load(tmp_path / target), wanted)


def in_hdf5(path):
    """A file whose attributes name what is no coordinate, or not there."""
    with h5py.File(path.with_name("other.h5"), "w") as file:
        file["lat"] = file["secret"] = np.arange(4.0)
    with h5py.File(path, "w") as file:
        x = file.create_dataset("far/rain", data=example("i4", (3, 4)))
        file["far/more"] = file["side/secret"] = np.arange(4.0)
        file["far/link"] = h5py.SoftLink("/side/secret")
        file["far/lat"] = h5py.ExternalLink("other.h5", "/lat")
        file["far/strange"] = np.zeros(4, [("a", "i4")])
        file["far/long"], file["far/tie"] = np.arange(5.0), file.ref
        for dim, name in enumerate(("long", "lat")):
            x.dims[dim].label = name
        for name in ("more", "strange"):
            file[f"far/{name}"].dims[0].label = "lat"
        names = "rain more ../side/secret /side/secret link strange tie . .. side more nothing"
        x.attrs["coordinates"], x.attrs["grid_mapping"] = names, "rain: more"
        file["far/more"].attrs["bounds"] = "more"


def in_zarr(path):
    """The same in zarr."""
    group = zarr.create_group(path)
    for name, n in {"far/more": 4, "side/secret": 4, "far/long": 5}.items():
        how = {"dimension_names": ["long" if n == 5 else "lat"]}
        group.create_array(name, data=np.arange(float(n)), **how).attrs["bounds"] = "more"
    x = example("i4", (3, 4))
    rain = group.create_array("far/rain", data=x, dimension_names=["long", "lat"])
    names = "rain more ../side/secret /side/secret side\\secret . .. side more nothing"
    rain.attrs.update({"coordinates": names, "grid_mapping": "rain: more"})


@PLAIN
@pytest.mark.parametrize("target", OUTPUTS)
@pytest.mark.parametrize("make", [in_hdf5, in_zarr])
def test_names_that_lead_nowhere(tmp_path, make, target):
    path = tmp_path / ("x.h5" if make is in_hdf5 else "x.zarr")
    make(path)
    files.cumsum(path, tmp_path / target, 0, member="far/rain")
    found = load(tmp_path / target, group="far")
    assert set(found.variables) == {"rain", "more"}
    np.testing.assert_array_equal(found["rain"], np.cumsum(example("i4", (3, 4)), 0))
    assert set(load(tmp_path / target).variables) == set()


@pytest.mark.parametrize("target", OUTPUTS)
@pytest.mark.parametrize("source", ["x.nc", "2.zarr", "3.zarr"])
def test_a_coordinate_that_is_scanned_itself(tmp_path, source, target):
    held = {"x": np.arange(4.0), "month": ("x", np.arange(4))}
    save(xr.Dataset({}, held), tmp_path / source)
    files.cumsum(tmp_path / source, tmp_path / target, 0, member="x")
    np.testing.assert_array_equal(load(tmp_path / target)["x"], np.cumsum(np.arange(4.0)))


@pytest.mark.parametrize("target", OUTPUTS)
@pytest.mark.parametrize("source", ["x.nc", "3.zarr"])
def test_damaged_coordinates_are_one_line(tmp_path, source, target):
    area = {"zlib": True, "chunksizes": (4, 5)} if source == "x.nc" else {}
    save(dataset()[["rain"]], tmp_path / source, encoding={"area": area})
    if source == "x.nc":
        with h5py.File(tmp_path / source) as file:
            info = file["area"].id.get_chunk_info(0)
        with open(tmp_path / source, "r+b") as file:
            file.seek(info.byte_offset)
            file.write(bytes(info.size))
    else:
        (tmp_path / source / "area" / "c" / "0" / "0").write_bytes(b"damaged")
    outputs = [tmp_path / target, *(["memory://coordinates/damaged"] * (target == "y.zarr"))]
    for output in outputs:
        with pytest.raises(CommandError, match=rf"^cannot read .*{source}/area: [^\n]+$"):
            files.cumsum(tmp_path / source, output, 0, member="rain")
    assert names(tmp_path) == [source]
    assert not zarrs.exists("memory://coordinates/damaged")


def test_what_is_too_much(tmp_path):
    group = zarr.create_group(tmp_path / "x.zarr")
    rain = group.create_array("rain", data=np.arange(4.0), dimension_names=["x"])
    rain.attrs["coordinates"] = " ".join(map(str, range(1001)))
    with pytest.raises(CommandError, match=r"x.zarr/rain has 1,001 coordinates, 1,000 at most$"):
        files.cumsum(tmp_path / "x.zarr", tmp_path / "y.zarr", 0)
    rain.attrs["coordinates"] = ["x"]  # no text
    how = {"shape": 4, "chunks": 1 << 40, "dtype": "f8", "dimension_names": ["x"]}
    group.create_array("x", **how)
    with pytest.raises(CommandError, match=r"x.zarr/x is in chunks much larger than itself$"):
        files.cumsum(tmp_path / "x.zarr", tmp_path / "y.nc", 0)
    (tmp_path / "x.zarr" / "x" / "zarr.json").unlink()
    os.mkfifo(tmp_path / "x.zarr" / "x" / "zarr.json")
    with pytest.raises(CommandError, match=r"x/zarr.json is no regular file$"):
        files.cumsum(tmp_path / "x.zarr", tmp_path / "y.nc", 0, member="rain")
    assert names(tmp_path) == ["x.zarr"]
