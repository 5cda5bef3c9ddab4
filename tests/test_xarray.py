"""Labelled arrays: dims by name; coordinates, names and attributes stay."""

import dask.array as da
import numpy as np
import pytest

import cumsum
from bits import same_bits

xr = pytest.importorskip("xarray")
import cumsum.xarray  # noqa: E402

DATA = np.random.default_rng(0).standard_normal((40, 6, 5)).astype(np.float32)


@pytest.fixture(params=["NumPy", "Dask"])
def x(request):
    labels = {
        "time": np.datetime64("2026-01-01") + np.arange(40),
        "lat": np.linspace(-50, 50, 6),
        "month": ("time", np.arange(40) // 30),
        "place": ("lat", list("abcdef")),
    }
    array = xr.DataArray(DATA, labels, ("time", "lat", "lon"), "rain", {"units": "mm"})
    return array.chunk(time=7, lat=4) if request.param == "Dask" else array


def same_labels(y, x):
    return (
        y.dims == x.dims
        and y.name == x.name
        and y.attrs == x.attrs
        and y.coords.identical(x.coords)
        and type(y.data) is type(x.data)
    )


@pytest.mark.parametrize("dim", ["time", "lat", "lon"])
@pytest.mark.parametrize("options", [{}, {"reverse": True, "exclusive": True}, {"dtype": "f8"}])
def test_bits_and_labels(x, dim, options):
    y = cumsum.xarray.cumsum(x, dim, **options)
    assert same_labels(y, x)
    assert y.chunks == x.chunks
    assert same_bits(y.values, cumsum.cumsum(DATA, x.dims.index(dim), **options))


def test_several_dims(x):
    y = cumsum.xarray.cumsum(x, ["lon", "lat"])
    assert same_labels(y, x)
    assert same_bits(y.values, cumsum.cumsum(DATA, (2, 1)))


def test_labelled_options(x):
    wet = x.transpose("lon", "lat", "time") > 0
    first = xr.DataArray(np.arange(6.0), {"lat": x.lat}, "lat")
    y = cumsum.xarray.cumsum(x, "time", where=wet, initial=first)
    assert same_bits(
        y.values, cumsum.cumsum(DATA, 0, where=DATA > 0, initial=first.values[:, None])
    )
    begins = x.month != x.month.shift(time=1)
    y = cumsum.xarray.cumsum(x, "time", reset=begins)
    assert same_bits(y.values, cumsum.cumsum(DATA, 0, offsets=[0, 30, 40]))
    with pytest.raises(ValueError, match="time"):
        cumsum.xarray.cumsum(x, "time", reset=begins.assign_coords(time=x.time[::-1]))
    north = x.lat > 0
    y = cumsum.xarray.cumsum(x.chunk(time=-1) if x.chunks else x, "time", reset=north)
    assert same_bits(y.values, np.where(north.values[:, None], DATA, cumsum.cumsum(DATA, 0)))
    assert cumsum.xarray.cumsum(x, ()).identical(x)
    y = cumsum.xarray.cumsum(x, "lon", where=x.lat > 0, skipna=True)
    assert same_bits(y.values, cumsum.cumsum(DATA, 2, where=(x.lat > 0).values[:, None]))
    with pytest.raises(ValueError, match="lat"):
        cumsum.xarray.cumsum(x, "time", initial=first[1:])
    with pytest.raises(ValueError, match="initial has the dim 'height'"):
        cumsum.xarray.cumsum(x, "time", initial=first.rename(lat="height"))


def test_one_element_more(x):
    y = cumsum.xarray.cumsum(x, "time", include_initial=True)
    assert same_bits(y.values, cumsum.cumsum(DATA, 0, include_initial=True))
    assert (y.dims, y.name, y.attrs) == (x.dims, x.name, x.attrs)
    assert sorted(y.coords) == ["lat", "place"]


def test_datasets(x):
    both = x.to_dataset().assign(height=("lat", np.arange(6.0)), dry=x.isel(lon=0) < 0)
    y = cumsum.xarray.cumsum(both, "time")
    assert list(y) == ["rain", "height", "dry"]
    assert y.coords.identical(both.coords)
    assert y.rain.attrs == x.attrs
    assert same_bits(y.rain.values, cumsum.cumsum(DATA, 0))
    assert same_bits(y.dry.values, cumsum.cumsum(DATA[:, :, 0] < 0, 0))
    assert y.height.identical(both.height)
    longer = cumsum.xarray.cumsum(both, "time", include_initial=True)
    assert longer.sizes == {"time": 41, "lat": 6, "lon": 5}
    assert list(longer) == list(both)
    two = cumsum.xarray.cumsum(both, ["lat", "time"])
    assert same_bits(two.rain.values, cumsum.cumsum(DATA, (1, 0)))
    assert same_bits(two.height.values, cumsum.cumsum(np.arange(6.0), 0))


def test_by_apply_ufunc(x):
    y = xr.apply_ufunc(
        cumsum.cumsum,
        x,
        -1,
        input_core_dims=[["time"], []],
        output_core_dims=[["time"]],
        dask="allowed",
        keep_attrs=True,
    ).transpose(*x.dims)
    assert same_labels(y, x)
    assert same_bits(y.values, cumsum.cumsum(DATA, 0))


def test_errors(x):
    with pytest.raises(ValueError, match="there is no dim 'times'"):
        cumsum.xarray.cumsum(x, "times")
    with pytest.raises(TypeError, match="unexpected keyword argument 'keep_attrs'"):
        cumsum.xarray.cumsum(x, "time", keep_attrs=True)
    lazy = isinstance(x.data, da.Array)
    if lazy:
        with pytest.raises(NotImplementedError, match="decay needs a dim that is one chunk"):
            cumsum.xarray.cumsum(x, "time", decay=0.5)


def test_what_is_not_labelled():
    with pytest.raises(
        TypeError, match=r"must be an xarray.DataArray or Dataset, not numpy.ndarray"
    ):
        cumsum.xarray.cumsum(np.zeros(3), "t")


def test_an_error_names_the_variable():
    ds = xr.Dataset({"a": ("t", [1.5, 2]), "b": ("t", [1, 2])})
    with pytest.raises(TypeError) as error:
        cumsum.xarray.cumsum(ds, "t", initial=0.5)
    assert error.value.__notes__ == ["in the variable 'b' of the Dataset"]


def test_dims_as_a_tuple_none_and_ellipsis(x):
    wanted = cumsum.cumsum(DATA, (0, 2))
    assert same_bits(cumsum.xarray.cumsum(x, ("time", "lon")).values, wanted)
    wanted = cumsum.cumsum(DATA, (0, 1, 2))
    for every in (None, ...):
        y = cumsum.xarray.cumsum(x, every)
        assert same_labels(y, x)
        assert same_bits(y.values, wanted)
    assert cumsum.xarray.cumsum(xr.DataArray(3), None).item() == 3
    named = xr.DataArray([1, 2], dims=[("a", "b")])
    assert cumsum.xarray.cumsum(named, ("a", "b")).values.tolist() == [1, 3]


def test_what_of_a_dataset_has_no_sum_stays():
    days = np.array(["2020-01-01", "2020-01-02"], "M8[ns]")
    others = {
        "station": ("time", ["a", "b"]),
        "bounds": (("time", "edge"), np.stack([days, days], 1)),
        "note": ("time", np.array(["x", None], object)),
    }
    numbers = {"rain": ("time", [1.0, 2.0]), "took": ("time", np.array([1, 2], "m8[ns]"))}
    ds = xr.Dataset(numbers | others, {"time": days})
    y = cumsum.xarray.cumsum(ds, "time")
    assert list(y) == list(ds)
    assert y.rain.values.tolist() == [1, 3]
    assert y.took.values.astype(int).tolist() == [1, 3]
    assert all(y[name].identical(ds[name]) for name in others)
    longer = cumsum.xarray.cumsum(ds, "time", include_initial=True)
    assert list(longer) == list(numbers)
