"""Inputs at URLs that change between a run and the one that goes on with it, or within one."""

import numpy as np
import pytest
import zarr

from cumsum import files
from cumsum.console import CommandError
from filing import names
from storing import served

X = np.random.default_rng(0).standard_normal((60, 40))


def stop(done, total):
    if done * 2 > total:
        raise KeyboardInterrupt


@pytest.fixture
def stopped(tmp_path, monkeypatch):
    """The URL of an input, the scan of which was stopped."""
    monkeypatch.setattr("cumsum.files.journal.SECONDS", 0)
    monkeypatch.setattr("cumsum.files.journal.PART", float("inf"))
    array = zarr.create_array(tmp_path / "x.zarr", data=X, chunks=(10, 10))
    job = {"input": f"file://{tmp_path}/x.zarr", "output": tmp_path / "y.npy", "dim": 0}
    job |= {"memory": 30_000, "resume": True}
    with pytest.raises(KeyboardInterrupt):
        files.cumsum(**job, progress=stop)
    return array, job


def test_resume(stopped):
    _, job = stopped
    assert files.cumsum(**job).resumed > 0


@pytest.mark.parametrize("part", ["first", "last"])
def test_resume_refuses_a_changed_input(stopped, part):
    array, job = stopped
    array[0 if part == "first" else 50 :] = 0
    with pytest.raises(CommandError, match=r"input's state was .*, is .* run without --resume"):
        files.cumsum(**job)


def test_input_that_changes_while_it_is_read(tmp_path):
    url = "memory://changing/x"
    array = zarr.create_array(url, data=X, chunks=(10, 10), overwrite=True)

    def change(done, total):
        array[0, 0] = done

    with pytest.raises(CommandError, match="memory://changing/x was changed while it was read"):
        files.cumsum(url, tmp_path / "y.npy", 0, memory=30_000, progress=change)
    assert names(tmp_path) == []


def test_resume_where_changes_cannot_be_told(tmp_path):
    zarr.create_array(tmp_path / "x.zarr", data=X)
    with served(tmp_path) as url:
        with pytest.raises(CommandError, match=r"cannot be told whether .* leave out --resume"):
            files.cumsum(f"{url}/x.zarr", tmp_path / "y.npy", 0, resume=True)
        files.cumsum(f"{url}/x.zarr", tmp_path / "y.npy", 0)
