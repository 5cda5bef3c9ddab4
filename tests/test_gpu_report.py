"""The rows of a GPU as figures, tables and a page, as far as they need none; a dry run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
if not (ROOT / "benchmarks").exists():
    pytest.skip("needs the repository's benchmarks", allow_module_level=True)

MACHINE = {
    "name": "machine",
    "card": "Some Card",
    "cores": 132,
    "gigabytes": 80,
    "runtime": "13.0",
    "torch": "2.13.0",
    "triton": "3.7.1",
    "cumsum": "0.1.0",
}
CALL = {
    "elements": 8,
    "host": {"ours": 2e-5, "torch": 1e-5},
    "device": {"ours": 3e-6, "torch": 4e-6},
}
TIMES = [
    {"name": "a call", **CALL},
    {"name": "one", "bytes": 8 << 20, "aim": 1.2, "copy": 1e-5, "ours": 2e-5, "torch": 4e-5,
     "ratios": {"ours": 2.0, "torch": 4.0}},
    {"name": "two", "bytes": 8 << 20, "aim": 1.2, "copy": 1e-5, "ours": 5e-6, "cub": 3e-5,
     "ratios": {"ours": 0.5, "cub": 3.0}},
    {"name": "three", "bytes": 8, "aim": 1.2, "error": "out of memory"},
]  # fmt: skip
SWEEP = [
    {"name": "a", "case": "one", "choices": {}, "seconds": 2e-5},
    {"name": "b", "case": "one", "choices": {"lines": 2, "warps": 1}, "seconds": 1e-5},
    {"name": "c", "case": "one", "choices": {"lines": 4, "warps": 1}, "error": "out of registers"},
]
TESTS = [
    {"begin": "x"},
    {"name": "x", "outcome": "passed"},
    {"name": "y", "outcome": "skipped", "why": "needs a GPU"},
    {"name": "z", "outcome": "failed", "error": "3 of 4 differ"},
    {"begin": "killed with the machine"},
]
FILES = {"probe": [MACHINE], "times": TIMES, "sweep": SWEEP, "tests": TESTS}
# Triton interprets: the kernels on the CPU's memory, a few elements of it.
TINY = """
import sys
from pathlib import Path
import gpu_measure as m, gpu_sweep as s
from gpu_rows import Rows
folder, case = Path(sys.argv[1]), m.Case("tiny", (40, 20), 0)
m.SIZES, m.ROUNDS = (8,), 2
m.measure_all(Rows(folder / "times.jsonl"), "cpu", (case,))
grids = ({"single": (True, False)}, {"lines": (0,)})
for _ in range(2):
    s.sweep(Rows(folder / "sweep.jsonl"), "cpu", ((case, grids),))
"""


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import gpu

    return gpu


@pytest.fixture
def folder(tmp_path):
    for name, rows in FILES.items():
        text = "".join(json.dumps(row | {"worker": 0}) + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(text)
    return tmp_path


def test_names(gpu, capsys):
    assert gpu.parse(["--dry", "probe", "sweep"]).slices == ["probe", "sweep"]
    with pytest.raises(SystemExit):
        gpu.parse(["speed"])
    assert "SLICE is 'speed', but must be one of probe, tests, abilities" in capsys.readouterr().err
    assert gpu.path_of("NVIDIA H100 80GB HBM3").name == "gpu-nvidia-h100-80gb-hbm3.json"


def test_tables(gpu, folder):
    page = folder / "page.md"
    page.write_text("before\n<!-- gpu:start -->\nold\n<!-- gpu:end -->\nafter\n")
    gpu.write_page(page, json.loads(json.dumps(gpu.report_of(folder))))
    text = page.read_text()
    assert text.startswith("before\n<!-- gpu:start -->\nSome Card, 132 multiprocessors")
    assert text.endswith("<!-- gpu:end -->\nafter\n")
    assert "old" not in text
    assert "tests: 1 passed, 1 skipped, 1 failed." in text
    assert "**Wrong**: z: 3 of 4 differ" in text
    assert "| one | 10 µs | 20 µs | **2.00** | 1.20 | 4.00 | – | 0.42 TB/s |" in text
    assert "| two | 10 µs | 5 µs | **0.50** | 1.20 | – | 3.00 | 1.68 TB/s |" in text
    assert "geometric mean of the multiples of a copy is 1.00" in text
    assert "| 8 | 20 µs | 10 µs | 3 µs | 4 µs |" in text
    assert "| one | lines=2, warps=1 | 10 µs | 20 µs | 2.00 |" in text
    assert "Not measured: three: out of memory" in text


def test_rows_without_a_machine(gpu, folder):
    (folder / "probe.jsonl").unlink()
    with pytest.raises(ValueError, match="no row of the machine"):
        gpu.report_of(folder)


def test_the_page_has_room_for_the_tables(gpu):
    assert gpu.gpu_tables.between_marks(gpu.PAGE.read_text(), "table").count("table") >= 1


def environment(**names):
    paths = [str(ROOT / "benchmarks"), *sys.path]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)} | names


def test_measuring(gpu, folder):
    pytest.importorskip("triton", reason="kernels of GPUs are in Triton")
    for name in ("times", "sweep"):
        (folder / f"{name}.jsonl").unlink()
    done = subprocess.run(
        [sys.executable, "-c", TINY, folder],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=environment(TRITON_INTERPRET="1"),
    )
    assert done.returncode == 0, done.stderr
    report = gpu.report_of(folder)
    assert [row["choices"] for row in report["sweep"]] == [
        {},
        {"single": True},
        {"single": False},
        {"lines": 0},
    ]
    assert all(row["seconds"] > 0 for row in report["sweep"])
    assert "| tiny |" in gpu.gpu_tables.section(report)


def test_a_dry_run(tmp_path):
    """The command itself: what is there already is passed over, and what fails is counted."""
    pytest.importorskip("triton", reason="kernels of GPUs are in Triton")
    done = {"name": "float32 (4096, 4096) dim 0", "planned": 1, "worker": 0}
    (tmp_path / "sweep.jsonl").write_text(json.dumps(done) + "\n")
    command = [ROOT / "tools" / "card.sh", "--dry", "probe", "sweep"]
    run = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=tmp_path,
        env=environment(OUT=str(tmp_path), PYTHON=sys.executable, WHEELS=""),
    )
    log = (tmp_path / "log.txt").read_text()
    assert run.returncode == 0, run.stderr + log
    assert run.stdout == "probe: 1 done, 0 failed\nsweep: 12 done, 0 failed\n"


def test_the_cards_tests_are_collected_without_one():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--collect-only"]
    files = [ROOT / "tests" / name for name in ("test_gpu_card.py", "test_gpu_card_abilities.py")]
    done = subprocess.run(
        [*command, *files],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=environment(CARD_DRY="1"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("test_bits[", "test_segments[", "test_replays_of_a_graph[", "test_streams["):
        assert name in done.stdout
