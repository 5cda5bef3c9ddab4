"""Zarr arrays as the engine reads and writes them."""

import json

import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, BytesCodec, GzipCodec, TransposeCodec, ZstdCodec

from cumsum import files
from cumsum.console import CommandError
from cumsum.files import zarrs
from cumsum.files.store import Choice, Spec
from storing import SHAPE, example, read, served, write_like

CHUNKS = (5, 4, 9)
LAYOUTS = {
    "plain": {"chunks": CHUNKS, "compressors": None},
    "zstd": {"chunks": CHUNKS, "compressors": ZstdCodec(level=3, checksum=True)},
    "blosc": {"chunks": (7, 14, 2), "compressors": BloscCodec(typesize=2, shuffle="shuffle")},
    "gzip, transposed": {
        "chunks": CHUNKS,
        "compressors": GzipCodec(),
        "filters": [TransposeCodec(order=(2, 0, 1))],
    },
    "sharded": {"chunks": (5, 2, 3), "shards": (10, 6, 9), "compressors": ZstdCodec()},
    "big-endian": {"chunks": CHUNKS, "serializer": BytesCodec(endian="big")},
    "one chunk": {"chunks": SHAPE},
    "v2": {"chunks": CHUNKS, "zarr_format": 2, "order": "F"},
}


def make(path, values, **layout):
    names = {} if layout.get("zarr_format") == 2 else {"dimension_names": ("t", "y", "x")}
    how = names | {"attributes": {"unit": "mm"}, "fill_value": 3} | layout
    array = zarr.create_array(path, shape=values.shape, dtype=values.dtype, **how)
    array[...] = values
    return array


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("step", [SHAPE, (10, 12, 9), (3, 5, 4)])
def test_read_and_write(tmp_path, name, step):
    x = example("int16")
    source = make(f"{tmp_path}/x.zarr", x, **LAYOUTS[name])
    np.testing.assert_array_equal(read(f"{tmp_path}/x.zarr", step), x, strict=True)
    y = x.astype(np.int64) * 1_000_003
    write_like(f"{tmp_path}/x.zarr", f"{tmp_path}/y.zarr", y, step)
    result = zarr.open_array(f"{tmp_path}/y.zarr", mode="r")
    np.testing.assert_array_equal(result[...], y, strict=True)
    assert (result.chunks, result.shards) == (source.chunks, source.shards)
    assert result.attrs.asdict() == {"unit": "mm"}
    assert result.fill_value == 3
    assert result.metadata.zarr_format == source.metadata.zarr_format
    if source.metadata.zarr_format == 3:
        assert result.metadata.dimension_names == ("t", "y", "x")
        assert result.filters == source.filters
        assert [type(c) for c in result.compressors] == [type(c) for c in source.compressors]
    else:
        assert (result.order, result.compressors) == ("F", source.compressors)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "float16", "float32", "complex64"])
def test_dtypes(tmp_path, dtype):
    x = example(dtype)
    make(f"{tmp_path}/x.zarr", x, chunks=CHUNKS, fill_value=0)
    np.testing.assert_array_equal(read(f"{tmp_path}/x.zarr"), x, strict=True)


def test_codecs_are_of_the_new_dtype(tmp_path):
    make(f"{tmp_path}/x.zarr", example("int16"), **LAYOUTS["blosc"])
    write_like(f"{tmp_path}/x.zarr", f"{tmp_path}/y.zarr", example("int64"))
    assert zarr.open_array(f"{tmp_path}/y.zarr").compressors[0].typesize == 8


def test_bits_are_kept_in_chunks_of_the_fill_value(tmp_path):
    x = np.full(SHAPE, -0.0, np.float32)
    x.view(np.uint32)[:, :4] = 0x7FC01234  # nan with a payload
    make(f"{tmp_path}/x.zarr", np.zeros_like(x), chunks=CHUNKS, fill_value=np.nan)
    write_like(f"{tmp_path}/x.zarr", f"{tmp_path}/y.zarr", x)
    y = read(f"{tmp_path}/y.zarr")
    np.testing.assert_array_equal(y.view(np.uint32), x.view(np.uint32))


def test_filters_that_round_are_left_out(tmp_path):
    from zarr.codecs.numcodecs import BitRound

    x = example("float32")
    with pytest.warns(UserWarning, match="not in the Zarr version 3"):
        make(f"{tmp_path}/x.zarr", x, chunks=CHUNKS, filters=[BitRound(keepbits=4)], fill_value=0)
    y = example("float32") + np.float32(1e-4)
    write_like(f"{tmp_path}/x.zarr", f"{tmp_path}/y.zarr", y)
    np.testing.assert_array_equal(read(f"{tmp_path}/y.zarr"), y)


def test_chunks_that_are_not_there_are_the_fill_value(tmp_path):
    zarr.create_array(f"{tmp_path}/x.zarr", shape=(10,), chunks=(4,), dtype="i4", fill_value=7)
    np.testing.assert_array_equal(read(f"{tmp_path}/x.zarr"), np.full(10, 7, np.int32))


@pytest.mark.parametrize("shape", [(0,), (3, 0), (1,)])
def test_small_shapes(tmp_path, shape):
    x = np.ones(shape)
    zarr.save_array(f"{tmp_path}/x.zarr", x)
    write_like(f"{tmp_path}/x.zarr", f"{tmp_path}/y.zarr", x + 1)
    np.testing.assert_array_equal(read(f"{tmp_path}/y.zarr"), x + 1)


@pytest.mark.parametrize("suffix", [".h5", ".nc", ".zarr", ".npy"])
def test_nothing_in_chunks(tmp_path, suffix):
    make(f"{tmp_path}/x.zarr", np.zeros((0, 3)), chunks=(1, 2), dimension_names=None)
    files.cumsum(tmp_path / "x.zarr", tmp_path / f"y{suffix}", 0)
    assert read(f"{tmp_path}/y{suffix}").shape == (0, 3)


def test_a_group_keeps_its_names(tmp_path):
    group = zarr.create_group(f"{tmp_path}/x.zarr")
    x = example("int32")
    for name in ("rain", "deep/snow"):
        group.create_array(name, data=x, chunks=CHUNKS)
    write_like(f"{tmp_path}/x.zarr", f"{tmp_path}/y.zarr", x + 1, member="deep/snow")
    np.testing.assert_array_equal(zarr.open_group(f"{tmp_path}/y.zarr")["deep/snow"][...], x + 1)
    np.testing.assert_array_equal(read(f"{tmp_path}/y.zarr"), x + 1)  # the only one


def test_what_a_member_can_be(tmp_path):
    group = zarr.create_group(f"{tmp_path}/x.zarr")
    for name in ("rain", "deep/snow"):
        group.create_array(name, data=example("int32"), chunks=CHUNKS)
    with pytest.warns(
        zarr.errors.UnstableSpecificationWarning, match="not have a Zarr V3 specification"
    ):
        group.create_array("sky", data=np.array(["sun", "rain"], "U4"))
    path = f"{tmp_path}/x.zarr"
    for member, message in {
        None: "holds 3 arrays: choose --member; there is deep/snow, rain, sky",
        "deep": "has no array 'deep'; there is deep/snow, rain, sky",
        "hail": "has no array 'hail'; there is deep/snow, rain, sky",
        "sky": "/sky holds <U4, which has no sum",
    }.items():
        with pytest.raises(CommandError) as error:
            read(path, member=member)
        assert str(error.value).removeprefix(path).strip() == message
    zarr.save_array(f"{tmp_path}/one.zarr", example("int32"))
    with pytest.raises(CommandError, match="is one array, without members"):
        read(f"{tmp_path}/one.zarr", member="rain")


def test_what_is_not_zarr(tmp_path):
    (tmp_path / "x.zarr").mkdir()
    with pytest.raises(CommandError, match=r"x.zarr is no zarr array or group"):
        read(f"{tmp_path}/x.zarr")
    with pytest.raises(CommandError, match=r"y.zarr: no such file"):
        read(f"{tmp_path}/y.zarr")
    with pytest.raises(CommandError, match=r"memory://nothing/x.zarr is no zarr array or group"):
        read("memory://nothing/x.zarr")


@pytest.mark.parametrize("name", ["plain", "zstd", "blosc", "sharded"])
def test_damaged_chunks_are_one_line(tmp_path, name):
    make(f"{tmp_path}/x.zarr", example("int16"), **LAYOUTS[name])
    chunk = tmp_path / "x.zarr" / "c" / "1" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:-7])
    with pytest.raises(CommandError, match=r"^cannot read .*x\.zarr: [^\n]+$"):
        read(f"{tmp_path}/x.zarr")


def test_packed_and_missing_values(tmp_path):
    x = example("int16")
    make(f"{tmp_path}/x.zarr", x, chunks=CHUNKS, attributes={"add_offset": 1.5})
    with pytest.raises(CommandError, match=r"packed with add_offset 1.5: unpack it first"):
        read(f"{tmp_path}/x.zarr")
    attributes = {"_FillValue": int(x[3, 2, 1]), "valid_min": -60, "scale_factor": 0.1}
    make(f"{tmp_path}/y.zarr", x, chunks=CHUNKS, attributes=attributes)
    with pytest.raises(CommandError, match=rf"missing values \({x[3, 2, 1]}.*fill them first"):
        read(f"{tmp_path}/y.zarr")
    make(f"{tmp_path}/z.zarr", x, chunks=CHUNKS, attributes=attributes | {"_FillValue": -999})
    write_like(f"{tmp_path}/z.zarr", f"{tmp_path}/sums.zarr", x)
    assert zarr.open_array(f"{tmp_path}/sums.zarr").attrs.asdict() == {"scale_factor": 0.1}


def test_missing_values_of_format_2(tmp_path):
    x, v2 = np.array([1, -9999, 3], "i2"), {"zarr_format": 2, "chunks": (3,), "fill_value": -9999}
    make(f"{tmp_path}/x.zarr", x, attributes={"_ARRAY_DIMENSIONS": ["t"]}, **v2)
    with pytest.raises(CommandError, match=r"missing values \(-9999, 1 in the part at hand\)"):
        read(f"{tmp_path}/x.zarr")
    write_like(f"{tmp_path}/x.zarr", f"{tmp_path}/y.zarr", x)  # a sum is never missing
    assert zarr.open_array(f"{tmp_path}/y.zarr").fill_value is None
    np.testing.assert_array_equal(read(f"{tmp_path}/y.zarr"), x)
    make(f"{tmp_path}/plain.zarr", x, attributes={}, **v2)  # made by others
    np.testing.assert_array_equal(read(f"{tmp_path}/plain.zarr"), x)


def test_what_is_left_of_a_killed_process(tmp_path):
    x = example("int16")
    make(f"{tmp_path}/x.zarr", x, **LAYOUTS["sharded"])
    write_like(f"{tmp_path}/x.zarr", f"{tmp_path}/y.zarr", x)
    (tmp_path / "y.zarr" / "c" / "0" / "0" / "1.abc.partial").write_bytes(b"half")
    write_like(f"{tmp_path}/x.zarr", f"{tmp_path}/y.zarr", x + 1, again=True)
    np.testing.assert_array_equal(read(f"{tmp_path}/y.zarr"), x + 1)
    assert not list(tmp_path.rglob("*.partial"))


def test_memory_is_limited(tmp_path):
    x = example("float64", (64, 64, 64))
    make(f"{tmp_path}/x.zarr", x, chunks=(8, 8, 64), shards=(64, 64, 64), fill_value=0)
    store = zarrs.open_input(f"{tmp_path}/x.zarr", Choice())
    assert store.limit(100 << 20) >= 3 * x.nbytes
    assert store.limit(1 << 20) <= 1 << 20  # some chunks of the shard at a time
    out = np.empty_like(x)
    store.read((slice(0, 64),) * 3, out)
    np.testing.assert_array_equal(out, x)
    sums = zarrs.create(f"{tmp_path}/y.zarr", Spec("y.zarr", x.shape, x.dtype, store))
    assert sums.limit(1 << 20) == 3 * x.nbytes  # a shard is written as a whole
    sums.close()
    store.close()


@pytest.mark.parametrize("name", ["zstd", "sharded", "v2"])
def test_memory_as_a_distant_store(name):
    x, url = example("int16"), f"memory://{name}"
    make(f"{url}/x.zarr", x, overwrite=True, **LAYOUTS[name])
    np.testing.assert_array_equal(read(f"{url}/x.zarr", (7, 9, 9)), x, strict=True)
    write_like(f"{url}/x.zarr", f"{url}/y.zarr", x + 1)
    np.testing.assert_array_equal(zarr.open_array(f"{url}/y.zarr")[...], x + 1)


def test_http(tmp_path):
    x = example("int16")
    make(f"{tmp_path}/x.zarr", x, **LAYOUTS["zstd"])
    with served(tmp_path) as url:
        np.testing.assert_array_equal(read(f"{url}/x.zarr", (10, 8, 9)), x, strict=True)
        with pytest.raises(CommandError, match=r"^http[^\n]*y.zarr is no zarr array or group$"):
            read(f"{url}/y.zarr")


def test_file_urls(tmp_path):
    x = example("int16")
    make(f"{tmp_path}/x.zarr", x, **LAYOUTS["sharded"])
    np.testing.assert_array_equal(read(f"file://{tmp_path}/x.zarr"), x, strict=True)


def test_metadata_that_is_no_json(tmp_path):
    make(f"{tmp_path}/x.zarr", example("int16"), **LAYOUTS["plain"])
    (tmp_path / "x.zarr" / "zarr.json").write_text(json.dumps({"zarr_format": 3})[:-3])
    with pytest.raises(CommandError, match=r"^cannot read .*x\.zarr: [^\n]+$"):
        read(f"{tmp_path}/x.zarr")
