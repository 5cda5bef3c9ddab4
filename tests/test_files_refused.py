"""What `run` refuses: one clear line, whatever is given, and nothing is written."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import cumsum
from cumsum import files
from cumsum.cli import main
from cumsum.console import CommandError
from filing import names, start

X = np.arange(12).reshape(3, 4)
OTHERS = ("x.zarr", "x.h5", "x.safetensors")


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A folder to work in, with an array of each of some kinds."""
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", X)
    (tmp_path / "x.raw").write_bytes(X.tobytes())
    (tmp_path / "x.csv").write_text("a\n1\n")
    for name in OTHERS:
        files.cumsum("x.npy", name, 0)
    return tmp_path


@pytest.mark.parametrize(
    "argv",
    [
        ["x.npy", "--raw-shape=3,4"],
        ["x.npy", "--raw-offset=8"],
        *([f"x.{kind}", f"--raw-{option}"]
          for kind in ("zarr", "h5", "safetensors", "csv")
          for option in ("dtype=int64", "shape=3,4", "offset=8")),
    ],
    ids=str,
)  # fmt: skip
def test_options_of_other_kinds(work, capsys, argv):
    held = names(work)
    assert main(["run", *argv, "-o", "y.npy", "--dim=0"]) == 2
    option = argv[1].partition("=")[0]
    assert f"{option} is not for files such as {argv[0]}" in capsys.readouterr().err
    assert names(work) == held


@pytest.mark.parametrize("dtype", ["S", "V", "U", "S0", "S8", "object", "M8[s]", "f8,f8", "(2,"])
def test_raw_dtypes_without_a_sum(work, dtype):
    with pytest.raises(CommandError, match=r"has no sum|is not the name of a dtype"):
        files.cumsum("x.raw", "y.npy", raw_dtype=dtype)


@pytest.mark.parametrize("dim", [True, np.False_, 0.0, "0"])
def test_dims_that_are_no_integers(work, dim):
    with pytest.raises(TypeError, match="dim must be an integer, not "):
        files.cumsum("x.npy", "y.npy", dim)


@pytest.mark.parametrize("output", [[], ["-o", "y.npy"]])
def test_initial_out_of_range(work, capsys, output):
    argv = ["run", "x.npy", "--dim=0", "--initial", "99999999999999999999999", *output]
    assert main(argv) == 2
    assert capsys.readouterr().err.startswith("cumsum: error: x.npy: ")


@pytest.mark.parametrize(
    ("error", "how"),
    [
        (TypeError, {"dim": "0"}),
        (TypeError, {"dim": 0.5}),
        (TypeError, {"memory": 1e9}),
        (ValueError, {"memory": -1}),
        (CommandError, {"memory": "much"}),
        (ValueError, {"raw_shape": (-1,), "input": "x.raw", "raw_dtype": "int64"}),
        (TypeError, {"raw_shape": "3,4", "input": "x.raw", "raw_dtype": "int64"}),
        (TypeError, {"raw_offset": "8"}),
        (CommandError, {"input": "file:///nowhere/x.npy"}),
    ],
    ids=str,
)
def test_arguments(work, error, how):
    with pytest.raises(error):
        files.cumsum(**{"input": "x.npy", "output": "y.npy", "dim": 0} | how)
    assert "y.npy" not in names(work)


def test_memory_in_words(work):
    assert files.cumsum("x.npy", "y.npy", 0, memory="1 MB").pieces == 1


@pytest.mark.parametrize("text", ["-1e5", "-2", "-inf"])
def test_negative_initial(work, text):
    argv = ["run", "x.npy", "-o", "y.npy", "--dim=0", "--dtype=float64", "--initial", text]
    assert main(argv) == 0
    expected = cumsum.cumsum(X, 0, dtype=np.float64, initial=float(text))
    np.testing.assert_array_equal(np.load("y.npy"), expected)


def test_negative_complex_initial(work, capsys):
    argv = ["run", "x.npy", "-o", "y.npy", "--dim=0", "--dtype=complex128", "--initial", "-1+2j"]
    assert main(argv) == 0
    np.testing.assert_array_equal(np.load("y.npy")[0], X[0] + (-1 + 2j))
    assert main(["run", "x.npy", "--dim=0", "--initial", "--force"]) == 2
    assert "argument --initial: expected one argument" in capsys.readouterr().err


def test_unknown_kinds_are_told_all(work, capsys):
    assert main(["run", "x.npy", "-o", "y.xyz", "--dim=0"]) == 2
    err = capsys.readouterr().err
    assert all(kind in err for kind in (".npy", ".npz", ".csv", ".zarr", ".h5", ".safetensors"))


def test_totals_need_no_output(work, capsys):
    held = names(work)
    for name, x in (("x.npy", X), *((name, cumsum.cumsum(X, 0)) for name in OTHERS)):
        assert main(["run", name, "--dim=0"]) == 0
        total = ", ".join(map(str, x.sum(0)))
        assert f"  total   {total}\n" in capsys.readouterr().out
        for memory in (None, 10_000):
            report = files.cumsum(name, dim=1, exclusive=True, memory=memory)
            assert (report.totals, report.output) == (tuple(x.sum(1)), "")
    assert names(work) == held


def test_closed_standard_output(work):
    command = f"{sys.executable} -m cumsum run x.npy --dim 0 >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "cumsum: error: cannot write to standard output: it is closed\n"


@pytest.mark.parametrize("resume", [False, True])
def test_termination(tmp_path, resume):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((2000, 2500)))
    argv = ["x.npy", "-o", "y.npy", "--dim=1", "--memory=100KB", *["--resume"] * resume]
    with start(tmp_path, *argv) as process:
        while not list(tmp_path.glob("*.journal")):
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    hint = "; --resume goes on from what is done" if resume else ""
    assert (process.returncode, err) == (143, f"cumsum: error: terminated{hint}\n")
    assert len(os.listdir(tmp_path)) == (3 if resume else 1)  # noqa: PTH208


@pytest.mark.parametrize("output", ["y.zarr", "y.h5"])
def test_disk_that_becomes_full_with_resume(tmp_path, small_disk, output):
    """The message says that a run goes on from there."""
    np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((300, 300)))
    job = {"input": tmp_path / "x.npy", "output": small_disk / output, "dim": 0}
    with pytest.raises(CommandError, match=r"No space left on device; --resume goes on from what"):
        files.cumsum(**job, memory=2_000_000, resume=True)
