"""Processes under a watch, and what is read from compute-sanitizer; no GPU is needed."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
if not (ROOT / "benchmarks").exists():
    pytest.skip("needs the repository's benchmarks", allow_module_level=True)

# Some work by name: a call of C that never returns, which holds the lock of the interpreter as
# well, an end without a word, and a wish to be begun again.
CHILD = """
import ctypes, os, sys
from gpu_rows import ANEW, Rows
rows = Rows.of_child()
for name in sys.argv[1:]:
    if name in rows.begun():
        continue
    with rows.around(name) as row:
        row["seconds"] = 1
        if name == "hangs":
            ctypes.PyDLL(None).pause()
        elif name == "dies":
            os.kill(os.getpid(), 11)
        elif name == "fails":
            raise ValueError("a reason\\nof two lines")
    if name == "anew":
        sys.exit(ANEW)
"""


@pytest.fixture
def rows_module(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "benchmarks"))
    import gpu_rows

    return gpu_rows


@pytest.fixture
def watched(rows_module, tmp_path):
    """The results of children, each given some names, by name."""

    def watch(*shares, quiet=30.0):
        rows = rows_module.Rows(tmp_path / "rows.jsonl")
        commands = [[sys.executable, "-c", CHILD, *share] for share in shares]
        rows_module.watch(commands, rows, tmp_path / "log.txt", quiet)
        return {row["name"]: row for row in rows.results()}

    return watch


def test_a_child_that_waits_in_c_is_killed_and_the_rest_is_done(watched):
    start = time.monotonic()
    found = watched(("first", "hangs", "last"), ("other",), quiet=8.0)
    assert time.monotonic() - start < 60
    assert found.keys() == {"first", "hangs", "last", "other"}
    assert found["hangs"]["error"] == "killed after 8 s without a row"
    assert [name for name, row in found.items() if "error" in row] == ["hangs"]
    assert found["other"]["worker"] == 1


def test_a_child_that_dies_or_fails_loses_one_row(watched):
    found = watched(("dies", "fails", "anew", "last"))
    assert found["dies"]["error"] == "ended with status -11"
    assert found["fails"]["error"] == "ValueError: a reason"
    assert found["anew"] == {"name": "anew", "seconds": 1, "worker": 0}
    assert found["last"]["seconds"] == 1


def test_a_child_that_never_begins(rows_module, tmp_path):
    rows = rows_module.Rows(tmp_path / "rows.jsonl")
    command = [sys.executable, "-c", "raise SystemExit('no GPU')"]
    rows_module.watch([[*command[:2], "raise SystemExit(3)"]], rows, tmp_path / "log.txt", 30)
    assert rows.results() == [{"name": "process 0", "error": "ended with status 3", "worker": 0}]
    rows_module.watch([command], rows, tmp_path / "log.txt", 30)
    assert "no GPU" in (tmp_path / "log.txt").read_text()


def test_children_end_with_the_parent(rows_module, tmp_path):
    """A slice that is told to end by its limit leaves no process behind."""
    code = f"""
import signal, sys
from pathlib import Path
import gpu
from gpu_rows import Rows, watch
signal.signal(signal.SIGTERM, gpu.stopped)
command = [sys.executable, "-c", {CHILD!r}, "hangs"]
watch([command], Rows(Path("rows.jsonl")), Path("log.txt"), 600)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path)
    rows = rows_module.Rows(tmp_path / "rows.jsonl")
    for _ in range(600):
        if rows.begun():
            break
        time.sleep(0.1)
    assert rows.begun() == {"hangs"}
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    assert len(children) == 1
    parent.terminate()
    assert parent.wait(30) == 143
    assert not Path(f"/proc/{children[0]}").exists()


TEXTS = {
    "========= COMPUTE-SANITIZER\n========= ERROR SUMMARY: 0 errors\n": 0,
    "========= Invalid __global__ write of size 4 bytes\n========= ERROR SUMMARY: 18 errors\n": 18,
    "========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)\n": 0,
    "========= RACECHECK SUMMARY: 1 hazard displayed (1 error, 0 warnings)\n": 1,
    "========= ERROR SUMMARY: 1 error\n========= ERROR SUMMARY: 0 errors\n": 1,
    "========= Error: Device not supported\n": None,
    "23 passed in 5 s\n": None,
}


@pytest.mark.parametrize(("text", "count"), TEXTS.items())
def test_what_a_sanitizer_says(rows_module, text, count):
    import gpu_memory

    assert gpu_memory.found_in(text) == count
    assert ("error" in gpu_memory.summary(text, 1)) is (count != 0)
    assert "error" in gpu_memory.summary(text, 3)


def test_a_planted_fault_has_to_be_found(rows_module, monkeypatch, tmp_path):
    """By programs in the sanitizer's place: one that finds nothing, and one that does."""
    import gpu_memory

    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    tool = tmp_path / "compute-sanitizer"
    for count, key in ((0, "error"), (4, "found")):
        tool.write_text(f"#!/bin/sh\necho '========= ERROR SUMMARY: {count} errors'\n")
        tool.chmod(0o755)
        assert key in gpu_memory.planted("memcheck")
