"""Files in and out: values that survive the trip, and outputs that appear whole or not at all."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from cumsum.cli import main
from cumsum.files.outputs import replacing
from filing import names

VALUES = np.array([[3, -1, 4], [1, -5, 9], [2, -6, 5], [3, -5, 8]], dtype=np.int16)


def command(*argv, **kwargs):
    return subprocess.Popen(
        [sys.executable, "-m", "cumsum", *map(str, argv)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **kwargs,
    )


def refused(capsys, *argv):
    """The one line that a refused command writes."""
    assert main([str(arg) for arg in argv]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("cumsum: error: ")
    assert err.count("\n") == 1
    return err.removeprefix("cumsum: error: ").rstrip("\n")


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("day,rain,wind,sky\n1,0.5,3,sun\n2,1.25,1,rain\n3,0.25,4,rain\n")
    return path


@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["int16", ">i4", "float32", "bool", "complex64"])
def test_npy_to_npy(tmp_path, dtype, order, dim):
    x = np.asarray(VALUES.astype(dtype), order=order)
    np.save(tmp_path / "x.npy", x)
    assert main(["run", f"{tmp_path}/x.npy", "-o", f"{tmp_path}/y.npy", f"--dim={dim}"]) == 0
    y = np.load(tmp_path / "y.npy")
    np.testing.assert_array_equal(y, np.cumsum(x, axis=dim), strict=True)
    assert names(tmp_path) == ["x.npy", "y.npy"]


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (1,), (2, 3, 4)])
def test_npy_of_every_shape(tmp_path, shape):
    x = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    np.save(tmp_path / "x.npy", x)
    assert main(["run", f"{tmp_path}/x.npy", "-o", f"{tmp_path}/y.npy", "--dim", "0"]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), np.cumsum(x, axis=0), strict=True)


def test_input_is_left_alone(tmp_path):
    np.save(tmp_path / "x.npy", VALUES)
    before = (tmp_path / "x.npy").read_bytes()
    main(["run", f"{tmp_path}/x.npy", "-o", f"{tmp_path}/y.npy", "--dim", "0"])
    assert (tmp_path / "x.npy").read_bytes() == before


def test_npz_member(tmp_path):
    np.savez(tmp_path / "x.npz", a=VALUES, b=VALUES.astype(np.float32) / 2)
    argv = ["run", f"{tmp_path}/x.npz", "--member", "b", "--dim", "1", "-o", f"{tmp_path}/y.npz"]
    assert main(argv) == 0
    with np.load(tmp_path / "y.npz") as archive:
        assert archive.files == ["b"]
        expected = np.cumsum(VALUES.astype(np.float32) / 2, axis=1)
        np.testing.assert_array_equal(archive["b"], expected, strict=True)


def test_table_keeps_its_columns(table):
    out = table.with_name("y.csv")
    assert main(["run", str(table), "--column", "rain", "-o", str(out)]) == 0
    result = csv.read_csv(out)
    assert result.column_names == ["day", "rain", "wind", "sky", "rain_cumsum"]
    assert result["rain_cumsum"].to_pylist() == [0.5, 1.75, 2.0]
    assert result.select([0, 1, 2, 3]).equals(csv.read_csv(table))


def test_parquet_with_two_columns(tmp_path):
    given = pa.table({"a": [1, 2, 3], "b": [0.5, 0.5, 0.5], "c": ["x", "y", "z"]})
    parquet.write_table(given, tmp_path / "x.parquet")
    argv = ["run", f"{tmp_path}/x.parquet", "--column", "a", "--column", "b"]
    assert main([*argv, "-o", f"{tmp_path}/y.parquet"]) == 0
    result = parquet.read_table(tmp_path / "y.parquet")
    assert result.column_names == ["a", "b", "c", "a_cumsum", "b_cumsum"]
    assert result["a_cumsum"].to_pylist() == [1, 3, 6]
    assert result["b_cumsum"].to_pylist() == [0.5, 1.0, 1.5]


def test_array_to_table_and_table_to_array(tmp_path, table):
    np.save(tmp_path / "x.npy", VALUES)
    assert main(["run", f"{tmp_path}/x.npy", "--dim", "0", "-o", f"{tmp_path}/y.csv"]) == 0
    columns = csv.read_csv(tmp_path / "y.csv")
    assert columns.column_names == ["cumsum_0", "cumsum_1", "cumsum_2"]
    assert columns["cumsum_1"].to_pylist() == [-1, -6, -12, -17]
    assert main(["run", str(table), "--column", "wind", "-o", f"{tmp_path}/w.npy"]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "w.npy"), [3, 4, 8])


@pytest.mark.parametrize("keep", [0, 5, 40, 200])
def test_truncated_npy(tmp_path, capsys, keep):
    np.save(tmp_path / "x.npy", np.arange(100.0))
    os.truncate(tmp_path / "x.npy", keep)
    message = refused(capsys, "run", tmp_path / "x.npy", "-o", tmp_path / "y.npy")
    assert "x.npy is not a .npy file that can be read" in message
    assert ("it is truncated: 200 bytes are fewer" in message) == (keep == 200)
    assert names(tmp_path) == ["x.npy"]


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv", ".parquet"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00garbage\n\x01,2\n1,2,3\n"])
def test_bad_file(tmp_path, capsys, suffix, content):
    path = tmp_path / f"x{suffix}"
    path.write_bytes(content)
    message = refused(capsys, "run", path, "-o", tmp_path / "y.npy")
    wanted = {
        b"": f"{path} has no columns: it is empty",
        b"\xff": f"{path}, line 1: b'\\xff' is not UTF-8; convert the file first",
    }
    wanted = wanted[content[:1]] if suffix == ".csv" else f"{path} is not a {suffix} file"
    assert wanted in message
    assert names(tmp_path) == [path.name]


def test_truncated_archives(tmp_path, capsys):
    np.savez(tmp_path / "x.npz", a=np.arange(1000))
    parquet.write_table(pa.table({"a": list(range(1000))}), tmp_path / "x.parquet")
    for path in (tmp_path / "x.npz", tmp_path / "x.parquet"):
        os.truncate(path, path.stat().st_size // 2)
        assert f"{path} is not a {path.suffix} file" in refused(capsys, "run", path)


def test_damaged_member(tmp_path, capsys):
    np.savez(tmp_path / "x.npz", a=np.arange(1000))
    content = bytearray((tmp_path / "x.npz").read_bytes())
    content[4000] ^= 1
    (tmp_path / "x.npz").write_bytes(content)
    assert "Bad CRC-32" in refused(capsys, "run", tmp_path / "x.npz")


def test_pickles_are_never_loaded(tmp_path, capsys):
    objects = np.array([1, "a"], dtype=object)
    np.save(tmp_path / "x.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "x.npz", a=objects)
    for path in (tmp_path / "x.npy", tmp_path / "x.npz"):
        assert "bject" in refused(capsys, "run", path)


def test_missing_column_and_member(tmp_path, table, capsys):
    message = refused(capsys, "run", table, "--column", "snow")
    assert message == f"{table} has no column 'snow'; there is day, rain, wind, sky"
    message = refused(capsys, "run", table)
    assert message == f"{table} has 3 numeric columns: choose --column; there is day, rain, wind"
    message = refused(capsys, "run", table, "--column", "sky")
    assert message == f"{table}, line 2: column 'sky' holds 'sun', which is no number"
    np.savez(tmp_path / "x.npz", a=VALUES, b=VALUES)
    message = refused(capsys, "run", tmp_path / "x.npz")
    assert message.endswith("holds 2 arrays: choose --member; there is a, b")
    assert "no member 'c'; there is a, b" in refused(
        capsys, "run", tmp_path / "x.npz", "--member", "c"
    )


def test_missing_values(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,1\n,2\n3,\n,4\n")
    message = refused(capsys, "run", path, "--column", "a")
    what = "column 'a' has 2 missing values in rows 1 to 4; --skipna lets them add nothing"
    assert message == f"{path}: {what}"


def test_output_must_be_new(tmp_path, capsys):
    np.save(tmp_path / "x.npy", np.arange(5))
    (tmp_path / "y.npy").write_text("precious")
    argv = ["run", tmp_path / "x.npy", "-o", tmp_path / "y.npy"]
    assert refused(capsys, *argv) == f"{tmp_path}/y.npy exists; give --force to replace it"
    assert (tmp_path / "y.npy").read_text() == "precious"
    assert main([*map(str, argv), "--force"]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), [0, 1, 3, 6, 10])


def test_output_is_never_the_input(tmp_path, capsys):
    np.save(tmp_path / "x.npy", np.arange(5))
    (tmp_path / "link.npy").symlink_to(tmp_path / "x.npy")
    for output in ("x.npy", "link.npy"):
        argv = ["run", tmp_path / "x.npy", "-o", tmp_path / output, "--force"]
        assert refused(capsys, *argv) == f"the output {tmp_path}/{output} is the input"
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), np.arange(5))


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("nowhere/y.npy", "no such directory"),
        ("folder.npy", "it is a directory"),
        ("device.npy", "it is not a regular file"),
        ("y.txt", "unknown kind of file"),
        ("y", "unknown kind of file"),
        (f"{'y' * 250}.npy", "File name too long"),
    ],
)
def test_unwritable_output(tmp_path, capsys, output, reason):
    np.save(tmp_path / "x.npy", np.arange(5))
    (tmp_path / "folder.npy").mkdir()
    (tmp_path / "device.npy").symlink_to("/dev/full")
    before = names(tmp_path)
    message = refused(capsys, "run", tmp_path / "x.npy", "-o", tmp_path / output, "--force")
    assert reason in message
    assert names(tmp_path) == before


def test_folder_that_takes_no_files(tmp_path, capsys):
    np.save(tmp_path / "x.npy", np.arange(5))
    message = refused(capsys, "run", tmp_path / "x.npy", "-o", "/proc/self/y.npy")
    assert message.startswith("cannot write /proc/")


def limit_file_size():
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv", ".parquet"])
def test_file_size_limit(tmp_path, suffix):
    rng = np.random.default_rng(1)
    np.save(tmp_path / "x.npy", rng.standard_normal(100_000))
    with command(
        "run",
        tmp_path / "x.npy",
        "-o",
        tmp_path / f"y{suffix}",
        preexec_fn=limit_file_size,
    ) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert err == f"cumsum: error: cannot write {tmp_path}/y{suffix}: File too large\n"
    assert names(tmp_path) == ["x.npy"]


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv", ".parquet"])
def test_full_disk(tmp_path, small_disk, capsys, suffix):
    rng = np.random.default_rng(1)
    np.save(tmp_path / "x.npy", rng.standard_normal(100_000))
    message = refused(capsys, "run", tmp_path / "x.npy", "-o", small_disk / f"y{suffix}")
    assert message == f"cannot write {small_disk}/y{suffix}: No space left on device"
    assert names(small_disk) == []


def test_full_disk_for_the_report():
    with Path("/dev/full").open("w") as full:
        process = subprocess.run(
            [sys.executable, "-m", "cumsum", "info"], stdout=full, stderr=-1, text=True, check=False
        )
    assert process.returncode == 2
    assert process.stderr == (
        "cumsum: error: cannot write to standard output: No space left on device\n"
    )


@pytest.fixture
def long_job(tmp_path):
    """Arguments of a job that takes a while: the zeros of a sparse file."""
    np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype=np.int8, shape=(30_000_000,))
    return ["run", tmp_path / "x.npy", "-o", tmp_path / "y.npy"]


def limit_private_memory():
    resource.setrlimit(resource.RLIMIT_DATA, (200 << 20, 200 << 20))


@pytest.mark.parametrize("output", [True, False])
def test_memory_is_bounded(long_job, output):
    """Of 30 MB of elements and 240 MB of sums; only 200 MiB may be allocated."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "CUMSUM_NUM_THREADS": "2"}
    argv = long_job if output else long_job[:2]
    with command(*argv, env=environment, preexec_fn=limit_private_memory) as process:
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")


def hear_interrupts():
    """Undo what a shell does to the jobs it starts in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def stop_in_the_middle(argv, folder, number):
    """Start the job, send the signal as soon as it has begun to write."""
    with command(*argv, preexec_fn=hear_interrupts) as process:
        deadline = time.monotonic() + 60
        while not list(folder.glob(".y.npy.*.partial")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.001)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        return process.returncode, err


def test_kill_in_the_middle(tmp_path, long_job):
    code, err = stop_in_the_middle(long_job, tmp_path, signal.SIGKILL)
    assert (code, err) == (-signal.SIGKILL, "")
    assert not (tmp_path / "y.npy").exists()
    assert len(list(tmp_path.glob(".y.npy.*.partial"))) == 1

    assert main([str(arg) for arg in long_job]) == 0
    assert names(tmp_path) == ["x.npy", "y.npy"]
    y = np.load(tmp_path / "y.npy", mmap_mode="r")
    assert (y.shape, y.dtype, y.any()) == ((30_000_000,), np.int64, False)


def test_interrupt_in_the_middle(tmp_path, long_job):
    code, err = stop_in_the_middle(long_job, tmp_path, signal.SIGINT)
    assert (code, err) == (130, "cumsum: error: interrupted\n")
    assert names(tmp_path) == ["x.npy"]


def test_partial_file_of_a_live_process_stays(tmp_path):
    path = tmp_path / "y.npy"
    with replacing(path) as first:
        first.write(b"first")
        with replacing(path) as second:
            second.write(b"second")
        assert path.read_bytes() == b"second"
    assert path.read_bytes() == b"first"
    assert names(tmp_path) == ["y.npy"]


def test_error_inside_leaves_nothing(tmp_path):
    path = tmp_path / "y.npy"
    path.write_bytes(b"old")

    def fail_inside():
        with replacing(path) as file:
            file.write(b"new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_inside()
    assert names(tmp_path) == ["y.npy"]
    assert path.read_bytes() == b"old"


def test_replacing_keeps_a_link_and_the_umask(tmp_path):
    (tmp_path / "real.npy").write_bytes(b"old")
    (tmp_path / "link.npy").symlink_to("real.npy")
    with replacing(tmp_path / "link.npy") as file:
        file.write(b"new")
    assert (tmp_path / "link.npy").is_symlink()
    assert (tmp_path / "real.npy").read_bytes() == b"new"
    (tmp_path / "plain").write_text("")
    modes = {path.stat().st_mode for path in (tmp_path / "real.npy", tmp_path / "plain")}
    assert len(modes) == 1


def test_unknown_suffix_names_the_known(tmp_path, capsys):
    (tmp_path / "x.txt").write_text("1")
    assert "not one of .npy, .npz, .raw" in refused(capsys, "run", tmp_path / "x.txt")
