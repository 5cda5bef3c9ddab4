"""Retries: a job that is done is told so, and what has changed since is refused."""

import os
from pathlib import Path

import numpy as np
import pytest

import cumsum
from cumsum import files
from cumsum.cli import main
from cumsum.console import CommandError
from filing import names

X = np.random.default_rng(0).standard_normal((40, 30))
SUMS = cumsum.cumsum(X, 0)
PLACE = {"input": "x.npy", "dim": 0, "in_place": True}
JOB = {"input": "x.npy", "output": "y.npy", "dim": 0}


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", X)
    return tmp_path


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("job", [PLACE, JOB], ids=["in place", "output"])
def test_a_second_time(work, job, first):
    done = files.cumsum(**job, resume=first)
    assert not done.already_done
    if job is JOB and not first:  # no record without --resume
        with pytest.raises(CommandError, match=r"y\.npy exists; give --force"):
            files.cumsum(**job, resume=True)
        return
    for _ in range(3):
        again = files.cumsum(**job, resume=True)
        assert again.already_done
        assert (again.resumed, again.nbytes) == (again.pieces, 0)
        told = ("values", "totals", "span", "lines", "shape", "dim", "source", "dtype", "pieces")
        assert all(getattr(again, name) == getattr(done, name) for name in told)
    np.testing.assert_array_equal(np.load(done.output), SUMS)


def test_without_resume_it_is_scanned_again(work):
    for _ in range(3):
        assert not files.cumsum(**PLACE).already_done
    thrice = cumsum.cumsum(cumsum.cumsum(SUMS, 0), 0)
    np.testing.assert_array_equal(np.load("x.npy"), thrice)
    assert files.cumsum(**PLACE, resume=True).already_done


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: os.utime("x.npy"), "time was "),
        (lambda: np.save("x.npy", X), "time was |content was "),
        (lambda: np.save("x.npy", X[1:]), "size was "),
        (lambda: Path("z.npy").write_bytes(Path("x.npy").read_bytes()), "inode was "),
    ],
    ids=["touched", "written", "shorter", "another"],
)
def test_files_that_have_changed(work, capsys, change, message):
    files.cumsum(**PLACE)
    change()
    if Path("z.npy").exists():
        Path("z.npy").rename("x.npy")
    held = Path("x.npy").read_bytes()
    with pytest.raises(CommandError, match=message) as error:
        files.cumsum(**PLACE, resume=True)
    assert str(error.value).startswith("cannot resume x.npy: it is not as when it was scanned in ")
    assert str(error.value).endswith(f"remove {work}/.x.npy.done or leave out --resume to scan "
                                     "what is there")  # fmt: skip
    assert main(["run", "x.npy", "--dim=0", "--in-place", "--resume"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert Path("x.npy").read_bytes() == held
    Path(".x.npy.done").unlink()
    assert not files.cumsum(**PLACE, resume=True).already_done


def test_ends_that_have_changed(work):
    """The time of a file can be what it was, where clocks are coarse or somebody sets it."""
    files.cumsum(**PLACE)
    time = Path("x.npy").stat().st_mtime_ns
    with open("x.npy", "r+b") as file:
        file.seek(-8, 2)
        file.write(bytes(8))
    os.utime("x.npy", ns=(time, time))
    with pytest.raises(CommandError, match="content was "):
        files.cumsum(**PLACE, resume=True)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"dim": 1}, "dim was 0, is 1"),
        ({"reverse": True}, "reverse was False, is True"),
        ({"exclusive": True}, "exclusive was False, is True"),
        ({"initial": 1.0}, "initial was None, is "),
        ({"precision": "compensated"}, "precision was None, is compensated"),
    ],
    ids=str,
)
def test_options_that_have_changed(work, how, message):
    files.cumsum(**PLACE, resume=True)
    with pytest.raises(CommandError, match=message):
        files.cumsum(**PLACE | how, resume=True)
    np.testing.assert_array_equal(np.load("x.npy"), SUMS)
    files.cumsum(**JOB, resume=True)
    with pytest.raises(CommandError, match=r"y\.npy exists; give --force"):
        files.cumsum(**JOB | how, resume=True)


def test_members_one_after_the_other(work):
    save_file = pytest.importorskip("safetensors.numpy").save_file
    load_file = pytest.importorskip("safetensors.numpy").load_file
    save_file({"a": X, "b": X * 2, "c": X * 3}, "x.safetensors")
    job = {"input": "x.safetensors", "dim": 0, "in_place": True}
    for member in "abc":
        assert not files.cumsum(**job, member=member, resume=True).already_done
    for member in "cab":
        assert files.cumsum(**job, member=member, resume=True).already_done
    with pytest.raises(CommandError, match="dim was 0, is 1"):
        files.cumsum(**job | {"dim": 1}, member="b", resume=True)
    assert not files.cumsum(**job | {"dim": 1}, member="b").already_done
    for member in "ac":
        assert files.cumsum(**job, member=member, resume=True).already_done
    held = load_file("x.safetensors")
    np.testing.assert_array_equal(held["a"], SUMS)
    np.testing.assert_array_equal(held["b"], cumsum.cumsum(cumsum.cumsum(X * 2, 0), 1))
    os.utime("x.safetensors")
    for member in "abc":
        with pytest.raises(CommandError, match="time was "):
            files.cumsum(**job, member=member, resume=True)
    files.cumsum(**job, member="a")  # what is known of the others no longer holds
    assert not files.cumsum(**job, member="c", resume=True).already_done


def test_a_member_that_was_stopped(work):
    """The record of one member outlives a scan of another that was stopped."""
    save_file = pytest.importorskip("safetensors.numpy").save_file
    save_file({"a": X, "b": X * 2}, "x.safetensors")
    job = {"input": "x.safetensors", "dim": 0, "in_place": True, "resume": True}
    files.cumsum(**job, member="a")

    def stop(done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="half scanned"):
        files.cumsum(**job, member="b", memory=20_000, progress=stop)
    with pytest.raises(CommandError, match="member was b, is a"):
        files.cumsum(**job, member="a")
    assert files.cumsum(**job, member="b", memory=20_000).resumed
    assert files.cumsum(**job, member="b").already_done
    assert files.cumsum(**job, member="a").already_done


def test_parts_of_a_raw_file(work):
    Path("x.raw").write_bytes(X.tobytes())
    job = {"input": "x.raw", "raw_dtype": "float64", "in_place": True, "resume": True}
    files.cumsum(**job, raw_shape=(600,))
    assert not files.cumsum(**job, raw_shape=(600,), raw_offset=4800).already_done
    assert files.cumsum(**job, raw_shape=(600,)).already_done
    assert files.cumsum(**job, raw_shape=(600,), raw_offset=4800).already_done
    with pytest.raises(CommandError, match="shape was"):
        files.cumsum(**job, raw_shape=(1200,))
    with pytest.raises(CommandError, match="offset was"):
        files.cumsum(**job, raw_shape=(600,), raw_offset=8)


def test_inputs_that_have_changed(work):
    files.cumsum(**JOB, resume=True)
    np.save("x.npy", -X)
    with pytest.raises(CommandError, match=r"y\.npy exists; give --force"):
        files.cumsum(**JOB, resume=True)
    assert not files.cumsum(**JOB, resume=True, force=True).already_done
    np.testing.assert_array_equal(np.load("y.npy"), -SUMS)
    assert files.cumsum(**JOB, resume=True, force=True).already_done
    assert not files.cumsum(**JOB, force=True).already_done
    assert names(work) == ["x.npy", "y.npy"]


def test_outputs_that_have_changed(work):
    files.cumsum(**JOB, resume=True)
    os.utime("y.npy")
    with pytest.raises(CommandError, match=r"y\.npy exists; give --force"):
        files.cumsum(**JOB, resume=True)
    Path("y.npy").unlink()
    assert not files.cumsum(**JOB, resume=True).already_done


def test_outputs_that_are_scanned_in_place(work):
    files.cumsum(**JOB, resume=True)
    place = {"input": "y.npy", "dim": 1, "in_place": True, "resume": True}
    assert not files.cumsum(**place).already_done
    assert files.cumsum(**place).already_done
    with pytest.raises(CommandError, match=r"y\.npy exists; give --force"):
        files.cumsum(**JOB, resume=True)
    files.cumsum(**JOB, resume=True, force=True)  # a new file, which nobody has scanned
    assert not files.cumsum(**place).already_done
    np.testing.assert_array_equal(np.load("y.npy"), cumsum.cumsum(SUMS, 1))


@pytest.mark.parametrize("output", ["y.zarr", "y.h5", "y.csv", "y.parquet", "y.safetensors"])
def test_other_kinds(work, output):
    library = {"h5": "h5py", "zarr": "zarr", "safetensors": "json"}
    pytest.importorskip(library.get(output[2:], "pyarrow"))
    job = JOB | {"output": output}
    assert not files.cumsum(**job, resume=True).already_done
    assert files.cumsum(**job, resume=True).already_done
    if output == "y.zarr":
        next(Path(output).rglob("c/0/0")).write_bytes(b"other")
        with pytest.raises(CommandError, match=r"y\.zarr exists; give --force"):
            files.cumsum(**job, resume=True)


def test_no_elements(work):
    np.save("x.npy", X[:0])
    for job in (PLACE, JOB):
        for _ in range(3):
            files.cumsum(**job, resume=True)
    assert np.load("y.npy").shape == (0, 30)


def test_a_record_elsewhere(work):
    """At a URL there is none: an output that is there is refused as it always is."""
    pytest.importorskip("zarr")
    job = JOB | {"output": f"file://{work}/y.zarr"}
    files.cumsum(**job, resume=True)
    with pytest.raises(CommandError, match=r"y\.zarr exists; give --force"):
        files.cumsum(**job, resume=True)
    assert names(work) == ["x.npy", "y.zarr"]
