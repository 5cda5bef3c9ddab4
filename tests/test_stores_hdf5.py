"""HDF5 datasets and NetCDF variables as the engine reads and writes them."""

import h5py
import netCDF4
import numpy as np
import pytest
import zarr

import cumsum
from cumsum import files
from cumsum.console import CommandError
from cumsum.files import hdf5
from cumsum.files.store import Choice, Spec
from storing import SHAPE, example, read, write_like

CHUNKS = (5, 4, 9)
LAYOUTS = {
    "contiguous": {},
    "chunks": {"chunks": CHUNKS},
    "gzip": {"chunks": CHUNKS, "compression": "gzip", "compression_opts": 9},
    "shuffle": {"chunks": CHUNKS, "shuffle": True},
    "shuffle, gzip": {"chunks": CHUNKS, "compression": "gzip", "shuffle": True},
    "lzf, checksum": {"chunks": CHUNKS, "compression": "lzf", "fletcher32": True},
    "may grow": {"chunks": CHUNKS, "maxshape": (None, 14, 9), "compression": "gzip"},
}


def make(path, x, name="x", **layout):
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset(name, data=x, **layout)
        dataset.attrs["unit"] = "mm"
        file.attrs["title"] = "rain"


@pytest.mark.parametrize("step", [SHAPE, (10, 12, 9), (3, 5, 4)])
@pytest.mark.parametrize("name", LAYOUTS)
def test_read_and_write(tmp_path, name, step):
    x = example("int16")
    make(tmp_path / "x.h5", x, "deep/x", **LAYOUTS[name])
    np.testing.assert_array_equal(read(tmp_path / "x.h5", step), x, strict=True)
    y = x.astype(np.int64) * 1_000_003
    write_like(tmp_path / "x.h5", tmp_path / "y.h5", y, step)
    with h5py.File(tmp_path / "x.h5") as before, h5py.File(tmp_path / "y.h5") as after:
        source, result = before["deep/x"], after["deep/x"]
        np.testing.assert_array_equal(result[...], y, strict=True)
        for of_layout in ("chunks", "compression", "shuffle", "fletcher32", "maxshape"):
            assert getattr(result, of_layout) == getattr(source, of_layout)
        assert result.compression_opts == source.compression_opts
        assert dict(result.attrs) == {"unit": "mm"}
        assert dict(after.attrs) == {"title": "rain"}


@pytest.mark.parametrize("layout", ["contiguous", "shuffle, gzip", "lzf, checksum"])
@pytest.mark.parametrize("dtype", ["bool", "uint8", ">i4", "float16", ">f8", "complex64"])
def test_dtypes(tmp_path, dtype, layout):
    x = example(dtype)
    make(tmp_path / "x.h5", x, **LAYOUTS[layout])
    np.testing.assert_array_equal(read(tmp_path / "x.h5"), x, strict=True)
    native = x.astype(x.dtype.newbyteorder("="))
    write_like(tmp_path / "x.h5", tmp_path / "y.h5", native)
    np.testing.assert_array_equal(read(tmp_path / "y.h5"), native, strict=True)


def test_chunks_that_are_not_there_are_the_fill_value(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        layout = {"chunks": (4,), "compression": "gzip", "fillvalue": 7}
        file.create_dataset("x", (10,), "i4", **layout)[5] = 1
    wanted = np.array([7, 7, 7, 7, 7, 1, 7, 7, 7, 7], np.int32)
    np.testing.assert_array_equal(read(tmp_path / "x.h5"), wanted, strict=True)


def test_filters_that_round_are_left_out(tmp_path):
    make(tmp_path / "x.h5", example("int16"), chunks=CHUNKS, scaleoffset=4)
    y = example("int16") * 100
    write_like(tmp_path / "x.h5", tmp_path / "y.h5", y)
    np.testing.assert_array_equal(read(tmp_path / "y.h5"), y)


def netcdf(path, **attributes):
    """A variable with coordinates, one of which may grow."""
    x = example("float32", (30, 4, 5))
    with netCDF4.Dataset(path, "w") as file:
        file.title = "rain"
        for name, length in (("time", None), ("lat", 4), ("lon", 5)):
            file.createDimension(name, length)
        for name in ("time", "lat"):  # lon has no variable
            variable = file.createVariable(name, "f8", (name,))
            variable[:] = np.arange(30 if name == "time" else 4)
            variable.units = f"unit of {name}"
        how = {"zlib": True, "shuffle": True, "chunksizes": (7, 3, 5)}
        fill = attributes.pop("_FillValue", None)
        rain = file.createVariable("rain", "f4", ("time", "lat", "lon"), fill_value=fill, **how)
        rain.set_auto_maskandscale(False)
        rain.setncatts({"units": "mm", "valid_max": 100.0} | attributes)
        rain[:] = x
    return x


def test_netcdf_keeps_its_coordinates(tmp_path):
    x = netcdf(tmp_path / "x.nc")
    files.cumsum(tmp_path / "x.nc", tmp_path / "y.nc", 0, memory=1_000_000, member="rain")
    with netCDF4.Dataset(tmp_path / "y.nc") as file:
        rain = file["rain"]
        np.testing.assert_array_equal(np.asarray(rain[:]), cumsum.cumsum(x, 0), strict=True)
        assert rain.dimensions == ("time", "lat", "lon")
        assert rain.ncattrs() == ["units"]
        assert file.title == "rain"
        assert file.dimensions["time"].isunlimited()
        assert file["time"].units == "unit of time"
        np.testing.assert_array_equal(file["lat"][:], np.arange(4))
        assert "lon" not in file.variables


def test_netcdf_of_one_variable_needs_no_member(tmp_path):
    x = netcdf(tmp_path / "x.nc")
    np.testing.assert_array_equal(read(tmp_path / "x.nc"), x)


def test_packed_and_missing_values(tmp_path):
    x = netcdf(tmp_path / "x.nc", add_offset=273.15)
    with pytest.raises(CommandError, match=r"x.nc/rain is packed with add_offset 273.15: unpack"):
        read(tmp_path / "x.nc")
    netcdf(tmp_path / "y.nc", _FillValue=x[3, 2, 1])
    with pytest.raises(CommandError, match=r"y.nc has missing values \(.*\); fill them first"):
        read(tmp_path / "y.nc")
    netcdf(tmp_path / "z.nc", _FillValue=np.float32(np.nan))
    np.testing.assert_array_equal(read(tmp_path / "z.nc"), x)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "i4", "i8", "u2", "u4", "u8", "f4", "f8"])
def test_elements_that_were_never_written(tmp_path, dtype):
    with netCDF4.Dataset(tmp_path / "x.nc", "w") as file:
        file.createDimension("t", 4)
        file.createVariable("v", dtype, ("t",))[:2] = 1
    if dtype in ("i1", "u1"):  # a byte may be anything
        usual = netCDF4.default_fillvals[dtype]
        np.testing.assert_array_equal(read(tmp_path / "x.nc"), [1, 1, usual, usual])
        return
    with netCDF4.Dataset(tmp_path / "x.nc") as file:
        assert np.ma.getmaskarray(file["v"][:]).sum() == 2
    with pytest.raises(CommandError, match=r"x.nc has missing values \(.*, 2 in the part at hand"):
        read(tmp_path / "x.nc")


@pytest.mark.parametrize(("dtype", "said"), [("i1", "true"), ("u2", b"False")])
def test_values_of_the_other_sign(tmp_path, dtype, said):
    make(tmp_path / "x.h5", np.arange(3, dtype=dtype))
    with h5py.File(tmp_path / "x.h5", "r+") as file:
        file["x"].attrs["_Unsigned"] = said
    with pytest.raises(CommandError, match=r"x.h5/x holds u?int.* with _Unsigned .*: convert it"):
        read(tmp_path / "x.h5")


def test_attributes_that_json_can_hold(tmp_path):
    make(tmp_path / "x.h5", example("int16"), chunks=CHUNKS)
    with h5py.File(tmp_path / "x.h5", "r+") as file:
        attributes = {
            "bytes": np.bytes_("°C".encode()),
            "texts": np.array([b"a", b"b"]),
            "words": ["c", "d"],
            "numbers": np.arange(3.0),
            "one": np.int8(1),
            "complex": 1j,
            "empty": h5py.Empty("f4"),
            "tie": file.ref,
        }
        file["x"].attrs.update(attributes)
    files.cumsum(tmp_path / "x.h5", tmp_path / "y.zarr", 0)
    assert zarr.open_array(tmp_path / "y.zarr").attrs.asdict() == {
        "unit": "mm",
        "bytes": "°C",
        "texts": ["a", "b"],
        "words": ["c", "d"],
        "numbers": [0.0, 1.0, 2.0],
        "one": 1,
    }


def test_names_of_dims_from_kind_to_kind(tmp_path):
    x = netcdf(tmp_path / "x.nc")
    names = ("time", "lat", "lon")
    files.cumsum(tmp_path / "x.nc", tmp_path / "y.zarr", 0)
    group = zarr.open_group(tmp_path / "y.zarr")
    array = group["rain"]
    assert sorted(group) == ["lat", "rain", "time"]
    assert array.metadata.dimension_names == names
    assert array.attrs.asdict() == {"units": "mm"}
    np.testing.assert_array_equal(array[...], cumsum.cumsum(x, 0))


def test_names_of_dims_without_coordinates(tmp_path):
    x, names = example("float32", (30, 4, 5)), ("time", "lat", "lon")
    zarr.create_array(tmp_path / "x.zarr", data=x, dimension_names=names)
    for suffix in (".nc", ".h5"):
        files.cumsum(tmp_path / "x.zarr", tmp_path / f"y{suffix}", 1)
    with netCDF4.Dataset(tmp_path / "y.nc") as file:
        assert (list(file.variables), file["cumsum"].dimensions) == (["cumsum"], names)
        np.testing.assert_array_equal(file["cumsum"][:], cumsum.cumsum(x, 1))
    with h5py.File(tmp_path / "y.h5") as file:
        assert tuple(dim.label for dim in file["cumsum"].dims) == names
    files.cumsum(tmp_path / "y.nc", tmp_path / "z.zarr", 1)  # its dims have no values
    assert zarr.open_array(tmp_path / "z.zarr").metadata.dimension_names == names


@pytest.mark.parametrize("form", [2, 3])
def test_coordinates_from_zarr_to_netcdf(tmp_path, form):
    group = zarr.create_group(tmp_path / "x.zarr", zarr_format=form)
    for name, dims in (("t", ["t"]), ("v", ["t", "t"])):
        how = {"dimension_names": dims}
        if form == 2:
            how = {"attributes": {"_ARRAY_DIMENSIONS": dims}, "fill_value": None}
        x = example("f4", (4,) * len(dims))
        group.create_array(name, shape=x.shape, dtype="f4", **how)[...] = x
        files.cumsum(tmp_path / "x.zarr", tmp_path / f"{name}.nc", 0, member=name)
        with netCDF4.Dataset(tmp_path / f"{name}.nc") as file:
            assert (file[name].dimensions, file[name].ncattrs()) == (tuple(dims), [])
            np.testing.assert_array_equal(file[name][:], cumsum.cumsum(x, 0))


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".safetensors", ".nc"])
def test_packed_sums_say_so(tmp_path, suffix):
    x = netcdf(tmp_path / "x.nc", scale_factor=0.5)
    y = tmp_path / f"y{suffix}"
    if suffix == ".nc":
        files.cumsum(tmp_path / "x.nc", y, 0)
        with netCDF4.Dataset(y) as file:
            np.testing.assert_array_equal(file["rain"][:], cumsum.cumsum(x, 0) * 0.5)
        return
    with pytest.raises(CommandError, match=rf"scale_factor 0.5, which .*y{suffix} cannot hold"):
        files.cumsum(tmp_path / "x.nc", y, 0)
    assert not y.exists()


def test_what_a_member_can_be(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for name in ("rain", "deep/snow"):
            file[name] = example("int16")
        file["sky"] = np.array([b"sun", b"rain"])
    for member, message in {
        None: "x.h5 holds 2 datasets: choose --member; there is deep/snow, rain",
        "deep": "x.h5 has no dataset 'deep'; there is deep/snow, rain",
        "hail": "x.h5 has no dataset 'hail'; there is deep/snow, rain",
        "sky": "x.h5/sky holds |S4, which has no sum",
    }.items():
        with pytest.raises(CommandError) as error:
            read(tmp_path / "x.h5", member=member)
        assert str(error.value).removeprefix(f"{tmp_path}/") == message


def test_what_is_not_hdf5(tmp_path):
    (tmp_path / "x.h5").write_bytes(b"something else")
    (tmp_path / "x.nc").write_bytes(b"CDF\x01")
    for name, message in {
        "x.h5": r"^cannot read .*x.h5: [^\n]*signature not found[^\n]*$",
        "x.nc": r"x.nc is a classic NetCDF file; convert it: nccopy -k nc4$",
        "y.h5": r"y.h5: no such file$",
    }.items():
        with pytest.raises(CommandError, match=message):
            read(tmp_path / name)


@pytest.mark.parametrize("name", LAYOUTS)
def test_damaged_files_are_one_line(tmp_path, name):
    make(tmp_path / "x.h5", example("int16"), **LAYOUTS[name])
    with open(tmp_path / "x.h5", "r+b") as file:
        file.truncate((tmp_path / "x.h5").stat().st_size - 100)
    with pytest.raises(CommandError, match=r"^cannot read .*x.h5: [^\n]*truncated file[^\n]*$"):
        read(tmp_path / "x.h5")


def test_damaged_chunks_are_one_line(tmp_path):
    make(tmp_path / "x.h5", example("int16"), **LAYOUTS["gzip"])
    with h5py.File(tmp_path / "x.h5") as file:
        place = file["x"].id.get_chunk_info_by_coord((5, 4, 0)).byte_offset
    with open(tmp_path / "x.h5", "r+b") as file:
        file.seek(place)
        file.write(bytes(20))
    with pytest.raises(
        CommandError, match=r"^cannot read .*x.h5: [^\n]*while decompressing[^\n]*$"
    ):
        read(tmp_path / "x.h5")


def test_bfloat16_is_refused(tmp_path):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    np.save(tmp_path / "x.npy", np.zeros(4, np.uint16))
    x = np.zeros(4, ml_dtypes.bfloat16)
    with pytest.raises(CommandError, match=r"y.h5: HDF5 holds no bfloat16; give --dtype"):
        write_like(tmp_path / "x.npy", tmp_path / "y.h5", x)


def test_memory_is_limited(tmp_path):
    x = example("float64", (64, 64, 64))
    make(tmp_path / "x.h5", x)
    store = hdf5.open_input(str(tmp_path / "x.h5"), Choice())
    assert store.limit(300_000) <= 300_000
    out = np.empty_like(x)
    store.read((slice(0, 64),) * 3, out)
    np.testing.assert_array_equal(out, x)
    sums = hdf5.create(str(tmp_path / "y.h5"), Spec("y.h5", x.shape, x.dtype, store))
    assert sums.limit(100) < 1000
    sums.close()
    store.close()
