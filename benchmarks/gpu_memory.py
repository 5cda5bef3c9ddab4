"""Tests under compute-sanitizer, which is first seen to find a fault that was planted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from gpu_rows import Row, Rows, watch

PLANTED = Path(__file__).parents[1] / "tests" / "gpu_planted.py"
TOOLS = ("memcheck", "racecheck")
SMALL = ("0/5", "test_bits and not function")  # which share of which tests of the kernels
ABLE = ("0/1", "not inductor and not libraries and not threads")  # and of the abilities
SUMMARY = re.compile(r"=+ (?:ERROR|RACECHECK) SUMMARY: (\d+) (?:errors?|hazards?).*")
# Every tensor has memory of its own: pieces of a cached block would hide what lies outside of them.
BARE = {"PYTORCH_NO_CUDA_MEMORY_CACHING": "1"}
QUIET = 200  # seconds; everything is some ten to a hundred times slower


def under(tool: str, command: list[str]) -> list[str]:
    """The command by which a tool looks at another one."""
    options = ["--tool", tool, "--target-processes", "application-only"]
    return [shutil.which("compute-sanitizer") or "compute-sanitizer", *options, *command]


def found_in(output: str, processes: int = 1) -> int | None:
    """How many faults a tool says that it has found; None if one of its processes says nothing."""
    counts = [int(match[1]) for match in SUMMARY.finditer(output)]
    return sum(counts) if len(counts) >= processes else None


def last_line(output: str) -> str:
    """What a program said last."""
    return (output.strip().splitlines() or ["no output"])[-1][:300]


def planted(tool: str) -> Row:
    """Whether a tool finds the fault that was made for it."""
    try:
        done = subprocess.run(
            under(tool, [sys.executable, str(PLANTED), tool]), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=QUIET, check=False,
            env=os.environ | BARE,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"error": f"killed after {QUIET} s"}
    count = found_in(done.stdout)
    if not count:
        return {"error": f"the planted fault was not found: {last_line(done.stdout)}"}
    return {"found": count}


def summary(output: str, processes: int) -> Row:
    """What a tool found in the tests; to say nothing is a fault as well."""
    count = found_in(output, processes)
    if count is None:
        return {"error": f"no summary: {last_line(output)}"}
    faults = [line for line in output.splitlines() if line.startswith("=========")]
    return {"found": 0} if count == 0 else {"error": f"{count} faults: " + " ".join(faults[:12])}


def check(tool: str, tests: list[list[str]], rows: Rows, log: Path, *, dry: bool) -> None:
    """Rows of the planted fault, of each test, and of the tool's own summary."""
    if not dry and f"{tool}: planted fault" not in rows.begun():
        rows.write({"name": f"{tool}: planted fault"} | planted(tool))
    output = log.with_name(f"{tool}.txt")
    output.write_text("")  # of this run alone
    names = ["env", *(f"{key}={value}" for key, value in BARE.items()), f"CARD_PREFIX={tool}: "]
    shares = zip((SMALL, ABLE), tests, strict=True)
    watch(
        [
            [*names, f"CARD_SHARE={share}", *(command if dry else under(tool, command)), "-k", some]
            for (share, some), command in shares
        ],
        rows, output, QUIET,
    )  # fmt: skip
    text = output.read_text()
    output.unlink()
    with log.open("a") as file:
        file.write(text)
    if not dry:
        rows.write({"name": f"{tool}: summary"} | summary(text, len(tests)))
