"""The options of `cumsum run`: pipes, several inputs, JSON, and options that are given twice."""

import gzip
import json
import subprocess
import sys

import numpy as np
import pytest

from cumsum.cli import main
from filing import names

TABLE = "k,v,w\na,1,0.5\nb,2,\na,4,1.5\n"


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").write_text(TABLE)
    return tmp_path


def command(*argv, given=b"", **how):
    argv = [sys.executable, "-m", "cumsum", "run", *argv]
    return subprocess.run(argv, input=given, capture_output=True, check=False, timeout=60, **how)


def out(capsys, *argv):
    assert main(["run", *argv]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


def refused(capsys, *argv):
    assert main(["run", *argv]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    return printed.err


def test_pipes(work):
    done = command("-", "--column=v", "-o", "-", given=TABLE.encode())
    assert done.returncode == 0
    assert done.stdout.decode() == "k,v,w,v_cumsum\na,1,0.5,1\nb,2,,3\na,4,1.5,7\n"
    told = done.stderr.decode()
    assert told.startswith("standard input v\n")
    assert "\n  wrote   standard output" in told
    quiet = command("-", "--column=v", "-o", "-", "--quiet", given=TABLE.encode())
    assert (quiet.stdout, quiet.stderr) == (done.stdout, b"")
    to_array = command("-", "--column=v", "-o", "y.npy", given=TABLE.encode())
    assert b"standard input" in to_array.stdout
    assert np.load("y.npy").tolist() == [1, 3, 7]
    assert names(work) == ["x.csv", "y.npy"]


def test_pipes_of_other_kinds(work):
    np.save("x.npy", np.arange(6).reshape(2, 3))
    done = command("-", "--format=npy", "--dim=1", "-o", "-", given=(work / "x.npy").read_bytes())
    (work / "y.npy").write_bytes(done.stdout)
    assert np.load("y.npy").tolist() == [[0, 1, 3], [3, 7, 12]]
    argv = ["-", "--format=csv.gz", "--column=v", "-o", "-"]
    packed = command(*argv, given=gzip.compress(TABLE.encode()))
    assert gzip.decompress(packed.stdout).startswith(b"k,v,w,v_cumsum\na,1,0.5,1\n")
    (work / "more.csv").write_text("k,v,w\nc,8,1\n")
    both = command("x.csv", "-", "--column=v", "-o", "-", given=(work / "more.csv").read_bytes())
    assert both.stdout.endswith(b"a,4,1.5,7\nc,8,1,15\n")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["-", "--resume", "-o", "y.csv"], "--resume needs files with names, not -"),
        (["x.csv", "--resume", "-o", "-"], "--resume needs files with names, not -"),
        (["-", "--in-place"], "--in-place needs files with names, not -"),
        (["-", "-"], "standard input can be read once"),
        (["x.csv", "--format", "csv"], "--format says what - is"),
        (["-", "--format", "xlsx"], "--format xlsx is not one of npy, npz"),
        (["x.csv", "-o", "-", "--json"], "--json writes to standard output"),
        (["-", "--column", "nothing"], "standard input has no column 'nothing'"),
        (["x.csv", "--column", "w"], "x.csv: column 'w' has 1 missing value in rows 1 to 3"),
        (["x.csv", "--dim", "0", "--dim", "1"], "argument --dim: given twice"),
        (["x.csv", "-o", "a.csv", "--output", "b.csv"], "argument --output: given twice"),
        (["x.csv", "--column=v", "--columns=v,w"], "--column 'v' is given twice"),
        (["x.csv", "--by=k", "--by=k", "--column=v"], "--by 'k' is given twice"),
        (["x.csv", "--column=v", "--missing=nan"], "--missing says nothing without --skipna"),
    ],
)  # fmt: skip
def test_refused(work, argv, message):
    done = command(*argv, given=TABLE.encode())
    assert (done.returncode, done.stdout) == (2, b"")
    assert message in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
    assert str(work) not in done.stderr.decode()
    assert names(work) == ["x.csv"]


def test_a_pipe_that_nobody_reads(work):
    (work / "x.csv").write_text("k,v\n" + "a,1\n" * 200_000)
    code = f"{sys.executable} -m cumsum run x.csv --column v -o - --quiet | head -1"
    done = subprocess.run(["sh", "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "k,v,v_cumsum\n"
    assert done.stderr == ""


def test_json(work, capsys):
    told = json.loads(out(capsys, "x.csv", "--column=v", "--by=k", "-o", "y.csv", "--json"))
    assert told["input"] == ["x.csv"]
    assert told["output"] == ["y.csv"]
    assert (told["columns"], told["by"]) == (["v"], ["k"])
    assert (told["labels"], told["totals"]) == (["a", "b"], [5, 2])
    assert (told["shape"], told["dim"], told["source"], told["dtype"]) == ([3], 0, "int64", "int64")
    np.save("x.npy", np.array([1.0, np.inf, -np.inf]))
    told = json.loads(out(capsys, "x.npy", "--json"))
    assert told["values"] == [1.0, "inf", "nan"]


def test_quiet(work, capsys):
    assert out(capsys, "x.csv", "--column=v", "-o", "y.csv", "--quiet") == ""
    assert "exists" in refused(capsys, "x.csv", "--column=v", "-o", "y.csv", "--quiet")


def test_skipna(work, capsys):
    out(capsys, "x.csv", "--column=w", "--skipna", "-o", "y.csv")
    assert (work / "y.csv").read_text() == "k,v,w,w_cumsum\na,1,0.5,0.5\nb,2,,0.5\na,4,1.5,2\n"
    out(capsys, "x.csv", "--column=w", "--skipna", "--missing=nan", "-o", "y.csv", "--force")
    assert (work / "y.csv").read_text() == "k,v,w,w_cumsum\na,1,0.5,0.5\nb,2,,\na,4,1.5,2\n"


def test_columns_and_suffix(work, capsys):
    out(capsys, "x.csv", "--columns=v,w", "--skipna", "--suffix", " so far", "-o", "y.csv")
    assert (work / "y.csv").read_text().splitlines()[0] == "k,v,w,v so far,w so far"


@pytest.mark.parametrize("kind", ["npy", "csv"])
def test_totals_with_exclusive(work, capsys, kind):
    np.save("x.npy", np.array([1, 2, 4]))
    told = out(capsys, f"x.{kind}", "--exclusive", *(["--column=v"] if kind == "csv" else []))
    assert "  values  0, 1, 3\n  total   7\n" in told


def test_dtypes_that_lose_values_warn(work, capsys):
    np.save("x.npy", np.array([0.5, 300.0, 1.0, np.nan]))
    for dtype, lost in (("int8", 3), ("float16", 0), ("float32", 0), ("uint16", 2)):
        assert main(["run", "x.npy", "--dtype", dtype]) == 0
        told = capsys.readouterr().err
        some = f"cumsum: warning: {lost} values of float64 do not fit into {dtype}\n"
        assert told == (some if lost else "")
    np.save("x.npy", np.array([2**53 + 1, 2**53 + 2, 3]))
    assert main(["run", "x.npy", "--dtype=float64"]) == 0
    some = "cumsum: warning: 1 value of int64 does not fit into float64\n"
    assert capsys.readouterr().err == some
    np.save("x.npy", np.array([1e300, 1.0]))
    assert main(["run", "x.npy", "--dtype=float32"]) == 0
    some = "cumsum: warning: 1 value of float64 do not fit into float32\n"
    assert capsys.readouterr().err == some.replace("do not", "does not")


def test_the_rest_of_a_raw_file_warns(work, capsys):
    np.arange(1000.0).tofile("x.raw")
    argv = ["x.raw", "--raw-dtype=float64", "--raw-shape=10,10", "--dim=0"]
    assert main(["run", *argv]) == 0
    wanted = "cumsum: warning: 900 elements of x.raw after its shape are not read\n"
    assert capsys.readouterr().err == wanted
    assert main(["run", *argv, "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_links_are_replaced_as_files(work, capsys):
    (work / "link.csv").symlink_to("real.csv")
    (work / "real.csv").write_text("old")
    out(capsys, "x.csv", "--column=v", "-o", "link.csv", "--force")
    assert (work / "link.csv").is_symlink()
    assert (work / "real.csv").read_text().startswith("k,v,w,v_cumsum")


def test_retry_of_a_table(work, capsys):
    argv = ["x.csv", "--column=v", "-o", "y.csv", "--resume"]
    out(capsys, *argv)
    first = (work / "y.csv").stat()
    assert "already done" in out(capsys, *argv)
    assert (work / "y.csv").stat() == first
    for more in (["--skipna"], ["--by=k"], ["--suffix=_z"], ["--comment=#"]):
        assert "exists; give --force" in refused(capsys, *argv, *more)
        out(capsys, *argv[:-1], "--force", "--resume", *more)
        assert "already done" in out(capsys, *argv, *more)
        assert "exists; give --force" in refused(capsys, *argv)
        out(capsys, *argv, "--force")
    (work / "x.csv").write_text(TABLE + "c,1,1\n")
    assert "exists; give --force" in refused(capsys, *argv)
