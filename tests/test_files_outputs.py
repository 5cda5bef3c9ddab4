"""Outputs that must not be written: nothing that is there is lost."""

import os

import numpy as np
import pytest
import zarr

import cumsum
from cumsum import files
from cumsum.cli import main
from cumsum.console import CommandError
from cumsum.files import outputs, zarrs
from filing import enter_work, names, run_code

X = np.arange(12.0).reshape(3, 4)


def make_group(path):
    """A group with one array, which is read by its name or as a folder."""
    zarr.open_group(path, mode="w").create_array("a", data=X, chunks=(2, 4))


@pytest.fixture
def work(tmp_path, monkeypatch):
    return enter_work(tmp_path, monkeypatch, X)


@pytest.mark.parametrize("output", ["results", "results/", ".", "..", "../work", ""])
def test_folders_that_are_no_zarr(work, output):
    (work / "results").mkdir()
    (work / "results" / "thesis.txt").write_text("precious")
    assert main(["run", "x.npy", "-o", output, "--dim=0", "--force"]) == 2
    assert (work / "results" / "thesis.txt").read_text() == "precious"
    assert names(work) == ["results", "x.npy"]
    with pytest.raises(CommandError, match=r"no zarr array or group|lies within|has no name"):
        files.cumsum("x.npy", output, 0, force=True)
    assert names(work) == ["results", "x.npy"]


def test_current_folder(work, monkeypatch):
    make_group("y.zarr")
    np.save("../x.npy", X)
    monkeypatch.chdir(work / "y.zarr")
    for output in (".", "../y.zarr"):
        with pytest.raises(CommandError, match="it is or holds the current folder"):
            files.cumsum("../../x.npy", output, 0, force=True)


def test_file_where_a_folder_is_to_be(work):
    (work / "y.zarr").write_text("precious")
    with pytest.raises(CommandError, match="it exists, and is no zarr array or group"):
        files.cumsum("x.npy", "y.zarr", 0, force=True)
    assert (work / "y.zarr").read_text() == "precious"


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("x.zarr", "x.zarr"),
        ("x.zarr", "file://{here}/x.zarr"),
        ("file://{here}/x.zarr", "x.zarr"),
        ("x.zarr", "file://{here}/./x.zarr"),
        ("x.zarr", "local://{here}/../work/x.zarr/"),
        ("file://{here}/x.zarr", "file://{here}/link.zarr"),
        ("simplecache::file://{here}/x.zarr", "x.zarr"),
        ("x.zarr/a", "x.zarr"),
        ("file://{here}/x.zarr/a", "file://{here}/x.zarr"),
        ("x.zarr", "x.zarr/b.zarr"),
        ("x.zarr", "file://{here}/x.zarr/b"),
        ("x.zarr", "x.zarr/b.npy"),
    ],
)
def test_output_that_is_the_input(work, source, output):
    make_group("x.zarr")
    (work / "link.zarr").symlink_to("x.zarr")
    held = sorted(work.rglob("*"))
    source, output = (name.format(here=os.getcwd()) for name in (source, output))  # noqa: PTH109
    with pytest.raises(CommandError, match=r"is the input|lies within the (input|output)"):
        files.cumsum(source, output, 0, force=True)
    assert sorted(work.rglob("*")) == held


def test_output_that_is_the_input_elsewhere():
    make_group("memory://apart/x.zarr")
    for output in ("memory:///apart/x.zarr/", "memory://apart", "memory://apart/x.zarr/b"):
        with pytest.raises(CommandError, match=r"is the input|lies within the (input|output)"):
            files.cumsum("memory://apart/x.zarr", output, 0, force=True)
    np.testing.assert_array_equal(zarr.open_array("memory://apart/x.zarr/a")[...], X)


def test_outputs_whose_names_begin_alike(work):
    others = [".y.npy.zarr.01234567.partial", ".y.npy.0123456.partial", ".y.npy.old.partial"]
    for name in others:
        (work / name).write_text("of another")
    (work / ".y.npy.0123abcd.partial").write_text("abandoned")
    (work / ".y.npy.0123abcd.journal").write_text("abandoned")
    (work / ".y.npy.89abcdef.journal").write_text("without its partial file")
    files.cumsum("x.npy", "y.npy", 0, resume=True)
    assert names(work) == sorted([*others, ".y.npy.made", "x.npy", "y.npy"])


def test_rights_are_kept(work):
    make_group("x.zarr")
    for name in ("y.npy", "y.zarr"):
        files.cumsum("x.npy", name, 0)
        (work / name).chmod(0o700)
        files.cumsum("x.npy", name, 0, force=True)
        assert (work / name).stat().st_mode & 0o777 == 0o700


KILLED = """
    import os, pathlib, shutil, signal, sys
    import zarr
    from cumsum import files

    files.cumsum("x.npy", "y.zarr", 0)

    def kill(*args, **how):
        os.kill(os.getpid(), signal.SIGKILL)

    def rename(self, target, call=pathlib.Path.rename):
        if self.name.endswith(".partial"):
            kill()
        return call(self, target)

    if sys.argv[1] == "between":
        pathlib.Path.rename = rename
    else:
        shutil.rmtree = kill
    if os.fork() == 0:
        files.cumsum("x.npy", "y.zarr", 0, exclusive=True, force=True)
    os.wait()
"""


@pytest.mark.parametrize("when", ["between", "after"])
def test_killed_while_a_folder_is_replaced(work, when):
    run_code(work, KILLED, when)
    assert any(name.endswith(".old") for name in names(work))
    with pytest.raises(CommandError, match="exists"):
        files.cumsum("x.npy", "y.zarr", 0)
    first = 0 if when == "after" else X[0]
    np.testing.assert_array_equal(zarr.open_array("y.zarr")[0], first)
    files.cumsum("x.npy", "y.zarr", 0, force=True)
    np.testing.assert_array_equal(zarr.open_array("y.zarr")[0], X[0])
    assert names(work) == ["x.npy", "y.zarr"]


def test_folder_is_locked_before_it_is_written(work, monkeypatch):
    """Another process cannot take it for an abandoned one."""

    def create(path, spec, call=zarrs.create):
        assert outputs.abandoned(work / "y.zarr") == []
        return call(path, spec)

    monkeypatch.setattr(zarrs, "create", create)
    files.cumsum("x.npy", "y.zarr", 0)
    assert names(work) == ["x.npy", "y.zarr"]


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_raw_outputs_are_in_c_order(work, dim):
    x = np.random.default_rng(0).standard_normal((30, 4, 50)).transpose(2, 1, 0)
    np.save("x.npy", x)
    assert not np.load("x.npy").flags.c_contiguous
    files.cumsum("x.npy", "y.raw", dim, memory=20_000)
    np.testing.assert_array_equal(np.fromfile("y.raw").reshape(x.shape), cumsum.cumsum(x, dim))


def test_names_that_are_not_raw(work, capsys):
    (work / "x.dat").write_bytes(X.tobytes())
    for name in ("y.pkl", "y.png", "y.gz"):
        with pytest.raises(CommandError, match="unknown kind of file"):
            files.cumsum("x.dat", name, 0, raw_dtype="float64")
        assert main(["run", "x.dat", "-o", name, "--raw-dtype=float64"]) == 2
        assert "unknown kind of file" in capsys.readouterr().err
    files.cumsum("x.dat", "y.dat", 0, raw_dtype="float64")
    np.testing.assert_array_equal(np.fromfile("y.dat"), cumsum.cumsum(X.ravel(), 0))
    assert names(work) == ["x.dat", "x.npy", "y.dat"]
