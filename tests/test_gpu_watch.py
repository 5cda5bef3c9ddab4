"""Processes under a watch, and what is read from compute-sanitizer; no GPU is needed."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
if not (ROOT / "benchmarks").exists():
    pytest.skip("needs the repository's benchmarks", allow_module_level=True)
pytestmark = pytest.mark.alone  # what is watched has some seconds

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
        elif name == "lost":
            row["process"] = os.getpid()
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        row["process"] = os.getpid()
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
    found = watched(("dies", "fails", "anew", "last", "lost", "more"))
    assert found["dies"]["error"] == "ended with status -11"
    assert found["fails"]["error"] == "ValueError: a reason"
    assert found["anew"]["process"] != found["last"]["process"] == found["lost"]["process"]
    assert found["more"]["process"] != found["lost"]["process"]
    assert found["lost"]["error"].startswith("RuntimeError: CUDA error")


CASES = """
import ctypes
import pytest

def test_passes(): pass
def test_fails(): assert 1 == 2, "not so"
def test_hangs(): ctypes.PyDLL(None).pause()
def test_skips(): pytest.skip("a reason")
def test_has_a_row(): raise AssertionError
"""


def test_rows_of_tests(rows_module, tmp_path, monkeypatch):
    monkeypatch.setenv("CARD_PREFIX", "tool: ")
    rows = rows_module.Rows(tmp_path / "rows.jsonl")
    file = tmp_path / "test_cases.py"
    file.write_text(CASES)
    rows.write({"name": "tool: test_cases.py::test_has_a_row"})
    pytest_ = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "gpu_rows_plugin"]
    command = [*pytest_, f"--rootdir={tmp_path}", "-c", "/dev/null", str(file)]
    shares = [["env", f"CARD_SHARE={k}/2", *command] for k in range(2)]
    rows_module.watch(shares, rows, tmp_path / "log.txt", 20)
    found = {row["name"].removeprefix("tool: test_cases.py::test_"): row for row in rows.results()}
    log = (tmp_path / "log.txt").read_text()
    assert found.keys() == {"passes", "fails", "hangs", "skips", "has_a_row"}, log
    assert found["passes"]["outcome"] == "passed"
    assert found["fails"]["outcome"] == "failed"
    assert found["fails"]["error"] == "AssertionError: not so"
    assert found["hangs"]["error"] == "killed after 20 s without a row"
    assert (found["skips"]["outcome"], found["skips"]["why"]) == ("skipped", "Skipped: a reason")
    assert "outcome" not in found["has_a_row"]


def test_a_child_that_never_begins(rows_module, tmp_path):
    rows = rows_module.Rows(tmp_path / "rows.jsonl")
    command = [sys.executable, "-c", "raise SystemExit('no GPU')"]
    rows_module.watch([[*command[:2], "raise SystemExit(3)"]], rows, tmp_path / "log.txt", 30)
    assert rows.results() == [{"name": "process 0", "error": "ended with status 3", "worker": 0}]
    rows_module.watch([command], rows, tmp_path / "log.txt", 30)
    assert "no GPU" in (tmp_path / "log.txt").read_text()


def test_a_part_of_a_row_is_none(rows_module, tmp_path):
    rows = rows_module.Rows(tmp_path / "rows.jsonl")
    assert rows.read() == []
    rows.write({"name": "a"})
    with rows.path.open("a") as file:
        file.write('{"name": "b')
    assert rows.results() == [{"name": "a", "worker": 0}]


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
