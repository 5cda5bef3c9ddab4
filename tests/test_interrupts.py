"""Ctrl-C in every kind of scan: heard long before the scan's end, and later scans are right."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import interrupted

pytestmark = pytest.mark.alone  # it measures time, and takes memory


@pytest.fixture(scope="module", params=["numpy", "torch"])
def library(request):
    return request.param


@pytest.fixture(scope="module", params=[1, 2])
def threads(request):
    return request.param


@pytest.fixture(scope="module")
def outcomes(library, threads, request):
    """What became of the scans of this run, in a process whose main thread makes them."""
    names = [
        item.callspec.params["scan"]
        for item in request.session.items
        if item.path == Path(__file__)
        and item.callspec.params["library"] == library
        and item.callspec.params["threads"] == threads
    ]
    program = Path(interrupted.__file__)
    done = subprocess.run(
        [sys.executable, program, library, str(threads), *names],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("scan", interrupted.SCANS)
def test_interrupt(outcomes, scan):
    taken, late, right_after = outcomes[scan]
    if taken < interrupted.LEAST:
        pytest.skip(f"{taken:.2f} s for all that there is memory for: too short to be interrupted")
    assert late < taken / 2, f"heard after {late:.2f} s of a scan that takes {taken:.2f} s"
    assert right_after
