"""The command line in the words of its user: what is printed, drawn and refused."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import cumsum
from cumsum import bench, console
from cumsum.cli import main

VALUES = np.array([[1.5, 2.0, -0.5], [4.0, 0.25, 8.0]])
RAIN = """date,rain,sky
2020-12-30,1.5,rain
2020-12-31,2,rain
2021-01-01,0.5,sun
2021-01-02,4,rain
"""


def run(capsys, *argv):
    """What a command that succeeds prints."""
    assert main([str(arg) for arg in argv]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def refused(capsys, *argv):
    """The one line that a refused command writes."""
    assert main([str(arg) for arg in argv]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("cumsum: error: ")
    assert err.count("\n") == 1
    return err.removeprefix("cumsum: error: ").rstrip("\n")


@pytest.fixture
def array(tmp_path):
    np.save(tmp_path / "x.npy", VALUES)
    return tmp_path / "x.npy"


@pytest.fixture
def rain(tmp_path):
    path = tmp_path / "rain.csv"
    path.write_text(RAIN)
    return path


def test_summary(array, capsys):
    lines = run(capsys, "run", array, "--dim", "1", "--dtype", "float32").splitlines()
    assert lines[0] == str(array)
    assert lines[1:5] == [
        "  shape   (2, 3), dim 1",
        "  dtype   float64 -> float32",
        "  values  1.5, 3.5, 3",
        "  total   3, 12.25",
    ]
    assert lines[5].startswith("  time    ")
    assert "GB/s" not in lines[5]  # of so few bytes it says nothing
    assert len(lines) == 6


def test_rates_of_many_bytes(tmp_path, capsys):
    np.save(tmp_path / "x.npy", np.ones(100_000))
    assert " GB/s read and written\n" in run(capsys, "run", tmp_path / "x.npy")


def test_summary_of_many_lines(tmp_path, capsys):
    np.save(tmp_path / "x.npy", np.arange(400).reshape(100, 4))
    out = run(capsys, "run", tmp_path / "x.npy", "--dim", "1", "-o", tmp_path / "y.npy")
    assert "  values  0, 1, 3, ..., 6\n" in out
    assert "  totals  6 to 1590 over 100 lines\n" in out
    assert out.endswith(f"  wrote   {tmp_path}/y.npy\n")


def test_by_a_column_of_values(rain, capsys, tmp_path):
    out = run(capsys, "run", rain, "--by", "sky", "-o", tmp_path / "y.npy")
    assert out.splitlines()[0] == f"{rain} rain by sky (2 groups)"
    assert "  total   rain  7.5\n          sun  0.5\n" in out
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), [1.5, 3.5, 0.5, 7.5])


PERIODS = {
    "year": ([1.5, 3.5, 0.5, 4.5], "2020  3.5"),
    "month": ([1.5, 3.5, 0.5, 4.5], "2021-01  4.5"),
    "day": ([1.5, 2, 0.5, 4], "2020-12-31  2"),
}


@pytest.mark.parametrize("form", ["2020-12-30", "2020/12/30", "2020-12-30 00:00:00"])
@pytest.mark.parametrize("period", PERIODS)
def test_by_a_period(rain, capsys, form, period):
    expected, label = PERIODS[period]
    separator, clock, output = form[4], form[10:], rain.with_name("y.npy")
    lines = [line.split(",") for line in RAIN.splitlines()[1:]]
    rows = [f"{d.replace('-', separator)}{clock},{mm},{sky}" for d, mm, sky in lines]
    rain.write_text("\n".join(["date,rain,sky", *rows]))
    out = run(capsys, "run", rain, "--by", f"date:{period}", "-o", output)
    np.testing.assert_array_equal(np.load(output), expected)
    assert label in out


def test_groups_need_not_be_together(tmp_path, capsys):
    rng = np.random.default_rng(3)
    keys, values = rng.integers(0, 7, 500), rng.integers(-9, 9, 500)
    pairs = zip(keys, values, strict=True)
    rows = "\n".join(f"{k},{v}" for k, v in pairs)
    (tmp_path / "t.csv").write_text(f"k,v\n{rows}\n")
    run(capsys, "run", tmp_path / "t.csv", "--column=v", "--by=k", "-o", tmp_path / "y.npy")
    expected = np.empty(500, np.int64)
    for key in range(7):
        expected[keys == key] = np.cumsum(values[keys == key])
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), expected, strict=True)


def test_refused_groups(rain, array, capsys):
    assert "no column 'snow'" in refused(capsys, "run", rain, "--by", "snow")
    assert "'decade' is no period" in refused(capsys, "run", rain, "--by", "date:decade")
    assert "holds no date in row 1: 'rain'" in refused(capsys, "run", rain, "--by", "sky:year")
    assert "--by is for tables" in refused(capsys, "run", array, "--dim=0", "--by", "a")
    two = ["--column", "rain", "--column", "sky"]
    assert "line 2: column 'sky' holds 'rain'" in refused(capsys, "run", rain, *two)
    rain.write_text("k,a,b\nx,1,2\n")
    argv = ["run", rain, "--columns=a,b", "--dim=1", "--by", "k"]
    assert "--by groups rows: it goes with dim 0, not dim 1" in refused(capsys, *argv)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "has shape (2, 3): choose a dim from -2 to 1"),
        (["--dim", "2"], "dim 2 is out of range: -2 to 1 for 2-D input"),
        (["--dim", "-3"], "dim -3 is out of range: -2 to 1 for 2-D input"),
        (["--dim", "x"], "argument --dim: invalid int value: 'x' (see cumsum run --help)"),
        (["--dim", "0", "--dtype", "float23"], "float23 is not the name of a dtype"),
        (["--dim", "0", "--column", "a"], "there is no member or column to choose"),
        (["--dim", "0", "--member", "a"], "there is no member or column to choose"),
        (["--dim", "0", "--plot", "y.bmp"], "not one of .png, .svg, .pdf"),
        (["--nonsense"], "unrecognized arguments: --nonsense (see cumsum run --help)"),
    ],
)
def test_refused_options(array, capsys, options, message):
    assert message in refused(capsys, "run", array, *options)


def test_refused_values(tmp_path, capsys):
    np.save(tmp_path / "text.npy", np.array(["a", "b"]))
    np.save(tmp_path / "one.npy", np.float64(3))
    np.save(tmp_path / "complex.npy", np.array([1j]))
    assert "holds <U1, which has no sum" in refused(capsys, "run", tmp_path / "text.npy")
    assert "holds a single value" in refused(capsys, "run", tmp_path / "one.npy")
    path = tmp_path / "complex.npy"
    assert "cannot hold the complex" in refused(capsys, "run", path, "--dtype", "float32")
    assert "real values" in refused(capsys, "run", path, "--plot", tmp_path / "y.png")
    assert not (tmp_path / "y.png").exists()


def test_missing_input(tmp_path, capsys):
    assert refused(capsys, "run", tmp_path / "x.npy") == f"{tmp_path}/x.npy: no such file"
    (tmp_path / "d.npy").mkdir()
    assert refused(capsys, "run", tmp_path / "d.npy") == f"{tmp_path}/d.npy: not a regular file"


def test_help_without_a_command(capsys):
    with pytest.raises(SystemExit) as exit_info:
        main([])
    assert exit_info.value.code == 0
    assert "measure this machine" in capsys.readouterr().out
    assert "invalid choice: 'sum'" in refused(capsys, "sum")


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_picture(rain, capsys, tmp_path, suffix):
    picture = tmp_path / f"rain{suffix}"
    run(capsys, "run", rain, "--by", "date:year", "--plot", picture, "--title", "Rain, in mm")
    magic = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix]
    assert picture.read_bytes().startswith(magic)
    if suffix == ".svg":
        for label in ("Rain, in mm", "running total of rain", "2020   3.5", "2021   4.5", "Jan"):
            assert f"<!-- {label} -->" in picture.read_text()
    assert f"{picture} exists" in refused(capsys, "run", rain, "--plot", picture)


def test_picture_of_an_array(capsys, tmp_path):
    np.save(tmp_path / "x.npy", np.ones((12, 10_000)))
    picture = tmp_path / "x.svg"
    run(capsys, "run", tmp_path / "x.npy", "--dim", "1", "--plot", picture)
    drawn = picture.read_text()
    for label in ("position along dim 1", "first 10 of 12", "[9, :]   10,000"):
        assert f"<!-- {label} -->" in drawn
    assert "<!-- [10, :]" not in drawn


def test_picture_of_nothing(capsys, tmp_path):
    np.save(tmp_path / "x.npy", np.empty((2, 0)))
    run(capsys, "run", tmp_path / "x.npy", "--dim", "1", "--plot", tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("missing", "options", "line"),
    [
        ("pyarrow", ["x.csv"], "reading .csv needs pyarrow: pip install 'cumsum[cli]'"),
        ("pyarrow", ["x.npy", "-o", "y.csv"], "writing .csv needs pyarrow: pip install"),
        ("matplotlib", ["x.npy", "--plot", "y.png"], "--plot needs matplotlib: pip install"),
    ],
)
def test_numpy_alone(tmp_path, missing, options, line):
    np.save(tmp_path / "x.npy", np.arange(5))
    (tmp_path / "x.csv").write_text("a\n1\n")
    without = f"import sys; sys.modules[{missing!r}] = None; from cumsum.cli import main"
    code = f"{without}; sys.exit(main(['run', *sys.argv[1:]]))"
    argv = [sys.executable, "-c", code, *options]
    process = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (process.returncode, process.stdout) == (2, "")
    assert process.stderr.startswith(f"cumsum: error: {line}")
    assert process.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.csv", "x.npy"]


def test_starts_without_optional_libraries(array):
    heavy = "torch pyarrow matplotlib rich click pandas dask zarr triton"
    code = (
        "import sys; from cumsum.cli import main; "
        f"assert main(['run', {str(array)!r}, '--dim', '0']) == 0; "
        f"sys.exit(' '.join(set({heavy!r}.split()) & set(sys.modules)))"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (process.stderr, process.returncode) == (b"\n", 1)


def test_bar_on_a_terminal(tmp_path):
    np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype=np.int8, shape=(40, 1_000_000))
    terminal, far_end = os.openpty()
    argv = [sys.executable, "-m", "cumsum", "run", str(tmp_path / "x.npy"), "--dim", "1"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=far_end, text=True) as process:
        out, _ = process.communicate(timeout=60)
    os.close(far_end)
    seen = os.read(terminal, 1 << 20).decode()
    os.close(terminal)
    assert process.returncode == 0
    assert "scanning x.npy" in seen
    assert "totals  0 to 0 over 40 lines" in out


def test_version_help_and_info(capsys):
    assert run(capsys, "info") == f"{cumsum.show_config()}\n"
    for argv, expected in (
        (["--version"], f"cumsum {cumsum.__version__}\n"),
        (["--help"], "measure this machine"),
        (["run", "--help"], "cumsum run weather.csv --column rain --by date:year"),
        (["bench", "--help"], "cumsum bench --short"),
    ):
        with pytest.raises(SystemExit) as exit_info:
            main(argv)
        assert exit_info.value.code == 0
        assert expected in capsys.readouterr().out


def test_bench_in_its_short_form(tmp_path, capsys, monkeypatch):
    """Its cases, of few elements."""
    few = [replace(c, shape=tuple(min(n, 200) for n in c.shape)) for c in bench.SHORT]
    monkeypatch.setattr(bench, "SHORT", few)
    files = {"--json": tmp_path / "b.json", "--plot": tmp_path / "b.svg"}
    options = [word for pair in files.items() for word in pair]
    out = run(capsys, "bench", "--short", "--no-torch", "--seconds=0", "--threads=1", *options)
    report = json.loads(files["--json"].read_text())
    assert report["machine"]["threads"] == 1
    assert [row["case"]["name"] for row in report["results"]] == [c.name for c in bench.SHORT]
    for row in report["results"]:
        assert set(row["times"]) == {"copy", "ours", "numpy"}
        for name, ratio in row["ratios"].items():
            assert ratio == pytest.approx(row["times"][name] / row["times"]["copy"])
        assert f"{row['ratios']['numpy']:.2f}" in out
        assert f"<!-- {row['case']['name']} -->" in files["--plot"].read_text()


def test_bench_refuses(tmp_path, capsys):
    assert "--threads 0 is out of range" in refused(capsys, "bench", "--threads", "0")
    (tmp_path / "b.json").write_text("{}")
    assert "exists" in refused(capsys, "bench", "--json", tmp_path / "b.json")


@pytest.mark.parametrize(
    ("duration", "text"), [(1.5, "1.5 s"), (0.25, "250 ms"), (2e-5, "20 us"), (1e-9, "0.001 us")]
)
def test_durations(duration, text):
    assert console.seconds(duration) == text
