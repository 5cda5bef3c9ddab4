"""Ctrl-C in every kind of scan: heard long before the scan's end, and later scans are right."""

import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

import interrupted

pytestmark = pytest.mark.alone  # it measures time, and takes memory


# Every scan in each library, by one thread in one of them and by two in the other.
CASES = sorted(
    (library, 1 + (number + place) % 2, scan)
    for number, scan in enumerate(interrupted.SCANS)
    for place, library in enumerate(["numpy", "torch"])
)


@pytest.fixture(scope="module")
def outcomes(request):
    """What became of this run's scans, for a library and a number of threads: one process each."""
    cases = [
        tuple(item.callspec.params[name] for name in ("library", "threads", "scan"))
        for item in request.session.items
        if item.path == Path(__file__)
    ]

    @functools.cache
    def found(*process):
        program = [sys.executable, interrupted.__file__, *map(str, process)]
        names = [scan for *other, scan in cases if tuple(other) == process]
        done = subprocess.run(
            [*program, *names], capture_output=True, text=True, check=False, timeout=600
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return found


@pytest.mark.parametrize(("library", "threads", "scan"), CASES)
def test_interrupt(outcomes, library, threads, scan):
    taken, late, right_after = outcomes(library, threads)[scan]
    if taken < interrupted.LEAST:
        pytest.skip(f"{taken:.2f} s for all that there is memory for: too short to be interrupted")
    assert late < taken / 2, f"heard after {late:.2f} s of a scan that takes {taken:.2f} s"
    assert right_after
