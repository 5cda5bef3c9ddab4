"""Outputs that must not be written: nothing that is there is lost."""

import os

import numpy as np
import pytest
import zarr

from cumsum import files
from cumsum.cli import main
from cumsum.console import CommandError
from filing import names

X = np.arange(12.0).reshape(3, 4)


def make_group(path):
    """A group with one array, which is read by its name or as a folder."""
    zarr.open_group(path, mode="w").create_array("a", data=X, chunks=(2, 4))


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A folder to work in, with an array."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    np.save("x.npy", X)
    return folder


@pytest.mark.parametrize("output", ["results", "results/", ".", "..", "../work", ""])
def test_folders_that_are_no_zarr(work, output):
    (work / "results").mkdir()
    (work / "results" / "thesis.txt").write_text("precious")
    assert main(["run", "x.npy", "-o", output, "--dim=0", "--force"]) == 2
    assert (work / "results" / "thesis.txt").read_text() == "precious"
    assert names(work) == ["results", "x.npy"]
    with pytest.raises(CommandError, match="no zarr array or group|lies within|has no name"):
        files.run("x.npy", output, 0, force=True)
    assert names(work) == ["results", "x.npy"]


def test_current_folder(work, monkeypatch):
    make_group("y.zarr")
    np.save("../x.npy", X)
    monkeypatch.chdir(work / "y.zarr")
    for output in (".", "../y.zarr"):
        with pytest.raises(CommandError, match="it is or holds the current folder"):
            files.run("../../x.npy", output, 0, force=True)


def test_file_where_a_folder_is_to_be(work):
    (work / "y.zarr").write_text("precious")
    with pytest.raises(CommandError, match="it exists, and is no zarr array or group"):
        files.run("x.npy", "y.zarr", 0, force=True)
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
        files.run(source, output, 0, force=True)
    assert sorted(work.rglob("*")) == held


def test_output_that_is_the_input_elsewhere():
    make_group("memory://apart/x.zarr")
    for output in ("memory:///apart/x.zarr/", "memory://apart", "memory://apart/x.zarr/b"):
        with pytest.raises(CommandError, match=r"is the input|lies within the (input|output)"):
            files.run("memory://apart/x.zarr", output, 0, force=True)
    np.testing.assert_array_equal(zarr.open_array("memory://apart/x.zarr/a")[...], X)
