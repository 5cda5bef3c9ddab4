"""Scans from one kind of file to another: the bits of a scan in memory, also after a kill."""

import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pyarrow as pa
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import csv, parquet
from safetensors.numpy import load_file, save_file

import cumsum
from cumsum import cli, files
from cumsum.console import CommandError
from cumsum.files import journal
from cumsum.files.hdf5_index import WRITING
from cumsum.files.tables import arrow_table, text, text_table

SHAPE = (90, 70, 11)
CHUNKS = (16, 24, 4)  # cut every dim, none of them evenly


def values(dtype, shape=SHAPE):
    rng = np.random.default_rng(3)
    if np.dtype(dtype).kind == "f":
        return (rng.standard_normal(shape) * 10.0 ** rng.integers(-5, 5, shape)).astype(dtype)
    return rng.integers(-100, 100, shape).astype(dtype)


def make(path, x):
    """Write an array to a file of the kind that its name says."""
    if path.suffix == ".npy":
        np.save(path, x)
    elif path.suffix == ".safetensors":
        save_file({"x": x, "other": np.ones(3)}, path)
    elif path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file.create_dataset("x", data=x, chunks=CHUNKS, compression="gzip", shuffle=True)
    elif path.suffix == ".nc":
        with h5py.File(path, "w") as file:
            file.create_dataset("x", data=x)
    else:
        shards = tuple(2 * c for c in CHUNKS) if "shards" in path.name else None
        array = zarr.create_array(path, shape=x.shape, dtype=x.dtype, chunks=CHUNKS, shards=shards)
        array[...] = x


def load(path):
    """The array of a file, as others read it."""
    if path.suffix == ".npy":
        return np.load(path)
    if path.suffix == ".safetensors":
        (held,) = load_file(path).values()
        return held
    if path.suffix in {".h5", ".nc"}:
        with h5py.File(path, "r") as file:
            return next(iter(file.values()))[...]
    return zarr.open_array(path, mode="r")[...]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


KINDS = ["x.zarr", "shards.zarr", "x.h5", "x.nc", "x.safetensors", "x.npy"]


@pytest.mark.parametrize("memory", [700_000, 100_000_000])
@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize("kind", KINDS[:-1])
@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_bits_of_every_kind(tmp_path, kind, dtype, dim, memory):
    if memory < 10**6 and kind == "shards.zarr":
        memory = 9_000_000  # a shard is written as a whole
    x = values(dtype)
    make(tmp_path / kind, x)
    output = tmp_path / f"y.{kind.rpartition('.')[2]}"
    report = files.cumsum(tmp_path / kind, output, dim, memory=memory, member=member_of(kind))
    np.testing.assert_array_equal(load(output), cumsum.cumsum(x, dim), strict=True)
    assert report.pieces > 1 or memory > 10**6
    assert names(tmp_path) == sorted([kind, output.name])


def member_of(kind):
    return "x" if kind.endswith("safetensors") else None


@pytest.mark.parametrize("source", KINDS)
@pytest.mark.parametrize("target", KINDS)
def test_from_any_kind_to_any_other(tmp_path, source, target):
    x = values("float64")
    make(tmp_path / source, x)
    output = tmp_path / f"y.{target.rpartition('.')[2]}"
    files.cumsum(
        *(tmp_path / source, output, 1),
        reverse=True,
        exclusive=True,
        memory=9_000_000,
        member=member_of(source),
    )
    wanted = cumsum.cumsum(x, 1, reverse=True, exclusive=True)
    np.testing.assert_array_equal(load(output), wanted, strict=True)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_any_layout(tmp_path, data):
    ndim = data.draw(st.integers(1, 3))
    sizes = st.lists(st.integers(1, 30), min_size=ndim, max_size=ndim)
    shape, chunks = data.draw(sizes), [1 + n % 20 for n in data.draw(sizes)]
    times = data.draw(st.none() | st.lists(st.integers(1, 2), min_size=ndim, max_size=ndim))
    shards = times and tuple(c * t for c, t in zip(chunks, times, strict=True))
    x = values("float32", shape)
    path, url = tmp_path / "x.h5", "memory://layouts/x"
    array = zarr.create_array(
        url, shape=shape, dtype="f4", chunks=tuple(chunks), shards=shards, overwrite=True
    )
    array[...] = x
    options = {
        "dim": data.draw(st.integers(0, ndim - 1)),
        "exclusive": data.draw(st.booleans()),
        "reverse": data.draw(st.booleans()),
        "dtype": data.draw(st.sampled_from([None, "float64"])),
    }
    memory = {"memory": data.draw(st.integers(9_000_000, 20_000_000)), "force": True}
    files.cumsum(url, path, **options, **memory)
    np.testing.assert_array_equal(load(path), cumsum.cumsum(x, **options), strict=True)
    files.cumsum(path, "memory://layouts/y", **options | {"dtype": None}, **memory)
    again = cumsum.cumsum(load(path), **options | {"dtype": None})
    np.testing.assert_array_equal(zarr.open_array("memory://layouts/y")[...], again, strict=True)


def test_bfloat16_of_tensors(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file, save_file

    x = torch.randn(300, 40).to(torch.bfloat16)
    save_file({"w": x}, tmp_path / "x.safetensors")
    files.cumsum(tmp_path / "x.safetensors", tmp_path / "y.safetensors", 0, memory=50_000)
    y = load_file(tmp_path / "y.safetensors")["w"]
    assert torch.equal(y.view(torch.int16), cumsum.cumsum(x, 0).view(torch.int16))


def test_distant_stores(tmp_path):
    x, url = values("float32"), "memory://scans"
    array = zarr.create_array(f"{url}/x", shape=SHAPE, dtype=x.dtype, chunks=CHUNKS, overwrite=True)
    array[...] = x
    files.cumsum(f"{url}/x", f"{url}/y", 0, memory=2_000_000)
    np.testing.assert_array_equal(zarr.open_array(f"{url}/y")[...], cumsum.cumsum(x, 0))
    with pytest.raises(CommandError, match=r"^memory://scans/y exists; give --force"):
        files.cumsum(f"{url}/x", f"{url}/y", 0)
    files.cumsum(f"{url}/x", f"{url}/y/", 1, force=True)
    np.testing.assert_array_equal(zarr.open_array(f"{url}/y")[...], cumsum.cumsum(x, 1))
    with pytest.raises(CommandError, match="is the input"):
        files.cumsum(f"{url}/x", f"{url}/x", 0, force=True)
    files.cumsum(f"{url}/x", f"file://{tmp_path}/new/y", 2)
    np.testing.assert_array_equal(zarr.open_array(f"{tmp_path}/new/y")[...], cumsum.cumsum(x, 2))


def test_distant_output_that_fails_is_not_seen():
    url = "memory://fails"
    x = values("float32")
    zarr.create_array(f"{url}/x", data=x, chunks=CHUNKS, overwrite=True)
    store = zarr.storage.FsspecStore.from_url(f"{url}/x")
    store.fs.sync_fs.pipe_file("/fails/x/c/5/2/2", b"damaged")
    with pytest.raises(CommandError, match="cannot read memory://fails/x: "):
        files.cumsum(f"{url}/x", f"{url}/y", 0, memory=2_000_000)
    assert not store.fs.sync_fs.exists("/fails/y")
    store.fs.sync_fs.pipe_file("/fails/y/photo.png", b"of another")
    with pytest.raises(CommandError, match="exists, and is no zarr array or group"):
        files.cumsum(f"{url}/x", f"{url}/y", 0, memory=2_000_000, force=True)
    assert store.fs.sync_fs.cat_file("/fails/y/photo.png") == b"of another"


LONG, SMALL = (300, 70, 11), 200_000  # some hundred pieces

CHILD = """
import sys, time
from cumsum import files
from cumsum.files import journal
from cumsum.files.hdf5_index import WRITING
journal.SECONDS, journal.PART = 0, 1
files.cumsum(sys.argv[1], sys.argv[2], 0, memory=int(sys.argv[3]), resume=True,
          progress=lambda *_: time.sleep(0.005))
"""


@pytest.mark.parametrize("target", ["y.zarr", "y.h5", "y.safetensors"])
@pytest.mark.parametrize("source", ["x.zarr", "x.h5"])
def test_kill_and_resume(tmp_path, source, target):
    x = values("float32", LONG)
    make(tmp_path / source, x)
    output = tmp_path / target
    for _ in range(3):
        kill_amid(tmp_path / source, output, memory=SMALL)
    report = files.cumsum(tmp_path / source, output, 0, memory=SMALL, resume=True)
    assert 0 < report.resumed < report.pieces
    np.testing.assert_array_equal(load(output), cumsum.cumsum(x, 0), strict=True)
    assert names(tmp_path) == sorted([f".{target}.made", source, target])


def kill_amid(source, output, memory):
    """Kill a run that has done some more pieces than the one before it."""
    before = done(output)
    argv = [sys.executable, "-c", CHILD, str(source), str(output), str(memory)]
    with subprocess.Popen(argv) as child:
        while done(output) < before + 3:
            assert child.poll() is None
            time.sleep(0.002)
        child.send_signal(signal.SIGSTOP)
        while any(m.read_bytes() == WRITING for m in output.parent.glob("*.flushing")):
            child.send_signal(signal.SIGCONT)
            time.sleep(0.001)
            child.send_signal(signal.SIGSTOP)
        child.send_signal(signal.SIGKILL)


def done(output):
    """How many pieces the journal of a run speaks of."""
    journals = list(output.parent.glob(f".{output.name}.*.journal"))
    found = journal.read(journals[0], 1 << 20) if journals else None
    return 0 if found is None else found[0].done


def test_half_an_index_is_not_taken_up(tmp_path):
    make(tmp_path / "x.h5", values("float32", LONG))
    output = tmp_path / "y.h5"
    kill_amid(tmp_path / "x.h5", output, memory=SMALL)
    (partial,) = tmp_path.glob(".y.h5.*.partial")
    partial.with_suffix(".flushing").write_bytes(WRITING)
    report = files.cumsum(tmp_path / "x.h5", output, 0, memory=SMALL, resume=True)
    assert report.resumed == 0
    assert names(tmp_path) == [".y.h5.made", "x.h5", "y.h5"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("target", [".csv", ".parquet", ".npy"])
def test_tables(tmp_path, monkeypatch, suffix, target):
    for module in (arrow_table, text_table):
        monkeypatch.setattr(module, "POOL_BYTES", 0)
    for module in (text, text_table):
        monkeypatch.setattr(module, "BLOCK_BYTES", 20_000)
    memory, rows = 2_000_000, 40_000
    rng = np.random.default_rng(5)
    day = np.arange(rows).astype("datetime64[D]")
    names = [f"station {i % 7}" for i in range(rows)]
    table = pa.table({"day": day, "rain": rng.random(rows), "n": np.arange(rows), "at": names})
    path, output = tmp_path / f"x{suffix}", tmp_path / f"y{target}"
    (csv.write_csv if suffix == ".csv" else parquet.write_table)(table, path)
    report = files.cumsum(path, output, 0, columns=["rain", "n"], memory=memory)
    both = np.stack([table["rain"].to_numpy(), table["n"].to_numpy()]).T
    sums = cumsum.cumsum(both, 0)
    assert report.pieces > 1
    if target == ".npy":
        np.testing.assert_array_equal(np.load(output), sums)
        return
    held = (csv.read_csv if target == ".csv" else parquet.read_table)(output)
    assert held.column_names == ["day", "rain", "n", "at", "rain_cumsum", "n_cumsum"]
    np.testing.assert_array_equal(held["rain_cumsum"].to_numpy(), sums[:, 0])
    np.testing.assert_array_equal(held["n_cumsum"].to_numpy(), sums[:, 1])
    assert held["at"].to_pylist() == names


def test_too_little_memory_says_how_much_it_takes(tmp_path):
    make(tmp_path / "shards.zarr", values("float32"))
    with pytest.raises(CommandError, match=r"^memory of .* is too small: a piece needs .*B$"):
        files.cumsum(tmp_path / "shards.zarr", tmp_path / "y.zarr", 0, memory=100_000)
    assert names(tmp_path) == ["shards.zarr"]


@pytest.mark.parametrize("kind", ["y.zarr", "y.h5", "y.nc", "y.safetensors"])
def test_full_disk(tmp_path, small_disk, kind):
    np.save(tmp_path / "x.npy", values("float64", (100_000,)))
    output = small_disk / kind
    with pytest.raises(CommandError, match=rf"^cannot write {output}: No space left on device$"):
        files.cumsum(tmp_path / "x.npy", output)
    assert names(small_disk) == []


def test_a_disk_that_fills_while_chunks_are_written(tmp_path, small_disk):
    make(tmp_path / "x.h5", values("float32", (90, 70, 60)))
    output = small_disk / "y.h5"
    with pytest.raises(CommandError, match=rf"^cannot write {output}: No space left on device$"):
        files.cumsum(tmp_path / "x.h5", output, 0, memory=1_500_000)
    assert names(small_disk) == []


def test_damaged_inputs_leave_nothing(tmp_path):
    make(tmp_path / "x.zarr", values("float32"))
    chunk = tmp_path / "x.zarr" / "c" / "5" / "2" / "2"
    chunk.write_bytes(b"damaged")
    with pytest.raises(CommandError, match=rf"^cannot read {tmp_path}/x.zarr: [^\n]+$"):
        files.cumsum(tmp_path / "x.zarr", tmp_path / "y.zarr", 0, memory=1_500_000)
    assert names(tmp_path) == ["x.zarr"]


def test_choices_that_a_kind_does_not_know(tmp_path):
    for kind in ("x.zarr", "x.h5", "x.safetensors"):
        make(tmp_path / kind, values("float32"))
        with pytest.raises(CommandError, match=rf"^--column is not for files such as .*/{kind}$"):
            files.cumsum(tmp_path / kind, tmp_path / "y.npy", 0, columns=["a"])
    (tmp_path / "x.csv").write_text("a\n1\n")
    with pytest.raises(CommandError, match=r"^--member is not for files such as .*x\.csv$"):
        files.cumsum(tmp_path / "x.csv", tmp_path / "y.npy", 0, member="a")


def test_the_command_line(tmp_path, capsys):
    x = values("float32")
    zarr.create_group(tmp_path / "x.zarr").create_array("deep/rain", data=x, chunks=CHUNKS)
    argv = ["run", f"{tmp_path}/x.zarr", "-o", f"{tmp_path}/y.h5", "--dim", "-1"]
    assert cli.main([*argv, "--member", "deep/rain", "--memory", "2MB"]) == 0
    assert "shape   (90, 70, 11), dim 2" in capsys.readouterr().out
    with h5py.File(tmp_path / "y.h5") as file:
        np.testing.assert_array_equal(file["deep/rain"][...], cumsum.cumsum(x, 2))
    assert cli.main(["run", "memory://nothing", "-o", f"{tmp_path}/z.npy"]) == 2
    error = "cumsum: error: memory://nothing is no zarr array or group\n"
    assert capsys.readouterr().err == error
    assert cli.main(["run", f"{tmp_path}/x.zarr", "--dim=0", "--plot", f"{tmp_path}/z.svg"]) == 0
    assert "[0, 9]" not in (tmp_path / "z.svg").read_text()
    assert "<!-- [:, 0, 9]" in (tmp_path / "z.svg").read_text()


@pytest.mark.parametrize(
    ("name", "library"), [("x.zarr", "zarr"), ("x.h5", "h5py"), ("x.parquet", "pyarrow")]
)
def test_libraries_that_are_not_installed(tmp_path, name, library):
    (tmp_path / name).mkdir() if name == "x.zarr" else (tmp_path / name).touch()
    code = f"import sys; sys.modules['{library}'] = None; from cumsum.cli import main; main()"
    argv = [sys.executable, "-c", code, "run", name, "-o", "y.npy"]
    told = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False).stderr
    assert told.startswith("cumsum: error: ")
    assert f" needs {library}: pip install 'cumsum[" in told
    assert told.count("\n") == 1


def test_a_folder_that_exists(tmp_path):
    x = values("float32")
    make(tmp_path / "x.zarr", x)
    make(tmp_path / "y.zarr", x)
    with pytest.raises(CommandError, match="exists; give --force to replace it"):
        files.cumsum(tmp_path / "x.zarr", tmp_path / "y.zarr", 0)
    with pytest.raises(CommandError, match="is the input"):
        files.cumsum(tmp_path / "x.zarr", tmp_path / "x.zarr", 0, force=True)
    files.cumsum(tmp_path / "x.zarr", tmp_path / "y.zarr", 0, force=True)
    np.testing.assert_array_equal(load(tmp_path / "y.zarr"), cumsum.cumsum(x, 0))
    assert names(tmp_path) == ["x.zarr", "y.zarr"]
