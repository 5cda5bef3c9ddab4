"""What `make gpu` does, as far as it needs no GPU: options, figures, choices, tables, docs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MACHINE = {
    "card": "Some Card",
    "cores": 132,
    "gigabytes": 80,
    "runtime": "13.0",
    "torch": "2.13.0",
    "triton": "3.7.1",
    "cumsum": "0.1.0",
}
CASES = [
    {"name": "one", "bytes": 8 << 20, "aim": 1.2, "copy": 1e-5, "ours": 2e-5, "torch": 4e-5},
    {"name": "two", "bytes": 8 << 20, "aim": 1.2, "copy": 1e-5, "ours": 5e-6, "torch": 4e-5, "cub": 3e-5},
    {"name": "three", "bytes": 8, "aim": 1.2, "error": "out of memory"},
]  # fmt: skip
SWEEP = [
    {"name": "one", "choices": {}, "seconds": 2e-5},
    {"name": "one", "choices": {"lines": 2, "warps": 1}, "seconds": 1e-5},
    {"name": "one", "choices": {"lines": 4, "warps": 1}, "error": "out of registers"},
]
REPORT = {
    "machine": MACHINE,
    "cases": CASES,
    "sweep": SWEEP,
    "calls": {"ours": 2e-5, "peer": 1e-5},
    "passed": True,
}
# Triton interprets: the kernels on the CPU's memory, a few elements of it.
TINY = """
import json
import gpu_measure as m, gpu_sweep as s
case = m.Case("tiny", (40, 20), 0)
rows = list(s.sweep("cpu", ((case, ({"single": (True, False)}, {"lines": (0,)})),)))
print(json.dumps([rows, list(m.measure((case,), "cpu")), m.small_calls("cpu")]))
"""


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import gpu

    return gpu


def test_nothing_is_measured_without_a_gpu(gpu, monkeypatch, capsys):
    monkeypatch.setattr(gpu.torch.cuda, "is_available", lambda: False)
    assert gpu.main([]) == 0
    assert capsys.readouterr().out == "no GPU: nothing measured\n"


def test_options(gpu):
    options = gpu.parse(["--no-sweep", "--only", "1-D"])
    assert (options.tests, options.sweep, options.only, options.report) == (
        True,
        False,
        "1-D",
        None,
    )
    assert gpu.path_of("NVIDIA H100 80GB HBM3").name == "gpu-nvidia-h100-80gb-hbm3.json"


def test_tables(gpu, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- gpu:start -->\nold\n<!-- gpu:end -->\nafter\n")
    gpu.write_page(page, json.loads(json.dumps(REPORT)))
    text = page.read_text()
    assert text.startswith("before\n<!-- gpu:start -->\nSome Card, 132 multiprocessors")
    assert text.endswith("<!-- gpu:end -->\nafter\n")
    assert "old" not in text
    assert "| one | 10 µs | 20 µs | **2.00** | 1.20 | 4.00 | – | 0.42 TB/s |" in text
    assert "| two | 10 µs | 5 µs | **0.50** | 1.20 | 4.00 | 3.00 | 1.68 TB/s |" in text
    assert "geometric mean of the multiples of a copy is 1.00" in text
    assert "| one | lines=2, warps=1 | 10 µs | 20 µs | 2.00 |" in text
    assert "Not measured: three: out of memory" in text


def test_lines_of_output(gpu):
    lines = [gpu.gpu_tables.line(row) for row in CASES]
    lines += [gpu.gpu_tables.sweep_line(row) for row in SWEEP]
    assert lines[0].endswith("2.00 copies, aim 1.20")
    assert lines[2].endswith("out of memory")
    assert "the policy's" in lines[3]
    assert lines[5].endswith("out of registers")


def test_the_page_has_room_for_the_tables(gpu):
    assert gpu.gpu_tables.between_marks(gpu.PAGE.read_text(), "table").count("table") >= 1


def test_measuring(gpu):
    pytest.importorskip("triton", reason="kernels of GPUs are in Triton")
    paths = [str(ROOT / "benchmarks"), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", TINY],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": os.pathsep.join(paths)},
    )
    assert done.returncode == 0, done.stderr
    sweep, rows, calls = json.loads(done.stdout)
    assert [row["choices"] for row in sweep] == [
        {},
        {"single": True},
        {"single": False},
        {"lines": 0},
    ]
    assert all(row["seconds"] > 0 for row in sweep)
    report = REPORT | {"sweep": sweep, "cases": rows, "calls": calls}
    assert "| tiny |" in gpu.gpu_tables.section(report)
